"""The read-only whole-program model: every file's facts, and the linked views that rules ask questions of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

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
        self.files = files
        self.unread = unread
        """Rust and SQL files that are there but were not read: nothing may be said about what they do not contain."""
        self.start_after = start_after
        """The last migration that ran everywhere, if the project says so."""
        self.features = features
        """Name → gitignore-style patterns of front-end code that the project wants to load later than the rest."""
        self._linkers = linkers

    def of(self, *languages: str) -> list[File]:
        """Files of the given languages, by path."""
        return [file for file in self.files.values() if file.language in languages]

    @cached_property
    def rust(self) -> RustProgram:
        return self._linkers.rust(self)

    @cached_property
    def web(self) -> WebProgram:
        return self._linkers.web(self)

    @cached_property
    def react(self) -> ReactProgram:
        return self._linkers.react(self)

    @cached_property
    def requests(self) -> Requests:
        """The HTTP requests that the front end sends."""
        from slowpath.program.requests import Requests

        return Requests(self)

    @cached_property
    def data_hooks(self) -> DataHooks:
        """The hook calls that ask a server."""
        from slowpath.program.data_hooks import DataHooks

        return DataHooks(self)

    @cached_property
    def await_effects(self) -> AwaitEffects:
        """What the calls of the front end do."""
        from slowpath.program.await_effects import AwaitEffects

        return AwaitEffects(self)

    @cached_property
    def fan_outs(self) -> FanOuts:
        """Requests that the front end sends per element of a list."""
        from slowpath.program.fan_out import FanOuts

        return FanOuts(self)

    @cached_property
    def cargo(self) -> CargoProgram:
        return self._linkers.cargo(self)

    @cached_property
    def schema(self) -> SchemaProgram:
        return self._linkers.schema(self)
