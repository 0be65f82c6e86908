"""Facts about components, memo wrappers, hooks, contexts and JSX call sites of one file.

Components and tags are named as the file's own top level names them (`default` for an anonymous default export), so
that they can be resolved through imports after link.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.finding import Span

Freshness = Literal["function", "object", "array", "element", "instance", "children"]
"""What kind of value a render makes anew."""


class Fresh(msgspec.Struct, array_like=True, frozen=True):
    """An attribute (or the children) of a JSX element whose value every render makes anew."""

    name: str
    kind: Freshness
    span: Span
    local: str = ""
    """The local variable that holds the value, where it is not written in place."""
    sometimes: bool = False
    """Only on one branch of a condition."""
    constant: str = ""
    """The text of an object or array, written in place, of nothing but literals; `value` is where it stands."""
    value: Span = (0, 0)
    home: int = 0
    """Where the module's statement around it starts."""


class Site(msgspec.Struct, array_like=True, frozen=True):
    """A component's tag in code that runs at render, or once at start."""

    tag: str
    span: Span
    owner: str
    """The component or hook that renders it; empty for code that runs once, such as `root.render(..)`."""
    fresh: tuple[Fresh, ...] = ()
    looped: bool = False
    """Inside a callback of `.map` or the like."""


Passed = tuple[str, str]
"""(tag, attribute) of a component that gets a value."""


class Component(msgspec.Struct, array_like=True, frozen=True):
    """A function component. `harmless` are props that end on host elements, in calls, or in the attributes named."""

    name: str
    span: Span
    rerenders: bool = False
    """Something of its own (state, a context, a store, a prop) can make it render again."""
    harmless: tuple[tuple[str, tuple[Passed, ...]], ...] = ()
    blank: bool = False
    """It shows nothing: no element, no children, no call in what it returns."""


class Memo(msgspec.Struct, array_like=True, frozen=True):
    """A component behind `memo()` or `observer()`. `span` is the wrapper's call."""

    name: str
    span: Span
    wrapper: Literal["memo", "observer"]
    comparator: str = ""
    """The text of the second argument, as far as it is a name; `own` for anything else."""
    tiny: bool = False
    """The wrapped function is in this file, has props, and shows a few static host elements and nothing else."""


class HookValue(msgspec.Struct, array_like=True, frozen=True):
    """A useMemo or useCallback that the file alone does not clear."""

    hook: Literal["useMemo", "useCallback"]
    name: str
    owner: str
    span: Span
    reason: Literal["cheap", "unused", "called", "host", "passed"]
    """Why the hook seems idle; `passed` holds only if every component in `passed` lets the value go nowhere."""
    passed: tuple[Passed, ...] = ()
    keep: Span = (0, 0)
    """What stays where the hook goes: the callback, or the expression that it returns; empty where that is no fix."""
    wrapped: bool = False
    """It needs parentheses there."""
    untyped: bool = False
    """It has parameters without types, which TypeScript takes from the hook alone."""
    same: bool = False
    """The plain value is certainly the same: the dependencies name all that it rests on, and no identity counts."""


class HookImport(msgspec.Struct, array_like=True, frozen=True):
    """A named import of useMemo or useCallback."""

    name: str
    uses: int
    span: Span
    """What to delete with the last use."""


class ProviderSite(msgspec.Struct, array_like=True, frozen=True):
    """A context provider whose value every render makes anew. `context` is the context as named here."""

    context: str
    owner: str
    fresh: Fresh
    bare: bool = False
    """`<Context value>` as of React 19, without `.Provider`."""
    own_state: bool = False
    """The value holds all that can make its component render again, but for its parent."""
    stateless: bool = False
    """Only the parent can make its component render again, which makes its children anew as well."""
    inside: tuple[str, ...] = ()
    """The component tags between the provider's tags, where its component writes and renders all of them."""
    kept: tuple[tuple[Span, str], ...] = ()
    """The edits that keep the value with useMemo."""


class Nested(msgspec.Struct, array_like=True, frozen=True):
    """A component that another one makes on every render and shows as a tag: its name there, and the first tag."""

    name: str
    owner: str
    span: Span
    tag: Span
    moves: bool = False
    """The owner has something of its own, state or a hook, that makes it render again."""


