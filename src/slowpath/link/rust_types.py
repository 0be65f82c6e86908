"""Types of operands: declared types, constructors, fields, return types; wrappers are seen through.

Nothing is inferred across functions beyond return types, and nothing is guessed: an unknown type is None.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from slowpath.link.rust_names import Names
from slowpath.model.code import Call, is_literal
from slowpath.program.paths import known
from slowpath.program.rust import Constant, Function, Module, RustProgram, Site, TraitItem, Ty, TypeItem

TRANSPARENT = frozenset(
    "Box Arc Rc Cow Pin Data State Extension Json Path Query Form ReqData Ref RefMut MutexGuard RwLockReadGuard "
    "RwLockWriteGuard ManuallyDrop Lazy LazyLock OnceCell OnceLock PooledConnection Object Owned Weak Cell RefCell "
    "Mutex RwLock Wrapping Reverse CachePadded ThinData BufReader BufWriter LineWriter".split()
)
"""Generic types whose value is used through them."""
KEPT = frozenset("PooledConnection Object Mutex RwLock RefCell OnceCell OnceLock Lazy LazyLock".split())
"""Transparent, but also asked for by their own name."""

UNWRAPS = frozenset(
    "unwrap expect unwrap_or unwrap_or_default unwrap_or_else ok_or ok_or_else map_err ok context with_context lock "
    "read write try_lock borrow borrow_mut as_ref as_mut as_deref as_deref_mut clone cloned copied to_owned deref "
    "deref_mut get_ref get_mut into_inner load_full await into_iter iter iter_mut drain rev skip take peekable by_ref "
    "chain filter inspect skip_while take_while step_by sorted into to_vec as_slice or or_else boxed boxed_local fuse "
    "map_err instrument timeout or_insert_with or_insert write_lock read_lock blocking_lock get_or_init".split()
)
"""Methods that give what the receiver holds, or the receiver again; `?` then unwraps what is left to unwrap."""

ITERATES = frozenset(
    "Vec VecDeque HashSet BTreeSet Option Result LinkedList BinaryHeap Iterator Stream IntoIterator".split()
)
OPENERS = frozenset("<([")
CLOSERS = frozenset(">)]")
BY_TURBOFISH = frozenset(
    "app_data extensions extension get_one load load_iter first get_result get_results parse collect "
    "downcast_ref".split()
)
"""Methods whose turbofish names what they give."""

LISTS = frozenset(["load", "get_results", "load_iter"])
"""Those of them that give many."""

MAKES = frozenset(
    "vec! format! json! matches! write! writeln! concat! env! option_env! include_str! include_bytes! stringify! line! "
    "format_args! select! join! try_join! hashmap! btreemap! params! sql_query! query! query_as! anyhow! eyre! quote! "
    "println! print! eprintln! assert! panic! todo! unreachable! error! warn! info! debug! trace! span!".split()
)
"""Macros that make something of their arguments; any other is taken to hand on its first, as `dbg!` does."""

CONNECTS = frozenset("get_connection get_conn get_connection_with_timeout connection".split())
GIVEN = re.compile(r"\bFn(?:Mut|Once)?\(([^)]*)\)")
OPEN = Ty("…")
"""A type while it is worked out."""
MAX_DEPTH = 24
MAX_LAYERS = 8
"""Derefs one after the other."""
MAX_ASKED = 60
"""Operands asked for while another's type is worked out: beyond, a type is not known."""


