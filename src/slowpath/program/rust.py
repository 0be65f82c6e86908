"""The Rust view of a program: modules, types, functions, and what a call means.

Calls are resolved when a rule asks; each answer says how sure it is. External items are canonical paths like
`std::fs::read`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

from slowpath.model.code import Call, CodeFacts, Fn, Local, Owner, Scope, TypeDef
from slowpath.model.finding import Place

How = Literal["exact", "type", "name", "unknown"]
"""exact: by path; type: by the receiver's type; name: the only method of that name in the workspace."""

WORDS: dict[How, str] = {"exact": "path", "type": "type", "name": "name"}

T = TypeVar("T")


def last_of(path: str) -> str:
    """The last segment of a path."""
    return path[path.rfind(":") + 1 :] if ":" in path else path


class Module:
    """A module of a crate. `inline` is its path inside its file."""

    __slots__ = ("crate", "file", "globs", "inline", "name", "parent", "test", "types", "uses", "values")

    def __init__(self, name: str, crate: Crate, file: str, inline: str, parent: Module | None, test: bool) -> None:
        self.name = name
        """Full path, crate first."""
        self.crate = crate
        self.file = file
        self.inline = inline
        self.parent = parent
        self.test = test
        self.types: dict[str, Module | TypeItem | TraitItem] = {}
        self.values: dict[str, Function | Constant] = {}
        self.uses: dict[str, tuple[str, bool]] = {}
        """name → (path as written, public)"""
        self.globs: list[tuple[str, bool]] = []


class Crate:
    """One target of a package: `kind` is lib, bin, test, bench, example or build."""

    __slots__ = ("folder", "kind", "name", "root")

    def __init__(self, name: str, kind: str, folder: str) -> None:
        self.name = name
        self.kind = kind
        self.folder = folder
        self.root: Module | None = None


class TypeItem:
    """A struct, enum or alias of the workspace with all its methods, by name."""

    __slots__ = ("definition", "deref", "methods", "module", "name", "on_threads", "traits")

    def __init__(self, name: str, definition: TypeDef, module: Module) -> None:
        self.name = name
        self.definition = definition
        self.module = module
        self.methods: dict[str, list[Function]] = {}
        self.traits: list[TraitItem | str] = []
        self.deref: tuple[Module, Owner] | None = None
        """The `impl Deref` of this type, and where it stands."""
        self.on_threads = False
        """An actor with threads of its own."""

    def __repr__(self) -> str:
        return f"{self.module.name}::{self.name}"


class TraitItem:
    """A trait of the workspace: its own methods, and those of every impl of it."""

    __slots__ = ("implementations", "methods", "module", "name")

    def __init__(self, name: str, module: Module) -> None:
        self.name = name
        self.module = module
        self.methods: dict[str, list[Function]] = {}
        self.implementations: dict[str, list[Function]] = {}

    def __repr__(self) -> str:
        return f"{self.module.name}::{self.name}"


class Constant(NamedTuple):
    """A const or static."""

    name: str
    module: Module
    type: str
    init: str


class Function:
    """A function with its place in the program."""

    __slots__ = ("fact", "file", "module", "owner", "self_type", "test", "trait")

    def __init__(self, fact: Fn, file: str, module: Module, owner: Owner | None, test: bool) -> None:
        self.fact = fact
        self.file = file
        self.module = module
        self.owner = owner
        self.self_type: TypeItem | TraitItem | str | None = None
        self.trait: TraitItem | str | None = None
        """The trait that the impl implements, or whose body this is."""
        self.test = test

    @property
    def name(self) -> str:
        """As people say it: `Type::method` or `function`."""
        kind = self.self_type
        prefix = kind.name if isinstance(kind, TypeItem | TraitItem) else (kind or "").rsplit("::", 1)[-1]
        return f"{prefix}::{self.fact.name}" if prefix else self.fact.name

    def as_written(self, path: str) -> str:
        """As people say it where a path calls it: a function with its module, as far as the path names that."""
        return self.name if "::" in self.name else "::".join(path.split("::")[-2:])

    @property
    def place(self) -> Place:
        return Place(self.file, (self.fact.start, self.fact.end))

    def at(self, call: Call) -> Place:
        """Where a call in this function is reported."""
        return Place(self.file, (call.start, call.end))

    def path_of(self, operand: str) -> str:
        """The path of a function that an operand hands over; any other operand as it is."""
        if operand.startswith("|") and operand[1:].isdigit():
            return self.fact.scopes[int(operand[1:])].subject or operand
        return operand

    def scopes_of(self, scope: int) -> Iterator[tuple[int, Scope]]:
        """The scope itself and those around it, innermost first."""
        while scope >= 0:
            yield scope, self.fact.scopes[scope]
            scope = self.fact.scopes[scope].parent

    def __repr__(self) -> str:
        return f"{self.file}:{self.name}"


