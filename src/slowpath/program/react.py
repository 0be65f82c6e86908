"""The React program: components, memo wrappers and contexts across files. Test files and stories take no part."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from slowpath.model.react import Component, HookCall, Memo, Passed, ReactFacts, Shown, Site

Key = tuple[str, str]
"""(path, name on that file's top level)"""

MAX_STEPS = 8
HANDLER = re.compile(r"on[A-Z]")

Fate = Literal["idle", "unseen", "matters"]
"""Nothing looks at the value's identity; or it ends in a package that was not read; or it may matter."""


class Names(NamedTuple):
    """What `link.react` knows of names that stand in a file."""

    resolve: Callable[[str, str], Key | str | None]
    origin: Callable[[str, str], str]
    """The name under which a package exports it."""
    unread: Callable[[str, str], frozenset[str]]
    """Of a name imported from a file of the project that was not read: what the project depends on."""


class ReactProgram:
    """Built by `link.react`. `resolve` says what a name of a file means: a key, or a package's name, or nothing.

    `compiler` is the mode of React Compiler by path, `lazy` what a component that loads later stands for.
    """

    def __init__(
        self,
        facts: Mapping[str, ReactFacts],
        compiler: Mapping[str, str],
        names: Names,
        pages: Mapping[Key, list[Key]],
        lazy: Mapping[Key, Key],
    ) -> None:
        self.facts = facts
        """Facts of the files that users run, by path."""
        self._compiler = compiler
        self._names = names
        self.origin = names.origin
        self.unread = names.unread
        self.pages = pages
        """Pages of a file router by the layouts around them."""
        self._lazy = lazy
        self._known: dict[Key, Key | str | None] = {}
        self.components: dict[Key, Component] = {
            (path, component.name): component for path, file in facts.items() for component in file.components
        }
        self.memos: dict[Key, Memo] = {(path, memo.name): memo for path, file in facts.items() for memo in file.memos}
        self.contexts = frozenset((path, name) for path, file in facts.items() for name in file.contexts)
        self.working = frozenset((path, name) for path, file in facts.items() for name in file.working)
        """Functions that loop, parse JSON or read the browser's storage."""
        self._stores = {(path, name): maker for path, file in facts.items() for name, maker in file.stores}
        self.styled: dict[Key, str] = {(path, name): base for path, file in facts.items() for name, base in file.styled}

    def compiles(self, path: str, owner: str) -> bool:
        """Does React Compiler memoise what a component or hook makes?"""
        mode = self._compiler.get(path, "")
        if not mode or path not in self.facts:
            return False
        said = dict(self.facts[path].directives)
        return said.get(owner, said.get("", mode == "on"))

    def resolve(self, path: str, name: str) -> Key | str | None:
        """What a name of a file's top level means; a package's name where it is not of this project."""
        key = (path, name)
        if key not in self._known:
            self._known[key] = self._names.resolve(path, name)
        return self._known[key]

    def maker(self, path: str, hook: str) -> tuple[str, str] | None:
        """The package and the function (or hook) of it that a hook of the file is, or that made it."""
        for _ in range(MAX_STEPS):
            target = self.resolve(path, hook.split(".")[0])
            if isinstance(target, str):
                return target, self.origin(path, hook.split(".")[0])
            if target is None or target not in self._stores:
                return None
            path, hook = target[0], self._stores[target]
        return None

    @cached_property
    def calls(self) -> dict[Key, list[HookCall]]:
        """Hook calls by component or hook."""
        found: dict[Key, list[HookCall]] = {}
        for path, facts in self.facts.items():
            for call in facts.calls:
                found.setdefault((path, call.owner), []).append(call)
        return found

    @cached_property
    def shown(self) -> dict[Key, list[int]]:
        """What each component shows, as indices of its file's list."""
        found: dict[Key, list[int]] = {}
        for path, facts in self.facts.items():
            for index, shown in enumerate(facts.shown):
                found.setdefault((path, shown.owner), []).append(index)
        return found

    def at(self, path: str, index: int) -> Shown:
        """An element of a file's list."""
        return self.facts[path].shown[index]

    def around(self, path: str, index: int) -> Iterator[Shown]:
        """The elements around one, innermost first."""
        within = self.at(path, index).within
        while within >= 0:
            yield self.at(path, within)
            within = self.at(path, within).within

    @cached_property
    def _sites(self) -> dict[Key, list[tuple[str, Site]]]:
        found: dict[Key, list[tuple[str, Site]]] = defaultdict(list)
        for path, facts in self.facts.items():
            for site in facts.sites:
                target = self.resolve(path, site.tag)
                for _ in range(MAX_STEPS):
                    if not isinstance(target, tuple):
                        break
                    found[target].append((path, site))
                    target = self._behind(target)
        return found

    def _behind(self, key: Key) -> Key | str | None:
        """The component that a styled or lazily loaded one hands its props to."""
        base = self.styled.get(key)
        return self.resolve(key[0], base) if base else self._lazy.get(key)

    def sites(self, key: Key) -> list[tuple[str, Site]]:
        """Where a component is rendered, by path."""
        return self._sites.get(key, [])

    def parents_rest(self, key: Key) -> bool:
        """Is every known parent without a reason to render again? False where none is known."""
        sites = self.sites(key)
        parents = [self.components.get((path, site.owner)) for path, site in sites if site.owner]
        return bool(sites) and all(parent is not None and not parent.rerenders for parent in parents)

    def fate(self, path: str, passed: tuple[Passed, ...], plain: Collection[str] = ()) -> Fate:
        """What becomes of a value that a file hands to the given attributes.

        The components of the packages (or scopes) in `plain` are known to look at no handler's identity.
        """
        fates = {self._fate(path, tag, attribute, set(), plain) for tag, attribute in passed}
        return "matters" if "matters" in fates else "unseen" if "unseen" in fates else "idle"

    def _fate(self, path: str, tag: str, attribute: str, seen: set[tuple[Key, str]], plain: Collection[str]) -> Fate:
        target = self.resolve(path, tag.split(".")[0])
        if isinstance(target, str):
            known = target in plain or target.split("/")[0] in plain
            return "idle" if known and HANDLER.match(attribute) else "unseen"
        if target is None or "." in tag or target in self.memos:
            return "matters"
        if (target, attribute) in seen:
            return "idle"
        seen.add((target, attribute))
        if target in self.styled:
            base = self.styled[target]
            return self._fate(target[0], base, attribute, seen, plain) if base else "idle"
        component = self.components.get(target)
        onward = dict(component.harmless).get(attribute) if component is not None else None
        if onward is None:
            return "matters"
        fates = {self._fate(target[0], *step, seen, plain) for step in onward}
        return "matters" if "matters" in fates else "unseen" if "unseen" in fates else "idle"
