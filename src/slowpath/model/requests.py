"""Facts about calls that may send an HTTP request, what they are given, and the loops that they stand in.

Which of them do is for the whole program to say: a function whose parameter becomes the URL of `fetch` is a client too.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.finding import Span

PartKind = Literal["text", "name", "hole"]


class Part(msgspec.Struct, array_like=True, frozen=True):
    """A piece of a value that is put together from strings.

    `text` is literal; `name` a dotted name (with `()` where it is called) that means a parameter of the sender, a
    constant, or something else; `hole` any other value, with the name that it is read from where there is one.
    """

    kind: PartKind
    text: str = ""


Template = tuple[Part, ...]


class Argument(msgspec.Struct, array_like=True, frozen=True):
    """An argument of a call: a value, or the options of an object literal; `...` is an object spread into it."""

    value: Template = ()
    options: tuple[tuple[str, Template], ...] = ()
    function: bool = False
    """A function is written there."""


class Sender(msgspec.Struct, array_like=True, frozen=True):
    """A named function in which such calls stand."""

    name: str
    owner: str
    """The class, or the variable whose object literal holds it; `default` for an exported object without a name."""
    params: tuple[str, ...]
    """By position; the keys of a pattern as `{id,size}`."""
    span: Span
    outer: str = ""
    """The named function around it: the component, say."""


class RequestLoop(msgspec.Struct, array_like=True, frozen=True):
    """A loop or a callback that runs per element."""

    kind: Literal["for", "callback"]
    head: Span
    over: str
    """What it runs over, as written, if that is short."""
    item: tuple[str, ...]
    few: str = ""
    """Why there are few rounds, or one at a time is meant: `literal`, `count`, `chunk`, `stops`."""


class Request(msgspec.Struct, array_like=True, frozen=True):
    """A call that may send a request."""

    span: Span
    sender: int
    """Index of the named function around it; -1 on the top level."""
    callee: str
    """As `await_calls.describe` names it, without the last `()`."""
    args: tuple[Argument, ...] = ()
    loop: int = -1
    """Index of the innermost loop on whose element the arguments rest, else of the innermost loop."""
    each: bool = False
    """The arguments rest on the loop's element."""
    role: str = ""
    """The hook whose callback it stands in, `handler` in an event handler, `later` in a timer."""
    awaited: bool = False


class RequestConstant(msgspec.Struct, array_like=True, frozen=True):
    """A constant, a member of a constant object (`ROUTES.user`), or a function that returns such a value."""

    name: str
    value: Template
    params: tuple[str, ...] = ()


class RequestClient(msgspec.Struct, array_like=True, frozen=True):
    """A name that holds a client: `api` of `const api = axios.create({ baseURL })`, `this.http` of a class."""

    name: str
    owner: str
    made: str
    """What made it: a class, or a library's function."""
    options: tuple[tuple[str, Template], ...] = ()


class ItemSite(msgspec.Struct, array_like=True, frozen=True):
    """A component's tag that a callback renders per element, with the attributes that rest on the element."""

    tag: str
    span: Span
    owner: int
    """Index of the named function around it."""
    loop: int
    given: tuple[str, ...]
    """`...` for a spread."""


class RequestFacts(msgspec.Struct, array_like=True):
    """One file's part."""

    senders: list[Sender] = []
    requests: list[Request] = []
    loops: list[RequestLoop] = []
    constants: list[RequestConstant] = []
    clients: list[RequestClient] = []
    bases: list[tuple[str, str]] = []
    """Classes with what they extend."""
    items: list[ItemSite] = []