class Site(NamedTuple):
    """A call in a function."""

    function: Function
    number: int

    @property
    def key(self) -> tuple[int, int]:
        """What stands for the call in sets and tables: functions are compared by identity."""
        return id(self.function), self.number

    @property
    def call(self) -> Call:
        return self.function.fact.calls[self.number]

    @property
    def place(self) -> Place:
        return self.function.at(self.call)


class Resolved(NamedTuple):
    """What a call may reach: functions of the workspace, or one external path (`Type::method` for methods)."""

    functions: tuple[Function, ...]
    external: str
    how: How


UNKNOWN = Resolved((), "", "unknown")
PENDING = Resolved((), "", "unknown")
"""What a call means while that is being worked out."""


class Ty(NamedTuple):
    """A type: what its name resolves to, and its arguments. `derived` marks what a method of an external type gave."""

    head: TypeItem | TraitItem | str
    args: tuple[Ty, ...] = ()
    derived: bool = False


class Resolver(Protocol):
    """How names and types are answered; `link` supplies it."""

    def resolve_call(self, site: Site) -> Resolved: ...

    def type_of(self, function: Function, operand: str, at: int, scope: int) -> Ty | None: ...

    def functions_named_by(self, function: Function, path: str) -> tuple[Function, ...]: ...

    def binding(self, function: Function, name: str, at: int, scope: int) -> Local | None: ...

    def constant_init(self, function: Function, path: str) -> str: ...

    def owner_type(self, function: Function, path: str) -> Ty | None: ...


@runtime_checkable
class Forgetful(Protocol):
    """A question-answerer whose answers are each of one function, and stay when others change."""

    def forget(self, functions: set[int], files: set[str]) -> None: ...


