"""What a call reaches: by path, by the receiver's type, or by a name that only one method of the workspace has."""

from __future__ import annotations

import re

from slowpath.link.rust_names import Names
from slowpath.link.rust_types import Types
from slowpath.model.code import AWAITED, Local
from slowpath.program.paths import known
from slowpath.program.rust import (
    UNKNOWN,
    Constant,
    Function,
    Module,
    Resolved,
    RustProgram,
    Site,
    TraitItem,
    Ty,
    TypeItem,
)

COMMON = frozenset(
    "get new query verify delete matches register to_json insert remove push pop len iter map filter find first "
    "load execute send recv next run start stop call write read flush close open clone build set add contains "
    "update clear take replace entry lock wait join spawn parse from into as_ref to_string fmt eq cmp hash drop "
    "poll handle process connect begin commit rollback fetch fetch_one fetch_all fetch_optional save create "
    "list search count values keys get_mut get_result get_results and_then or_else unwrap expect ok err is_some "
    "is_none is_empty push_str extend sort retain drain chunks split trim replace_all find_iter captures "
    "is_match exists is_file is_dir metadata status output json text bytes header headers body path id name key "
    "value kind data url uri method with_context context init setup configure finish end exec bind one all "
    "find_one aggregate encode decode sign check validate render print reset size min max sum abs apply merge "
    "append copy rename seek shutdown accept listen publish subscribe emit notify log info warn error debug "
    "exit enter trace record format display describe as_str as_bytes to_vec to_owned borrow deref index on filter_map "
    "flat_map fold any last nth skip step_by zip rev chain enumerate peekable collect partition set_name "
    "with_name builder options config default select limit offset order group_by table schema interact".split()
)
"""Names that the standard library and the usual crates use too: a unique definition here proves nothing."""

STREAM_METHODS = frozenset(
    "read read_to_end read_to_string read_exact read_line read_until lines bytes "
    "write write_all write_fmt flush".split()
)
"""Methods of `Read`, `BufRead` and `Write`: the stream behind decides what they cost."""

LOCKS = ("Mutex", "RwLock", "RefCell")
LOCK_METHODS = frozenset(
    "lock read write try_lock try_read try_write borrow borrow_mut lock_owned read_owned write_owned blocking_lock "
    "blocking_read blocking_write".split()
)
"""Methods of the lock, whatever the value behind it has."""


NO_FUTURE = re.compile(r"(Result|Option|Vec|String|HashMap|BTreeMap|bool|char|str|[iuf]\d+|[iu]size)\b|\(|$")
"""Starts of return types that nobody awaits; a function without one returns `()`."""


def may_be_awaited(function: Function) -> bool:
    """Whether a function's result can be a future, by its signature."""
    returns = function.fact.returns.lstrip("&")
    if function.fact.macro:
        return True
    return function.fact.is_async or "Fut" in returns or "impl" in returns or not NO_FUTURE.match(returns)


