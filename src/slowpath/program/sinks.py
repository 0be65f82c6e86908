"""Calls that have an effect themselves, found from a rule page's list of paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slowpath.model.code import AWAITED, CHAIN_AWAITED
from slowpath.program.connections import Connections
from slowpath.program.paths import Paths, modules_of
from slowpath.program.rust import Resolved, RustProgram, Site, last_of

NEUTRAL = frozenset(
    "unwrap expect unwrap_or unwrap_or_else unwrap_or_default is_ok is_err is_some is_none as_ref as_mut ok err map "
    "map_err and_then clone into iter iter_mut into_iter as_deref as_str to_string len is_empty context with_context "
    "ok_or ok_or_else borrow borrow_mut deref deref_mut get_ref get_mut into_inner as_path to_path_buf fmt eq cmp "
    "drop".split()
)
"""Methods of every type: a wildcard over a type does not mean them."""


def sinks(program: RustProgram, connections: Connections, paths: Paths, awaited: bool) -> Iterator[Site]:
    """Every call outside tests that belongs to `paths`. Unless `awaited`, calls that are awaited do not count."""
    return iter(program.shared(Members).of(connections, paths, awaited))


class Members:
    """The calls that belong to paths. After an edit, only the functions that changed are looked through again."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._known: dict[tuple[int, bool], tuple[Paths, list[Site]]] = {}
        """(id(paths), awaited) → their calls"""
        self._stale: dict[tuple[int, bool], set[int]] = {}
        """The functions that changed since those were found, by id."""

    def forget(self, functions: set[int], files: set[str]) -> None:
        """What is known of functions whose bodies changed, in these files."""
        for key in self._known:
            self._stale.setdefault(key, set()).update(functions)

    def of(self, connections: Connections, paths: Paths, awaited: bool) -> list[Site]:
        """Those of the program, in the order of names and functions."""
        key = (id(paths), awaited)
        if key not in self._known:
            candidates = self._candidates(paths, self.program.sites)
            found = [site for site in candidates if is_sink(self.program, connections, paths, site, awaited)]
            self._known[key] = paths, found
        elif key in self._stale:
            stale = self._stale.pop(key)
            found = [site for site in self._known[key][1] if id(site.function) not in stale]
            changed = [function for function in self.program.functions if id(function) in stale]
            again = sorted(self._candidates(paths, self.program.sites_of(changed)), key=self.program.place_of)
            found += [site for site in again if is_sink(self.program, connections, paths, site, awaited)]
            self._known[key] = paths, sorted(found, key=self.program.place_of)
        return self._known[key][1]

    def _candidates(self, paths: Paths, sites: Mapping[str, list[Site]]) -> Iterator[Site]:
        names, named = paths.names, self.program.shared(Named)
        near = {file for file in self.program.facts if named.near(file, paths)} if paths.open else set()
        for name, own in sites.items():
            if name in names:
                yield from (site for site in own if not site.function.test)
            elif near and name[:1].islower() and name not in NEUTRAL:
                yield from (site for site in own if site.function.file in near and not site.function.test)


class Named:
    """What each file names: the modules along its paths, and its imports."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.modules: dict[str, set[str]] = {}
        self.uses: dict[str, set[str]] = {}
        self.forget(set(), set(program.facts))

    def forget(self, functions: set[int], files: set[str]) -> None:
        """Read the files anew: bodies of functions changed."""
        for file in files:
            facts = self.program.facts[file]
            paths = {use.path for use in facts.uses}
            self.uses[file] = {f"{path}::" for path in paths}
            paths.update(call.name for fn in facts.fns for call in fn.calls if "::" in call.name)
            self.modules[file] = {module for path in paths for module in modules_of(path)}

    def near(self, file: str, paths: Paths) -> bool:
        """Whether a file names something beside or below one of the wildcards: others need not be resolved."""
        return not self.modules[file].isdisjoint(paths.modules) or not self.uses[file].isdisjoint(paths.above)


def is_sink(program: RustProgram, connections: Connections, paths: Paths, site: Site, awaited: bool) -> bool:
    call = site.call
    name = last_of(call.name)
    if not awaited and call.flags & AWAITED:
        return False
    if call.receiver == "-":
        return paths.has(program.resolve(site).external)
    if not awaited and call.flags & CHAIN_AWAITED and not _is_std(program.resolve(site)):
        return False
    if name in paths.methods and not program.resolve(site).functions:
        return True
    if name in paths.given_connection and given_connection(program, connections, site, awaited):
        return True
    if name in paths.given_type and given_type(program, site, paths.given_type[name]):
        return True
    if name in paths.of_connection and not program.resolve(site).functions and connections.owned(site):
        if name == "transaction" and not call.args:
            return False  # a getter of an async driver's handle: those that wait take a closure, or are known by type
        return name != "execute" or not call.args or call.args[0][:1] not in ("|", "~")  # else a pool of threads
    if name not in paths.names and (not paths.open or name in NEUTRAL):
        return False
    resolved = program.resolve(site)
    return resolved.how == "type" and paths.has(resolved.external)


def _is_std(resolved: Resolved) -> bool:
    return resolved.external.removeprefix("~").startswith("std::")


def given_connection(program: RustProgram, connections: Connections, site: Site, awaited: bool) -> bool:
    """`query.load(conn)`: one argument, a connection; not where an async extension trait lends the method."""
    call = site.call
    resolved = program.resolve(site)
    if len(call.args) != 1 or resolved.functions or _is_std(resolved):
        return False
    if not awaited and imports_async(program, site):
        return False
    return connections.given(site)


def given_type(program: RustProgram, site: Site, wanted: set[str]) -> bool:
    """Whether a call's only argument is known to be of one of some external types."""
    call = site.call
    if len(call.args) != 1:
        return False
    kind = program.type_of(site.function, call.args[0], call.start, call.scope)
    return kind is not None and kind.head in wanted and not kind.derived


def imports_async(program: RustProgram, site: Site) -> bool:
    """The file uses diesel_async (or another async driver's traits), so its query methods are futures."""
    uses = program.facts[site.function.file].uses
    return any(use.path.split("::")[0] in ("diesel_async", "sea_orm", "sqlx", "tokio_postgres") for use in uses)
