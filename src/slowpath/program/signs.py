"""Which features the code of a workspace shows a need of: each sign of the tables, looked for where it could be.

Paths are asked of the packages that get the feature, words and other crates' names of all packages that can hold the
crate's types, since results and re-exports carry them around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from slowpath.model.finding import Place
from slowpath.model.rust import RustFacts
from slowpath.program import Program
from slowpath.program.cargo import Entry, Package, Role, Use, Workspace


class Shown(NamedTuple):
    """Code that needs a feature. There is no place where only the word is known."""

    what: str
    place: Place | None = None


Needs = dict[str, Shown]
Signs = Mapping[str, Iterable[str]]


class Paths:
    """The signs that are paths below the crate, by path and by what leads to them."""

    def __init__(self, signs: Signs) -> None:
        self.at: dict[str, set[str]] = {}
        self.under: dict[str, set[str]] = {}
        """For globs: what any path below one needs."""
        self._known: dict[str, set[str]] = {}
        for feature, own in signs.items():
            for sign in own:
                if sign[0] not in ".@" and not sign.startswith("columns>"):
                    self.at.setdefault(sign, set()).add(feature)
                    for above in leading(sign):
                        self.under.setdefault(above, set()).add(feature)

    def needed(self, uses: Iterable[Use]) -> Needs:
        """The features that the uses show: `net` for `tokio::net::TcpListener`, each with the first that does."""
        needs: Needs = {}
        for use in uses:
            below = use.path.partition("::")[2]
            if below not in self._known:
                self._known[below] = self._needed(below)
            for feature in self._known[below] - needs.keys():
                needs[feature] = Shown(use.path, use.place)
        return needs

    def _needed(self, below: str) -> set[str]:
        found = set[str]().union(*(self.at.get(path, ()) for path in (*leading(below), below)))
        return found | self.under.get(below.removesuffix("::*"), set()) if below.endswith("::*") else found


def leading(path: str) -> Iterator[str]:
    """`a::b::c` → `a`, `a::b`."""
    end = path.find("::")
    while end >= 0:
        yield path[:end]
        end = path.find("::", end + 2)


def by_words(signs: Signs, packages: list[Package], program: Program) -> Needs:
    """The features with another sign: `.word` (`.Word*` by its start), `@crate`, or `columns>N`."""
    needs: Needs = {}
    for feature, own in signs.items():
        found = [shown for sign in own if (shown := shows(sign, packages, program))]
        if found:
            needs[feature] = next((shown for shown in found if shown.place), found[0])
    return needs


def shows(sign: str, packages: list[Package], program: Program) -> Shown | None:
    """What shows a sign that is no path."""
    if sign[0] == ".":
        return worded(sign[1:], packages, program)
    if sign[0] == "@":
        return next((at(use) for package in packages for use in package.uses.get(sign[1:], ())), None)
    if sign.startswith("columns>"):
        return wide(int(sign.removeprefix("columns>")), packages, program)
    return None


def at(use: Use) -> Shown:
    return Shown(use.path, use.place)


def worded(word: str, packages: list[Package], program: Program) -> Shown | None:
    """A word in the code of a package, with its place where it is a call or part of a path."""
    wanted = f" {word[:-1]}" if word[-1] == "*" else f" {word} "
    seen: Shown | None = None
    for package in packages:
        for code in package.code if _has(package, word, wanted) else ():
            start = code.mentions.words.find(wanted)
            if start < 0:
                continue
            full = code.mentions.words[start + 1 :].partition(" ")[0]
            place = located(full, code.path, program)
            if place:
                return Shown(full, place)
            seen = seen or Shown(full)
    return seen


def located(word: str, path: str, program: Program) -> Place | None:
    """Where a file has a word: a call of that name, or a path that holds it."""
    facts = rust_facts(path, program)
    for function in facts.code.fns:
        for call in function.calls:
            if call.name.rpartition("::")[2].rstrip("!") == word:
                return Place(path, (call.start, call.end))
    for mention in facts.mentions.mentions:
        if word in mention.path.split("::"):
            return Place(path, (mention.at, mention.at + len(mention.path.partition("::")[0])))
    return None


def _has(package: Package, word: str, wanted: str) -> bool:
    return wanted in package.words if word[-1] == "*" else word in package.vocabulary


def rust_facts(path: str, program: Program) -> RustFacts:
    file = program.get(path)
    assert file is not None
    return cast(RustFacts, file.facts)


def wide(columns: int, packages: list[Package], program: Program) -> Shown | None:
    """A table, or a struct that a row may become, of more columns; unknown tables may be wide."""
    any_table = False
    for package in packages:
        for code in package.code:
            facts = rust_facts(code.path, program)
            for table in facts.diesel.tables:
                any_table = True
                if len(table.columns) > columns:
                    return Shown(table.name, Place(code.path, table.span))
            for type_ in facts.code.types:
                if type_.kind == "struct" and len(type_.fields) > columns:
                    return Shown(type_.name)
    return None if any_table else Shown("tables that are not in sight")


def holders(workspace: Workspace, registered: str) -> list[Package]:
    """The packages that can hold a crate's types: those that depend on it, and those that depend on these."""
    known = {entry.package.path for entry in workspace.entries(registered)}
    grown = True
    while grown:
        before = len(known)
        for package in workspace.packages:
            if any(entry.local and entry.local.path in known for entry in package.entries):
                known.add(package.path)
        grown = len(known) > before
    return [package for package in workspace.packages if package.path in known]


def reachable(entry: Entry) -> list[Use]:
    """Where code that gets the entry names the crate: also by others' re-exports, and in macros that expand in it."""
    local = [other.local for other in entry.package.entries if other.local]
    packages = [entry.package, *(other for other in local if other.manifest.proc_macro or other.says("macro_rules"))]
    uses = [use for package in packages for use in package.uses.get(entry.name, ())]
    own = roles(entry)
    return [use for use in (*uses, *entry.package.through.get(entry.name, ())) if use.role in own]


def roles(entry: Entry) -> set[Role]:
    """The code that an entry is for: tests have a normal entry too, unless they have one of their own."""
    if entry.declared.scope != "normal":
        return {entry.declared.scope}
    tests = any(o.registered == entry.registered and o.declared.scope == "dev" for o in entry.package.entries)
    return {"normal"} if tests else {"normal", "dev"}