class StateInit(msgspec.Struct, array_like=True, frozen=True):
    """The first state of a useState, worked out by every render. `span` is the argument's."""

    owner: str
    span: Span
    work: str
    """The dear call, as its name is written; of an own function, `calls` has the name to resolve."""
    calls: str = ""
    pure: bool = False
    """Nothing is called that could change something."""
    movable: bool = True
    """A function sees its names with the same types: nothing before it has narrowed them."""


class Selector(msgspec.Struct, array_like=True, frozen=True):
    """A hook that gets a function which returns another object each time, or (with `whole`) nothing at all."""

    owner: str
    callee: str
    span: Span
    argument: Span
    returned: Span
    kind: Freshness = "object"
    sometimes: bool = False
    whole: bool = False


EFFECTS = frozenset(["useEffect", "useLayoutEffect"])
"""Hooks whose callback runs after a render."""
PICKED = -1
"""In `Sources.calls`: state that starts empty, which a click or a choice fills."""
REST = "..."
"""In `Sources.props`: all props at once, or those that are not named. As an attribute: a spread."""


class Sources(msgspec.Struct, array_like=True, frozen=True):
    """What a value rests on: props of its owner, and hook calls, by the offset where they start."""

    props: tuple[str, ...] = ()
    calls: tuple[int, ...] = ()


class HookCall(msgspec.Struct, array_like=True, frozen=True):
    """A call of a hook that may fetch or read a context. `reads` is what its arguments rest on."""

    owner: str
    callee: str
    span: Span
    reads: Sources
    taken: bool = False
    """The hook is taken out of an object: `const { useQuery } = useApi()`."""
    context: str = ""
    """The context that `useContext` or `use` reads."""
    chain: str = ""
    """The whole callee where it is a path: `trpc.order.list.useQuery`."""
    about: tuple[str, ...] = ()
    """What its arguments name: strings, functions that they call, constants and types."""
    held: Sources = Sources()
    """The answers that it waits for: `enabled: !!data`, `data ? key : null`. `PICKED`: it never starts by itself."""
    needs: Sources = Sources()
    """What its arguments rest on, that condition left out."""
    runs: tuple[Span, ...] = ()
    """Of an effect: the functions that it runs, its callback first."""


class Made(msgspec.Struct, array_like=True, frozen=True):
    """A top-level name that a call makes (`createApi()`), or that is taken out of another (`{ useX } = api`)."""

    name: str
    maker: str
    """The callee, or the other name; may be a path."""


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """A component's tag, or the `{children}` of its owner (no tag), that nothing but answers may hold back."""

    owner: str
    tag: str
    span: Span
    within: int
    """The index of the component's tag around it in the file's list, or -1."""
    given: tuple[tuple[str, Sources], ...]
    """Attributes that are no constants."""
    waits: Sources
    """What must have answered before it is shown: hooks, or the props that say so."""
    turns: tuple[tuple[int, bool], ...] = ()
    """The conditions that it stands behind, by the offset where they start, and which way it takes there."""
    decided: tuple[int, ...] = ()
    """The answers whose content decides whether it is shown, or another screen; as in `Sources.calls`."""


class ReactFacts(msgspec.Struct, array_like=True):
    """One file's part."""

    components: list[Component] = []
    memos: list[Memo] = []
    sites: list[Site] = []
    hooks: list[HookValue] = []
    contexts: list[str] = []
    providers: list[ProviderSite] = []
    styled: list[tuple[str, str]] = []
    """Styled components: their name, and the component that they wrap; nothing for a host element."""
    calls: list[HookCall] = []
    shown: list[Shown] = []
    hook_imports: list[HookImport] = []
    made: list[Made] = []
    prefetched: list[str] = []
    """Names in what loaders and the like ask before components do, as in `HookCall.about`."""
    nested: list[Nested] = []
    states: list[StateInit] = []
    selectors: list[Selector] = []
    stores: list[tuple[str, str]] = []
    """Hooks that a call makes or that are another name of a hook: their name, and the call's or that hook's name."""
    working: list[str] = []
    """Top-level functions that loop, parse JSON or read the browser's storage."""
    directives: list[tuple[str, bool]] = []
    """`use memo` (True) and `use no memo`, with the component or hook that starts with it; no name for the file."""
    remembering: list[Span] = []
    """Functions that look into a cache or a storage of their own."""