class RustProgram:
    """Every compiled Rust function, and the questions that rules ask about them."""

    def __init__(
        self,
        crates: list[Crate],
        modules: dict[str, list[Module]],
        functions: list[Function],
        facts: dict[str, CodeFacts],
    ) -> None:
        self.crates = crates
        self.modules = modules
        """file → its modules; a file outside every module tree has none."""
        self.functions = functions
        self.facts = facts
        self.resolver: Resolver
        self.unsettled: set[int] = set()
        """id(function) where an answer may depend on what was asked before it: it went in a circle, or too deep."""
        self._resolved: dict[tuple[int, int], Resolved] = {}
        self._callers: dict[str, dict[int, list[Site]]] = {}
        self._shared: dict[Callable[[RustProgram], object], object] = {}

    def shared(self, kind: Callable[[RustProgram], T]) -> T:
        """The one instance of a question-answerer for this program: what rules work out, they share."""
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        return cast(T, self._shared[kind])

    def edited(self, changed: Mapping[int, Fn], facts: Mapping[str, CodeFacts]) -> set[int]:
        """Functions with these facts, by id, have others now, their bodies alone; `facts` are those of their files.

        Returns the ids of the functions whose answers are forgotten. What is asked of one function stays known.
        """
        copies = Counter(id(function.fact) for function in self.functions)
        stale = [
            function
            for function in self.functions
            if id(function.fact) in changed or id(function) in self.unsettled or copies[id(function.fact)] > 1
        ]
        touched = {last_of(call.name) for function in stale for call in function.fact.calls}
        gone = {id(function) for function in stale}
        for function in stale:
            function.fact = changed.get(id(function.fact), function.fact)
        touched |= {last_of(call.name) for function in stale for call in function.fact.calls}
        self.facts.update(facts)
        self.unsettled.clear()
        self._resolved = {key: known for key, known in self._resolved.items() if key[0] not in gone}
        for name in touched:
            self._callers.pop(name, None)
        if "sites" in vars(self):
            self.sites = self._sites_with(stale, gone, touched)
        for name in ("_by_file", "_ranks"):
            vars(self).pop(name, None)
        kept = {kind: own for kind, own in self._shared.items() if isinstance(own, Forgetful)}
        self._shared = dict(kept)
        for own in kept.values():
            own.forget(gone, set(facts))
        return gone

    def _sites_with(self, stale: list[Function], gone: set[int], touched: set[str]) -> dict[str, list[Site]]:
        """The calls by name, in the same order as if they were all gathered anew."""
        places = self.places
        sites = dict(self.sites)
        for name in touched:
            sites[name] = [site for site in sites.get(name, ()) if id(site.function) not in gone]
        for function in stale:
            for index, call in enumerate(function.fact.calls):
                sites[last_of(call.name)].append(Site(function, index))
        for name in touched:
            sites[name].sort(key=lambda site: (places[id(site.function)], site.number))
        first = {name: own[0] for name, own in sites.items() if own}
        order = sorted(first, key=lambda name: (places[id(first[name].function)], first[name].number))
        return {name: sites[name] for name in order}

    def place_of(self, site: Site) -> tuple[int, int, int]:
        """Where a call stands among all, by name and function."""
        return self._ranks[last_of(site.call.name)], self.places[id(site.function)], site.number

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {name: rank for rank, name in enumerate(self.sites)}

    @cached_property
    def places(self) -> dict[int, int]:
        """id(function) → where it stands among all."""
        return {id(function): place for place, function in enumerate(self.functions)}

    def is_compiled(self, path: str) -> bool:
        """Whether a file stands in some crate's module tree."""
        return path in self.modules

    def is_test(self, path: str) -> bool:
        """Whether a file is compiled for tests, benches or examples only."""
        own = self.modules.get(path)
        return bool(own) and all(module.test for module in own or ())

    def roots(self, path: str) -> set[str]:
        """First segments of the paths that a file calls."""
        facts = self.facts[path]
        return {call.name.partition("::")[0] for fn in facts.fns for call in fn.calls if "::" in call.name}

    @cached_property
    def sites(self) -> dict[str, list[Site]]:
        """Calls by the last segment of the called name."""
        return self.sites_of(self.functions)

    def sites_of(self, functions: Iterable[Function]) -> dict[str, list[Site]]:
        """The calls of some functions by name."""
        sites: dict[str, list[Site]] = {}
        for function in functions:
            for index, call in enumerate(function.fact.calls):
                sites.setdefault(last_of(call.name), []).append(Site(function, index))
        return sites

    @cached_property
    def named(self) -> dict[str, list[Function]]:
        """Functions by name."""
        found: dict[str, list[Function]] = {}
        for function in self.functions:
            found.setdefault(function.fact.name, []).append(function)
        return found

    @cached_property
    def _by_file(self) -> dict[str, tuple[list[int], list[Function]]]:
        """A file's functions, and where each begins, in order."""
        grouped: dict[str, list[Function]] = {}
        for function in sorted(self.functions, key=lambda function: function.fact.start):
            grouped.setdefault(function.file, []).append(function)
        return {file: ([f.fact.start for f in functions], functions) for file, functions in grouped.items()}

    def around(self, place: Place) -> Function | None:
        """The innermost function around a place."""
        starts, functions = self._by_file.get(place.path, ([], []))
        before = functions[: bisect_right(starts, place.span[0])]
        return next((function for function in reversed(before) if function.fact.stop > place.span[0]), None)

    @cached_property
    def macros(self) -> dict[str, list[Function]]:
        """Arms of the workspace's `macro_rules!` that stand for expressions, by `name!`."""
        arms: dict[str, list[Function]] = {}
        for function in self.functions:
            if function.fact.macro.endswith("!"):
                arms.setdefault(function.fact.macro, []).append(function)
        return arms

    def resolve(self, site: Site) -> Resolved:
        """What a call may reach."""
        key = site.key
        known = self._resolved.get(key)
        if known is None:
            self._resolved[key] = PENDING
            known = self._resolved[key] = self.resolver.resolve_call(site)
        elif known is PENDING:
            self.unsettled.add(key[0])
        return known

    def name_of(self, site: Site) -> str:
        """How people write what a call calls: a method with its type where that is known."""
        external = self.resolve(site).external.removeprefix("~")
        if site.call.receiver == "-" or "::" not in external or "?" in external:
            return site.call.name
        return "::".join(external.split("::")[-2:])

    def tally(self) -> tuple[tuple[str, int], ...]:
        """How every call outside tests is resolved, and how many are so."""
        counts: Counter[str] = Counter()
        for function in self.functions:
            for number in range(len(function.fact.calls)) if not function.test else ():
                found = self.resolve(Site(function, number))
                place = "in the workspace" if found.functions else "in other crates"
                counts["not at all" if found.how == "unknown" else f"{place} by {WORDS[found.how]}"] += 1
        return tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))

    def callers(self, function: Function) -> Iterable[Site]:
        """Every call that may reach a function."""
        name = function.fact.name
        if function.fact.macro.endswith("!"):
            name = function.fact.macro
        if name not in self._callers:
            callers: dict[int, list[Site]] = {}
            for site in self.sites.get(name, ()):
                for callee in self.resolve(site).functions:
                    callers.setdefault(id(callee), []).append(site)
            self._callers[name] = callers
        return self._callers[name].get(id(function), ())

    def type_of(self, function: Function, operand: str, at: int, scope: int = 0) -> Ty | None:
        """The type of an operand as seen from a byte offset of a function, None where it is not known."""
        return self.resolver.type_of(function, operand, at, scope)
