"""Facts about awaits, what they need of each other, and the loops that they stand in."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.finding import Span


class Call(msgspec.Struct, array_like=True, frozen=True):
    """What is called, without arguments: `db.user.find().limit()`. Called parts carry `()`."""

    name: str
    hint: str = ""
    """In lower case: the literal HTTP method of the call's options, or the first word of its literal SQL."""
    holder: str = ""
    """The class of the receiver, where the function makes it itself: `const x = new Holder(…)`."""

    @property
    def shown(self) -> str:
        """As messages show it."""
        return self.name.removesuffix("()") + "(…)"


Form = Literal["", "const", "bare", "keyed"]
"""A statement that is one await and nothing else, `const x = await f();` or `await f();`; or its `key: await f()`."""


class Move(msgspec.Struct, array_like=True, frozen=True):
    """How an await changes places with what stands between it and a later one."""

    text: str
    """What is awaited."""
    cut: Span
    """The statement, with the white space behind it."""


class Guard(msgspec.Struct, array_like=True, frozen=True):
    """An early exit behind an await that asks nothing of it."""

    span: Span
    """The condition."""
    end: int
    """Where the guard ends."""
    text: str
    """The statement that waits; empty where a comment speaks of it, so that it stays."""
    cut: Span
    """That statement, with the white space behind it."""
    indent: str
    pure: bool
    """Neither the condition nor what stands before it calls anything."""


class Await(msgspec.Struct, array_like=True, frozen=True):
    """One `await` of a function. The awaits of a function are numbered in the order in which they are reached."""

    span: Span
    call: Call
    """Empty name: a value is awaited, not a call, so the work is already under way."""
    together: tuple[Call, ...]
    """What `Promise.all` and its like start."""
    needs: tuple[int, ...]
    """Earlier awaits whose result, effect on a shared object, or guard this one may rest on; closed over itself."""
    lane: int
    """The statement list, within the function, in which this await always runs; -1 where it runs on a condition."""
    between: tuple[str, ...]
    """Calls between the await before and this one whose result nobody takes: they may mean an order."""
    used: bool
    """Somebody takes the result."""
    ordered: bool
    """Works on a transaction, whose connection does one thing at a time."""
    binding: str = ""
    """The pattern that takes the result, in a statement of one of these forms."""
    statement: Span = (0, 0)
    """That statement."""
    follows: int = -1
    """The await before, where it has a simple form too and can be put together with this one."""
    attempted: bool = False
    """Stands in a `try`: which of two errors comes first may matter."""
    form: Form = ""
    annotation: str = ""
    """The type that the statement declares."""
    operand: Span = (0, 0)
    """What is awaited, in a statement of one of these forms."""
    remarked: bool = False
    """A comment lies between it and the await that it follows."""
    move: Move | None = None
    """How the await that it follows gets here, where more than comments lies between."""
    guard: Guard | None = None
    text: str = ""
    """What is awaited, as written, in the form of a property."""
    indent: str = ""
    """Of the statement that holds that property."""
    steady: bool = False
    """What its call is given is the same before the await that it follows."""


class Loop(msgspec.Struct, array_like=True, frozen=True):
    """A loop whose rounds need nothing of each other, as far as one file can tell.

    `for … of`, `for … in`, or a plain count.
    """

    head: Span
    awaits: tuple[int, ...]
    """Awaits of the function that stand in this loop and no deeper one; each round gives them another element."""
    calls: tuple[str, ...]
    """Everything else that the body calls."""
    catches: bool
    """Every round catches its own failure and goes on."""
    item: tuple[str, ...]
    """Names of the loop's variables."""
    span: Span = (0, 0)
    shown: tuple[str, str] = ("items", "item")
    """The list and the element, as a message shows them."""
    batched: str = ""
    """The loop anew, ten rounds at a time, where its body is one await and no more."""


class Sequence(msgspec.Struct, array_like=True, frozen=True):
    """The awaits of one function that has several, or one in a loop."""

    function: str
    owner: str
    span: Span
    transaction: bool
    """Runs inside the callback of a transaction."""
    awaits: tuple[Await, ...]
    loops: tuple[Loop, ...]


Refusal = Literal["", "missing", "access"]
"""Under a condition of its own, a function ends in an error: something is not there, or somebody may not go on."""


class Routine(msgspec.Struct, array_like=True, frozen=True):
    """What a function that others may await does itself; its callees are for the whole program to look up."""

    name: str
    owner: str
    """The class, or the variable whose object literal holds it."""
    span: Span
    waits: bool
    """Awaits something, or returns what a call or a constructor gives: a promise may come out."""
    assigns: bool
    """Assigns to `this` or to a variable of the module."""
    waited: tuple[Call, ...]
    """Calls that are awaited, returned, chained with `.then`, or stand in a list of promises."""
    others: tuple[Call, ...]
    """Its other calls, methods of lists, maps and strings left out."""
    throws: bool = False
    """Throws an error, or leaves by a redirect or the like, on its own account."""
    refuses: Refusal = ""
    remembers: bool = False
    """Looks into a map or an object around it first, and stores there what it found."""
    cached: bool = False
    """Given to `cache(…)`, so its author takes it for a reader."""


Fate = Literal["dropped", "awaited", "truthy", "taken", "serial"]
"""What becomes of the promises of an async callback: nobody gets them; the list of them is awaited, which waits for
none; each is taken for a yes; a list's method takes them for values; each is waited for before the next begins."""


class AsyncCallback(msgspec.Struct, array_like=True, frozen=True):
    """An async function given to a method of a list that does not wait for it."""

    span: Span
    """From the receiver to the word `async`."""
    method: str
    fate: Fate
    calls: tuple[Call, ...]
    """What the callback awaits."""
    catches: bool
    """It handles every failure of its own."""
    waits: bool
    """The function around it is async, so it could wait."""
    receiver: str
    """The whole call, as a callee's name is written."""
    listed: bool
    """The receiver is a list for certain."""


class AwaitFacts(msgspec.Struct, array_like=True):
    """One file's part."""

    sequences: list[Sequence] = []
    routines: list[Routine] = []
    callbacks: list[AsyncCallback] = []
    script: bool = False
    """Run from a command line: reads its arguments, or starts with the name of its interpreter."""