class Calls:
    """Resolves call sites of a linked program."""

    def __init__(self, program: RustProgram, names: Names) -> None:
        self.program = program
        self.names = names
        self.types = Types(program, names)
        self.extensions: dict[str, list[Function]] = {}
        """methods that workspace traits give to external types, by name"""
        self.methods: dict[str, list[Function]] = {}
        for function in program.functions:
            if function.owner is not None and not function.fact.macro:
                self.methods.setdefault(function.fact.name, []).append(function)

    def type_of(self, function: Function, operand: str, at: int, scope: int) -> Ty | None:
        return self.types.of(function, operand, at, scope)

    def binding(self, function: Function, name: str, at: int, scope: int) -> Local | None:
        """The `let` or pattern that a name means there."""
        index = self.types.local_of(function, name, at, scope)
        return function.fact.locals[index] if index is not None else None

    def constant_init(self, function: Function, path: str) -> str:
        """The operand that a const or static is initialised with, or nothing."""
        item = self.names.resolve(function.module, path, function)
        return item.init if isinstance(item, Constant) else ""

    def owner_type(self, function: Function, path: str) -> Ty | None:
        """The type that a path goes through: `Blog` in `Blog::load`."""
        return self.types.parse(function.module, path.rpartition("::")[0], function)

    def functions_named_by(self, function: Function, path: str) -> tuple[Function, ...]:
        if ":" not in path and (
            self.types.local_of(function, path, function.fact.stop, 0) is not None
            or any(path == name for name, _ in function.fact.params)
        ):
            return ()
        if path.startswith("Self::"):
            return self._own(function, path[6:])
        item = self.names.resolve(function.module, path, function)
        return (item,) if isinstance(item, Function) else ()

    def resolve_call(self, site: Site) -> Resolved:
        found = self._resolve(site)
        if not found.functions or not site.call.flags & AWAITED:
            return found
        futures = tuple(callee for callee in found.functions if may_be_awaited(callee))
        return Resolved(futures, found.external, found.how) if futures else UNKNOWN

    def _resolve(self, site: Site) -> Resolved:
        call, function = site.call, site.function
        if call.name.endswith("!"):
            found = self.program.macros.get(call.name.rsplit("::", 1)[-1])
            return Resolved(tuple(found), "", "exact") if found else Resolved((), call.name, "exact")
        if call.receiver == "-":
            named = self._path(function, call.name)
            return self._through_trait(site, named) if named.external.startswith("std::io::") else named
        return self._method(site)

    def _through_trait(self, site: Site, named: Resolved) -> Resolved:
        """`std::io::Write::write_all(&mut encoder, ..)` is the encoder's method."""
        owner, _, method = named.external.rpartition("::")
        call = site.call
        if owner not in ("std::io::Read", "std::io::Write", "std::io::BufRead") or not call.args:
            return named
        kind = self.types.of(site.function, call.args[0], call.start, call.scope)
        if kind is None or not isinstance(kind.head, str) or kind.derived:
            return named
        return Resolved((), f"{kind.head}::{method}", "type")

    def _path(self, function: Function, path: str) -> Resolved:
        if path.startswith("Self::"):
            own = self._own(function, path[6:])
            if own:
                return Resolved(own, "", "exact")
            return Resolved((), f"{function.self_type!r}::{path[6:]}", "exact")
        if path.startswith("<"):
            return self._qualified(function, path)
        head = path.partition("::")[0]
        generic = self.types._generic(head, function, 0) if "::" in path and head[:1].isupper() else None
        if generic is not None and isinstance(generic.head, TypeItem | TraitItem):
            found = self._by_type(generic, path.rsplit("::", 1)[-1])
            if found:
                return Resolved(found, "", "type")
        item = self.names.resolve(function.module, path, function)
        if isinstance(item, Function):
            if isinstance(item.self_type, TraitItem) and item.owner is not None:
                return Resolved(self._trait_methods(item.self_type, item.fact.name) or (item,), "", "type")
            return Resolved((item,), "", "exact")
        if isinstance(item, Constant | Module):
            return UNKNOWN
        if isinstance(item, str):
            return self._alias_or_external(function, path, item)
        return (
            Resolved((), path, "exact")
            if item is None and "::" in path
            else UNKNOWN
            if item is None
            else Resolved((), repr(item), "exact")
        )

    def _alias_or_external(self, function: Function, path: str, item: str) -> Resolved:
        """`DbPool::new` of `type DbPool = r2d2::Pool<..>` is `r2d2::Pool::new`."""
        owner, _, name = path.rpartition("::")
        if owner:
            kind = self.names.resolve(function.module, owner, function, value=False)
            if isinstance(kind, TypeItem):
                if kind.definition.kind == "type":
                    target = self.types.alias(kind, (), 0)
                    if target is not None:
                        found = self._by_type(target, name)
                        return (
                            Resolved(found, "", "exact") if found else Resolved((), f"{target.head!s}::{name}", "exact")
                        )
                found = self._by_type(Ty(kind), name)
                if found:
                    return Resolved(found, "", "exact")
        if "::" not in item:
            external = self.names.globbed(function.module, item, function)
            if len(external) == 1:
                return Resolved((), external[0], "exact")
        return Resolved((), item, "exact")

    def _qualified(self, function: Function, path: str) -> Resolved:
        """`<Type as Trait>::method`"""
        inside, _, name = path[1:].rpartition(">::")
        kind = self.types.parse(function.module, inside.split(" as ")[0], function)
        found = self._by_type(kind, name) if kind is not None else ()
        return Resolved(found, "", "exact") if found else UNKNOWN

    def _own(self, function: Function, name: str) -> tuple[Function, ...]:
        own = function.self_type
        return self._by_type(Ty(own), name) if own is not None else ()

    def _method(self, site: Site) -> Resolved:
        call, function = site.call, site.function
        kind = self.types.of(function, call.receiver, call.start, call.scope)
        if kind is not None:
            layers = self.types.layers(kind)
            for layer in layers:
                if call.name in LOCK_METHODS and isinstance(layer.head, str) and layer.head.endswith(LOCKS):
                    return Resolved((), f"{layer.head}::{call.name}", "type")
                found = self._by_type(layer, call.name)
                if found:
                    return Resolved(found, "", "type")
            head = layers[-1].head
            if call.name in STREAM_METHODS and head in known()["types"]["streams"]:
                inner = layers[-1].args[:1]
                head = inner[0].head if inner and isinstance(inner[0].head, str) else head
            if isinstance(head, str) and head not in ("?", "()") and call.name not in self.extensions:
                return Resolved((), f"{'~' if kind.derived else ''}{head}::{call.name}", "type")
            if not isinstance(head, str) and call.name in COMMON:
                return Resolved((), f"{head!r}::{call.name}", "type")
        return self._by_name(call.name, len(call.args))

    def _by_name(self, name: str, arity: int) -> Resolved:
        if name in COMMON:
            return UNKNOWN
        found = [f for f in self.methods.get(name, ()) if self._arity(f) == arity]
        owners = {repr(f.trait) if isinstance(f.trait, TraitItem) else repr(f.self_type) for f in found}
        if found and len(owners) == 1:
            return Resolved(tuple(found), "", "name")
        return UNKNOWN

    @staticmethod
    def _arity(function: Function) -> int:
        return len(function.fact.params) - 1 if function.fact.params[:1] == (("self", "Self"),) else -1

    def _by_type(self, kind: Ty, name: str) -> tuple[Function, ...]:
        head = kind.head
        if isinstance(head, TypeItem):
            if head.definition.kind == "type":
                target = self.types.alias(head, (), 0)
                return self._by_type(target, name) if target is not None and target.head is not head else ()
            own = head.methods.get(name)
            if own:
                return tuple(own)
            for trait in head.traits:
                if isinstance(trait, TraitItem) and name in trait.methods:
                    return tuple(trait.methods[name])
            return ()
        if isinstance(head, TraitItem):
            return self._trait_methods(head, name)
        return tuple(f for f in self.extensions.get(name, ()) if f.self_type == head)

    def _trait_methods(self, trait: TraitItem, name: str) -> tuple[Function, ...]:
        """A method of some value of a trait: every impl's, and the default body where there is one."""
        defaults = [f for f in trait.methods.get(name, ()) if f.fact.scopes]
        return (*trait.implementations.get(name, ()), *defaults)
