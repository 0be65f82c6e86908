"""The read-only whole-program model: every file's facts, and the linked views that rules ask questions of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import msgspec

from slowpath.model.facts import Facts

if TYPE_CHECKING:
    from slowpath.program.await_effects import AwaitEffects
    from slowpath.program.cargo import CargoProgram
    from slowpath.program.data_hooks import DataHooks
    from slowpath.program.fan_out import FanOuts
    from slowpath.program.react import ReactProgram
    from slowpath.program.requests import Requests
    from slowpath.program.rust import RustProgram
    from slowpath.program.schema import SchemaProgram
    from slowpath.program.web import WebProgram


T = TypeVar("T")
WEB = frozenset(["typescript", "tsx", "json"])
RUST = frozenset(["rust", "toml"])
UNREAD = "unread"
ALL = "*"
VIEWS: dict[str, frozenset[str]] = {
    "rust": RUST,
    "web": WEB,
    "react": WEB,
    "requests": WEB,
    "data_hooks": WEB,
    "await_effects": WEB,
    "fan_outs": WEB | RUST,
    "cargo": RUST | {UNREAD},
    "schema": RUST | {UNREAD, "sql", "patch"},
}
"""The inputs of each view, when it is linked and ever after: it is the same as long as they are."""


class File(msgspec.Struct, frozen=True):
    """A discovered file. `path` is relative to the project root, `language` a key of `extract.LANGUAGES`."""

    path: str
    language: str
    facts: Facts


class Linkers(NamedTuple):
    """How each view is built; `link` supplies them, so that this room need not know that one."""

    rust: Callable[[Program], RustProgram]
    web: Callable[[Program], WebProgram]
    react: Callable[[Program], ReactProgram]
    cargo: Callable[[Program], CargoProgram]
    schema: Callable[[Program], SchemaProgram]


class Program:
    """All facts of a project. Views are linked when a rule first asks for them."""

    def __init__(
        self,
        files: Mapping[str, File],
        linkers: Linkers,
        unread: frozenset[str] = frozenset(),
        start_after: str = "",
        features: Mapping[str, Sequence[str]] = {},
    ) -> None:
        self.by_path = files
        self._unread = unread
        self.start_after = start_after
        """The last migration that ran everywhere, if the project says so."""
        self.features = features
        """Name → gitignore-style patterns of front-end code that the project wants to load later than the rest."""
        self._linkers = linkers
        self.views: dict[str, object] = {}
        self.read: set[str] = set()
        """What was asked for since this was last emptied: languages, UNREAD, ALL."""
        self.asked: set[str] = set()
        """The views, likewise."""

    @property
    def files(self) -> Mapping[str, File]:
        """All files by path."""
        self.read.add(ALL)
        return self.by_path

    def get(self, path: str) -> File | None:
        """The file of that path, where there is one."""
        file = self.by_path.get(path)
        self.read.add(ALL if file is None else file.language)
        return file

    @property
    def unread(self) -> frozenset[str]:
        """Rust and SQL files that are there but were not read: nothing may be said about what they do not contain."""
        self.read.add(UNREAD)
        return self._unread

    def of(self, *languages: str) -> list[File]:
        """Files of the given languages, by path."""
        self.read.update(languages)
        return [file for file in self.by_path.values() if file.language in languages]

    def _view(self, name: str, make: Callable[[Program], T]) -> T:
        self.read |= VIEWS[name]
        self.asked.add(name)
        if name not in self.views:
            self.views[name] = make(self)
        return cast(T, self.views[name])

    @property
    def rust(self) -> RustProgram:
        return self._view("rust", self._linkers.rust)

    @property
    def web(self) -> WebProgram:
        return self._view("web", self._linkers.web)

    @property
    def react(self) -> ReactProgram:
        return self._view("react", self._linkers.react)

    @property
    def requests(self) -> Requests:
        """The HTTP requests that the front end sends."""
        from slowpath.program.requests import Requests

        return self._view("requests", Requests)

    @property
    def data_hooks(self) -> DataHooks:
        """The hook calls that ask a server."""
        from slowpath.program.data_hooks import DataHooks

        return self._view("data_hooks", DataHooks)

    @property
    def await_effects(self) -> AwaitEffects:
        """What the calls of the front end do."""
        from slowpath.program.await_effects import AwaitEffects

        return self._view("await_effects", AwaitEffects)

    @property
    def fan_outs(self) -> FanOuts:
        """Requests that the front end sends per element of a list."""
        from slowpath.program.fan_out import FanOuts

        return self._view("fan_outs", FanOuts)

    @property
    def cargo(self) -> CargoProgram:
        return self._view("cargo", self._linkers.cargo)

    @property
    def schema(self) -> SchemaProgram:
        return self._view("schema", self._linkers.schema)