class Types:
    """Evaluates operands. `of_call` is asked back for what a call returns."""

    def __init__(self, program: RustProgram, names: Names) -> None:
        self.program = program
        self.names = names
        self._parsed: dict[tuple[int, str], Ty | None] = {}
        self._locals: dict[int, dict[str, dict[int, list[tuple[int, int]]]]] = {}
        """id(Fn) → name → scope → sorted (offset from which it is visible, minus its index)"""
        self._takers: dict[int, dict[str, tuple[int, int]]] = {}
        """id(Fn) → closure → the call that takes it, and as which argument"""
        self._aliases: dict[int, Ty | None] = {}
        self._asked = 0
        self._operands: dict[tuple[int, str, int], Ty | None] = {}

    def forget(self, facts: set[int]) -> None:
        """What is known of functions whose bodies changed, by id of their old facts."""
        for fact in facts:
            self._locals.pop(fact, None)
            self._takers.pop(fact, None)
        self._operands = {key: kind for key, kind in self._operands.items() if key[0] not in facts}

    def parse(self, module: Module, text: str, function: Function | None = None) -> Ty | None:
        """The type that a text names in a module (or inside a function with generics and `Self`)."""
        generic = function is not None and self._is_generic(function, text)
        key = (id(function) if generic else id(module), text)
        if key not in self._parsed:
            self._parsed[key] = OPEN
            self._parsed[key] = self._parse(module, text, function if generic else None, 0)
        return self._settled(self._parsed[key])

    def _settled(self, kind: Ty | None) -> Ty | None:
        """None for a type that is asked for while it is worked out."""
        if kind is OPEN:
            self.names.circular = True
            return None
        return kind

    def _is_generic(self, function: Function, text: str) -> bool:
        owned = function.owner.generics if function.owner is not None else ()
        return "Self" in text or any(name in text for name, _ in (*function.fact.generics, *owned))

    def _parse(self, module: Module, text: str, function: Function | None, depth: int) -> Ty | None:
        text = text.strip()
        while text.startswith(("&", "mut ", "*const ", "*mut ")):
            text = text.lstrip("&").lstrip().removeprefix("mut ").removeprefix("*const ").removeprefix("*mut ")
        if not text or depth > MAX_DEPTH:
            self.names.circular |= depth > MAX_DEPTH
            return None
        for word in ("dyn ", "impl "):
            if text.startswith(word):
                return self._bounds(module, text[len(word) :], function, depth)
        if text.startswith("("):
            parts = split(text[1:-1], ",") if text.endswith(")") else []
            if len(parts) == 1:
                return self._parse(module, parts[0], function, depth + 1)
            return Ty("()", tuple(self._parse(module, part, function, depth + 1) or Ty("?") for part in parts))
        if text.startswith("["):
            inner = split(text[1:-1], ";")[0]
            element = self._parse(module, inner, function, depth + 1)
            return Ty("Vec", (element,)) if element is not None else Ty("Vec")
        if text.startswith(("fn(", "Fn", "extern ")):
            return None
        return self._path(module, text, function, depth)

    def _path(self, module: Module, text: str, function: Function | None, depth: int) -> Ty | None:
        opening = text.find("<")
        if opening == 0:
            return None
        path, inside = (text, "") if opening < 0 else (text[:opening], text[opening + 1 : text.rfind(">")])
        path = path.removesuffix("::")
        if function is not None:
            known = self._generic(path, function, depth)
            if known is not None:
                return known
        arguments = [part for part in split(inside, ",") if part and not part.startswith("'")]
        args = tuple(self._parse(module, part, function, depth + 1) or Ty("?") for part in arguments if "=" not in part)
        short = path[path.rfind(":") + 1 :]
        if short in TRANSPARENT and short not in KEPT and args and args[0].head != "?":
            return args[-1] if short == "Cow" else args[0]
        item = self.names.resolve(module, path, function, value=False)
        if isinstance(item, TypeItem):
            return self.alias(item, args, depth) if item.definition.kind == "type" else Ty(item, args)
        if isinstance(item, TraitItem):
            return Ty(item, args)
        head = item if isinstance(item, str) else path
        if isinstance(item, str):
            head = self._through_glob(module, item)
        return Ty(short if short in ("Option", "Result", "Vec", "String") else head, args)

    def _through_glob(self, module: Module, path: str) -> str:
        """A bare unknown name may come from the glob import of a crate's prelude."""
        if "::" in path:
            return path
        external = self.names.globbed(module, path)
        return external[0] if len(external) == 1 else path

    def alias(self, item: TypeItem, args: tuple[Ty, ...], depth: int) -> Ty | None:
        if id(item) not in self._aliases:
            self._aliases[id(item)] = OPEN
            self._aliases[id(item)] = self._parse(item.module, item.definition.fields[0][1], None, depth + 1)
        target = self._settled(self._aliases[id(item)])
        if target is None or not args or not item.definition.generics:
            return target
        return substitute(target, dict(zip(item.definition.generics, args, strict=False)))

    def _generic(self, path: str, function: Function, depth: int) -> Ty | None:
        """`Self`, or a type parameter as what bounds it."""
        if path == "Self":
            own = function.self_type
            return Ty(own) if own is not None else None
        owner = function.owner.generics if function.owner is not None else ()
        bounds = [bound for name, bound in (*function.fact.generics, *owner) if name == path and bound]
        for bound in bounds:
            found = self._bounds(function.module, bound, None, depth)
            if found is not None:
                return found
        return None

    def _bounds(self, module: Module, text: str, function: Function | None, depth: int) -> Ty | None:
        """The first bound that is a trait of the workspace, a future's output, or an iterator's item."""
        first: Ty | None = None
        for bound in split(text, "+"):
            bound = bound.strip()
            for marker in ("Output=", "Output =", "Item=", "Item ="):
                at = bound.find(marker)
                if at >= 0:
                    inner = self._parse(module, bound[at + len(marker) : bound.rfind(">")], function, depth + 1)
                    return inner if marker.startswith("Output") else Ty("Vec", (inner or Ty("?"),))
            if bound.startswith(("Fn", "'", "?")) or bound in ("Send", "Sync", "Unpin", "Clone", "Sized"):
                continue
            item = self._path(module, bound, function, depth + 1)
            if item is not None and isinstance(item.head, TraitItem):
                return item
            first = first or item
        return first

    def of(self, function: Function, operand: str, at: int, scope: int, depth: int = 0) -> Ty | None:
        """The type of an operand where it stands."""
        if not operand or operand[0] in "|.-" or is_literal(operand):
            return None
        if depth > MAX_DEPTH or self._asked > MAX_ASKED:
            self.program.unsettled.add(id(function))
            return None
        self._asked += 1
        kind = self._of(function, operand, at, scope, depth)
        self._asked -= 1
        return kind

    def _of(self, function: Function, operand: str, at: int, scope: int, depth: int) -> Ty | None:
        key = (id(function.fact), operand, scope if operand[0] not in "#$" else -1)
        if key in self._operands and operand[0] in "#$":
            known = self._operands[key]
            if known is OPEN:
                self.program.unsettled.add(id(function))
                return None
            return known
        if operand[0] in "#$":
            self._operands[key] = OPEN
        base, suffixes = parse_operand(operand)
        kind = self._base(function, base, at, scope, depth)
        if base[0] == "$" and suffixes[:1] == ("?",) and kind is not None and kind.args:
            kind, suffixes = kind.args[0], suffixes[1:]  # a parameter's pattern takes its newtype apart
        for suffix in suffixes:
            if kind is None:
                break
            kind = self._suffix(kind, suffix)
        if operand[0] in "#$":
            self._operands[key] = kind
        return kind

    def _base(self, function: Function, base: str, at: int, scope: int, depth: int) -> Ty | None:
        if base.startswith("#"):
            return self.of_call(Site(function, int(base[1:])), depth + 1)
        if base.startswith("$"):
            return self.parse(function.module, function.fact.params[int(base[1:])][1], function)
        if base.startswith("~"):
            block = function.fact.scopes[int(base[1:])]
            return self.of(function, block.result, block.end, int(base[1:]), depth + 1)
        if base.endswith("{}"):
            return self.parse(function.module, base[:-2], function)
        if base == "self":
            return Ty(function.self_type) if function.self_type is not None else None
        if ":" not in base:
            found = self._local(function, base, at, scope, depth)
            if found is not None or base in self._names_of(function):
                return found
        return self._constant(function, base)

    def _names_of(self, function: Function) -> dict[str, dict[int, list[tuple[int, int]]]]:
        known = self._locals.get(id(function.fact))
        if known is None:
            known = self._locals[id(function.fact)] = {}
            for index, local in enumerate(function.fact.locals):
                known.setdefault(local.name, {}).setdefault(local.scope, []).append((local.at, -index))
            for scopes in known.values():
                for bindings in scopes.values():
                    bindings.sort()
        return known

    def local_of(self, function: Function, name: str, at: int, scope: int) -> int | None:
        """Index of the binding that a name means there."""
        scopes = self._names_of(function).get(name)
        if scopes is None:
            return None
        last = (-1, 0)
        for index in {*(index for index, _ in function.scopes_of(scope)), 0}:
            own = scopes.get(index)
            if own is not None and own[0][0] <= at:
                last = max(last, own[bisect_right(own, (at, 1)) - 1])
        return -last[1] if last[0] >= 0 else None

    def _local(self, function: Function, name: str, at: int, scope: int, depth: int) -> Ty | None:
        index = self.local_of(function, name, at, scope)
        if index is None:
            for param, declared in function.fact.params:
                if param == name:
                    return self.parse(function.module, declared, function)
            return None
        local = function.fact.locals[index]
        if local.type.startswith("="):
            payload = self._payload(function, local.type[1:])
            if payload is not None:
                return payload
        elif local.type and local.type != "_":
            return self.parse(function.module, local.type, function)
        if local.init == "|":
            return self._handed_in(function, local.scope)
        return self.of(function, local.init, local.at - 1, local.scope, depth + 1)

    def _handed_in(self, function: Function, scope: int) -> Ty | None:
        """What a function of the workspace that takes a closure gives it first: `impl FnOnce(&Disk)`."""
        if id(function.fact) not in self._takers:
            calls = enumerate(function.fact.calls)
            self._takers[id(function.fact)] = {
                arg: (number, position)
                for number, call in calls
                for position, arg in enumerate(call.args)
                if arg.startswith("|")
            }
        number, position = self._takers[id(function.fact)].get(f"|{scope}", (-1, 0))
        callees = self.program.resolve(Site(function, number)).functions if number >= 0 else ()
        if len(callees) != 1:
            return None
        callee = callees[0]
        position += function.fact.calls[number].receiver != "-"
        declared = callee.fact.params[position][1] if position < len(callee.fact.params) else ""
        bounds = (declared, *(bound for name, bound in callee.fact.generics if name == declared.lstrip("&")))
        given = next((found[1] for bound in bounds if (found := GIVEN.search(bound))), "")
        first = split(given, ",")[:1]
        return self.parse(callee.module, first[0], callee) if first else None

    def _payload(self, function: Function, text: str) -> Ty | None:
        """What a variant of one of the workspace's enums holds, for `Enum::Variant#index`."""
        path, _, index = text.rpartition("#")
        owner, _, variant = path.rpartition("::")
        item = function.self_type if owner == "Self" else self.names.resolve(function.module, owner, function, False)
        if not isinstance(item, TypeItem):
            return None
        held = split(dict(item.definition.fields).get(variant, ""), ",")
        return self.parse(item.module, held[int(index)]) if int(index) < len(held) else None

    def _constant(self, function: Function, path: str) -> Ty | None:
        item = self.names.resolve(function.module, path, function)
        if isinstance(item, Constant):
            return self.parse(item.module, item.type)
        if isinstance(item, TypeItem):
            return Ty(item)
        return None

    def _suffix(self, kind: Ty, suffix: str) -> Ty | None:
        if suffix == "?":
            return kind.args[0] if kind.head in ("Option", "Result") and kind.args else kind
        if suffix == "*":
            return kind
        if suffix == "[]":
            return self.element(kind)
        name = suffix[1:]
        if kind.head == "()" and name.isdigit():
            return kind.args[int(name)] if int(name) < len(kind.args) else None
        for layer in self.layers(kind):
            if isinstance(layer.head, TypeItem):
                found = self.field(layer, name)
                if found is not None:
                    return found
            else:
                told = known()["types"]["fields"].get(f"{layer.head}.{name}")
                if told is not None:
                    return self._told(told)
        return None

    def _told(self, text: str) -> Ty:
        """A type of `known.toml` that names nothing of the workspace."""
        head, _, inner = text.partition("<")
        return Ty(head, (self._told(inner[:-1]),)) if inner else Ty(head)

    def layers(self, kind: Ty) -> list[Ty]:
        """A type and what it derefs to, outermost first."""
        found = [kind]
        while len(found) < MAX_LAYERS:
            inner = self._behind(found[-1])
            if inner is None:
                break
            found.append(inner)
        return found

    def _behind(self, kind: Ty) -> Ty | None:
        """What a wrapper holds, or a type of the workspace derefs to."""
        if isinstance(kind.head, str):
            return kind.args[0] if kind.head.rsplit("::", 1)[-1] in TRANSPARENT and kind.args else None
        if not isinstance(kind.head, TypeItem) or kind.head.deref is None:
            return None
        module, owner = kind.head.deref
        target = self.parse(module, owner.target)
        names = split(owner.type.partition("<")[2].removesuffix(">"), ",")
        return substitute(target, dict(zip(names, kind.args, strict=False))) if target is not None else None

    def field(self, kind: Ty, name: str) -> Ty | None:
        """The declared type of a field."""
        item = kind.head
        assert isinstance(item, TypeItem)
        for field, declared in item.definition.fields:
            if field == name:
                found = self.parse(item.module, declared)
                if found is not None and item.definition.generics and kind.args:
                    return substitute(found, dict(zip(item.definition.generics, kind.args, strict=False)))
                return found
        return None

    def element(self, kind: Ty) -> Ty | None:
        """What iterating over a value gives."""
        short = kind.head.rsplit("::", 1)[-1] if isinstance(kind.head, str) else ""
        if short in ("HashMap", "BTreeMap", "IndexMap", "DashMap") and len(kind.args) == 2:
            return Ty("()", kind.args)
        if short in ITERATES or short in TRANSPARENT:
            return kind.args[0] if kind.args else None
        return None

    def of_call(self, site: Site, depth: int) -> Ty | None:
        """What a call gives."""
        if depth > MAX_DEPTH:
            self.program.unsettled.add(id(site.function))
            return None
        call, function = site.call, site.function
        resolved = self.program.resolve(site)
        if resolved.functions:
            return self._returned(resolved.functions[0], site, depth)
        if call.name.endswith("!"):
            wraps = len(call.args) > 0 and call.name.rsplit("::", 1)[-1] not in MAKES
            return self.of(function, call.args[0], call.start, call.scope, depth + 1) if wraps else None
        given = known()["types"]["gives"].get(resolved.external.removeprefix("~"))
        if given is not None:
            return self._given(site, given, depth)
        if call.receiver == "-":
            return self._constructed(site, resolved.external, depth)
        return self._method_result(call, function, depth)

    def _given(self, site: Site, text: str, depth: int) -> Ty | None:
        """A type of `known.toml`, with `Held` filled in from the receiver."""
        kind = self.parse(site.function.module, text)
        if kind is None or "Held" not in text:
            return kind
        held = self.of(site.function, site.call.receiver, site.call.start, site.call.scope, depth + 1)
        return substitute(kind, {"Held": held.args[0] if held is not None and held.args else Ty("?")})

    def _returned(self, callee: Function, site: Site, depth: int) -> Ty | None:
        result = self.parse(callee.module, callee.fact.returns, callee)
        if result is None and callee.fact.returns:
            bound = dict(callee.fact.generics).get(callee.fact.returns.split("<")[0])
            if bound and site.call.generic:
                return self.parse(site.function.module, site.call.generic.strip("<>"), site.function)
        return result

    def _constructed(self, site: Site, external: str, depth: int) -> Ty | None:
        """`Type::new(..)` gives a Type, `Some(x)` what x is."""
        call, function = site.call, site.function
        last = call.name[call.name.rfind(":") + 1 :]
        if last in ("Some", "Ok", "Box", "Arc") or call.name in (
            "Box::new",
            "Arc::new",
            "Rc::new",
            "Box::pin",
            "Data::new",
            "web::Data::new",
            "BufReader::new",
            "BufWriter::new",
            "LineWriter::new",
            "Arc::clone",
            "Rc::clone",
        ):
            return self.of(function, call.args[0], call.start, call.scope, depth + 1) if call.args else None
        if "::" not in call.name:
            return (
                self.parse(function.module, call.name, function) if call.name[:1].isupper() else Ty(external, (), True)
            )
        owner = call.name.rsplit("::", 1)[0]
        if owner.rsplit("::", 1)[-1][:1].isupper():
            kind = self.parse(function.module, owner, function)
            if kind is not None and kind.head in known()["types"]["holders"] and call.args:
                held = self.of(function, call.args[0], call.start, call.scope, depth + 1)
                return Ty(kind.head, (held or Ty("?"),))
            return kind
        return Ty(external, (), True) if external else None

    def _method_result(self, call: Call, function: Function, depth: int) -> Ty | None:
        if call.generic and call.name in BY_TURBOFISH:
            inner = self.parse(function.module, call.generic[1:-1], function)
            if inner is not None and call.name in LISTS:
                inner = Ty("Vec", (inner,))
            return Ty("Option", (inner,)) if inner is not None else None
        receiver = self.of(function, call.receiver, call.start, call.scope, depth + 1)
        if receiver is None:
            return None
        short = receiver.head.rsplit("::", 1)[-1] if isinstance(receiver.head, str) else ""
        if short in ("HashMap", "BTreeMap", "IndexMap", "DashMap") and len(receiver.args) == 2:
            if call.name in ("values", "into_values", "values_mut", "get", "get_mut", "remove"):
                return Ty("Vec" if "values" in call.name else "Option", (receiver.args[1],))
            if call.name in ("keys", "into_keys"):
                return Ty("Vec", (receiver.args[0],))
        if call.name in UNWRAPS:
            if call.name in ("unwrap", "expect", "unwrap_or", "unwrap_or_default", "unwrap_or_else", "or_insert_with"):
                return self._suffix(receiver, "?")
            if short in ("Mutex", "RwLock", "RefCell", "OnceCell", "OnceLock") and receiver.args:
                return receiver.args[0]
            return receiver
        if short in ("Vec", "VecDeque") and call.name in ("first", "last", "get", "pop", "pop_front", "next", "iter"):
            return Ty("Option", receiver.args)
        if short == "Vec" and call.name in ("chunks", "windows", "chunks_exact"):
            return Ty("Vec", (receiver,))
        if short == "Vec" and call.name == "enumerate":
            return Ty("Vec", (Ty("()", (Ty("usize"), *receiver.args)),))
        if short.endswith("Pool") and call.name in ("get", "get_timeout", "try_get", "get_owned"):
            return Ty(f"{receiver.head}::Connection", receiver.args)
        if isinstance(receiver.head, str) and call.name in CONNECTS and "::" in receiver.head:
            return Ty(f"{receiver.head.partition('::')[0]}::Connection")
        if isinstance(receiver.head, str) and short not in ("Option", "Result", "Vec", "String", "()", "?"):
            return Ty(receiver.head, receiver.args, True)
        return None


