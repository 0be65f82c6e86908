"""Facts about Rust items and function bodies, flat enough to store and rich enough to resolve calls and follow lives.

An **operand** is a short text that says where a value comes from: a base and suffixes.

    base      `name` or `a::b` (a path) · `#3` (result of call 3) · `|2` (the closure of scope 2) · `~2` (the async
              block of scope 2) · `$1` (parameter 1) · `Type{}` (struct literal) · `"text` (string literal, cut) · `L`
              (other literal) · `L[3` (array of 3; `L[3=`: of literals) · `L..` (range of literals) · `..` (other
              range) · empty (not known)
    suffixes  `.field` · `?` (what Ok/Some or a one-field pattern holds) · `[]` (an element) · `*` (the value behind a
              call's result)

References and awaits are left out, and so are dereferences of names. Calls are numbered per function in order of
evaluation.
"""

from __future__ import annotations

import re

import msgspec

STATEMENT = re.compile(r"[\s(\\]*(select|with|values|table|insert|update|delete|merge|replace)\b", re.I)
"""How a text in SQL begins: it is kept longer than others, as rules show what it would be for many rows."""
MAX_SQL = 400
"""A statement of this length may go on: facts hold no more of it."""
AWAITED = 1
"""`call.await`, or a direct argument of `join!` and the like."""
CHAIN_AWAITED = 2
"""A method further up the call's own chain is awaited."""
TRIED = 4
"""`call?`"""


def is_literal(operand: str) -> bool:
    """Whether an operand is a literal: a string, another, a list or a range of them."""
    return operand[:1] == '"' or operand == "L" or operand[:2] in ("L.", "L[")


class Call(msgspec.Struct, array_like=True):
    """A call. `receiver` is an operand, `-` for a path call. Macros end in `!`. `generic` is the turbofish."""

    name: str
    receiver: str
    args: tuple[str, ...]
    start: int
    end: int
    """Range of the called name; the whole chain starts at `head`."""
    head: int
    scope: int
    flags: int = 0
    generic: str = ""


class Local(msgspec.Struct, array_like=True):
    """A binding, visible in `scope` from byte `at` on. A type `=Enum::Variant#0` is that variant's first payload.

    `uses` are the offsets where a list that an awaited or fallible call gave is named; empty for other bindings.
    """

    name: str
    scope: int
    at: int
    type: str
    init: str
    uses: tuple[int, ...] = ()


class Scope(msgspec.Struct, array_like=True):
    """A nested part of a body. `subject` is the operand of a `for`, `match`, `if let` or `while let` head.

    kinds: body, block, if, else, match, arm, for, while, loop, closure, async, and macro (its arguments; `subject` is
    its name). A function handed over by its path is a closure that calls it, with that path as `subject`. `result` is
    the tail's operand. `plain` is the text of a closure that only compares fields of its element.
    """

    kind: str
    parent: int
    start: int
    end: int
    subject: str = ""
    result: str = ""
    failing: bool = False
    """Taken only where something went wrong: `Err(..) =>`, `if let Err(..) =`."""
    plain: str = ""


class Exit(msgspec.Struct, array_like=True):
    """A `return`, `break` or `continue`; a `fail` returns `Err(..)`, or leaves where something went wrong.

    `value` is the operand that it leaves with.
    """

    kind: str
    at: int
    scope: int
    end: int = 0
    value: str = ""


class Fn(msgspec.Struct, array_like=True):
    """A function with its body. `owner` indexes `CodeFacts.owners`, -1 for a free function."""

    name: str
    module: str
    """Path of inline modules inside the file, `a::b`."""
    owner: int
    start: int
    end: int
    """Range of the name."""
    stop: int
    """End of the body."""
    is_async: bool
    test: bool
    public: bool
    attributes: tuple[str, ...]
    generics: tuple[tuple[str, str], ...]
    """(type parameter, its bounds), from the list and the where clause."""
    params: tuple[tuple[str, str], ...]
    """(name, type); the receiver is `self` with type `Self`."""
    returns: str
    calls: list[Call] = []
    locals: list[Local] = []
    scopes: list[Scope] = []
    awaits: list[tuple[int, int, int]] = []
    """(start of the awaited expression, end, scope) of every `.await`; `join!` and the like await at their end."""
    exits: list[Exit] = []
    macro: str = ""
    """The `macro_rules!` that makes this function: `m`, `m!` where the body is the expression that a call of it stands
    for, `m#1` where the second macro argument gives the function's name."""
    mut_self: bool = False
    """Takes `&mut self`."""
    mutable: tuple[str, ...] = ()
    """Parameters and bindings declared `mut`."""


class Owner(msgspec.Struct, array_like=True):
    """An `impl` block, or a trait's own body (then `type` is the trait's name)."""

    kind: str
    """impl or trait"""
    type: str
    trait: str
    module: str
    generics: tuple[tuple[str, str], ...]
    test: bool
    attributes: tuple[str, ...] = ()
    target: str = ""
    """The `Target` of an `impl Deref`, the `Context` of an `impl Actor`."""


class TypeDef(msgspec.Struct, array_like=True):
    """A struct with its fields, an enum with its variants (name, payload), or an alias with one field named `=`."""

    kind: str
    name: str
    module: str
    fields: tuple[tuple[str, str], ...]
    generics: tuple[str, ...]


class Use(msgspec.Struct, array_like=True):
    """`use path as name`; name `*` is a glob. `function` is the index of the enclosing Fn, -1 at module level."""

    path: str
    name: str
    module: str
    function: int
    public: bool


class Mod(msgspec.Struct, array_like=True):
    """`mod name;` (or an inline one): which file it stands for is asked at link."""

    name: str
    module: str
    path: str
    inline: bool
    test: bool


class Constant(msgspec.Struct, array_like=True):
    """A `const` or `static`, with its declared type and its initialiser's operand kind (a literal array's `L[3`)."""

    name: str
    module: str
    type: str
    init: str


class MacroUse(msgspec.Struct, array_like=True):
    """A macro called where items stand: in a module or an impl; there `words` are its first arguments."""

    name: str
    module: str
    owner: int
    words: tuple[str, ...] = ()


class CodeFacts(msgspec.Struct, array_like=True):
    """One Rust file's items and bodies."""

    fns: list[Fn] = []
    owners: list[Owner] = []
    types: list[TypeDef] = []
    uses: list[Use] = []
    mods: list[Mod] = []
    constants: list[Constant] = []
    macro_uses: list[MacroUse] = []
    includes: list[tuple[str, str]] = []
    """(module, path) of `include!("path")`."""
    test: bool = False
    """`#![cfg(test)]`"""