def substitute(kind: Ty, values: dict[str, Ty], done: dict[int, Ty] | None = None) -> Ty:
    """A generic type with its parameters filled in; `done` keeps what is shared inside it shared."""
    if isinstance(kind.head, str) and not kind.args and kind.head in values:
        return values[kind.head]
    done = {} if done is None else done
    if id(kind) not in done:
        args = tuple(substitute(arg, values, done) for arg in kind.args)
        done[id(kind)] = Ty(kind.head, args, kind.derived)
    return done[id(kind)]


def split(text: str, separator: str) -> list[str]:
    """Split outside brackets."""
    if separator not in text:
        return [text.strip()] if text.strip() else []
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in OPENERS:
            depth += 1
        elif char in CLOSERS and text[index - 1 : index + 1] not in ("->", "=>"):
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


@lru_cache(maxsize=1 << 16)
def parse_operand(operand: str) -> tuple[str, tuple[str, ...]]:
    """Base and suffixes of an operand."""
    end = len(operand)
    for index, char in enumerate(operand):
        if index and (char in ".?*" or operand.startswith("[]", index)):
            end = index
            break
    base, rest = operand[:end], operand[end:]
    suffixes = []
    while rest:
        if rest[0] in "?*":
            suffixes.append(rest[0])
            rest = rest[1:]
        elif rest.startswith("[]"):
            suffixes.append("[]")
            rest = rest[2:]
        else:
            stop = next((i for i, c in enumerate(rest) if i and (c in ".?*[")), len(rest))
            suffixes.append(rest[:stop])
            rest = rest[stop:] if stop else ""
    return base, tuple(suffixes)
