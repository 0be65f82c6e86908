"""What a component asks the server for when it is shown, as far as that rests on given props."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.finding import Confidence, Place, Step, less_sure
from slowpath.model.react import PICKED, REST
from slowpath.model.requests import Request
from slowpath.program import Program
from slowpath.program.react import Key
from slowpath.program.request_urls import root
from slowpath.program.requests import LATER, Sent

DEPTH = 3
"""Components below the one that the list shows."""


class OnMount(NamedTuple):
    """A request, and the way from the component to its call."""

    sent: Sent
    steps: tuple[Step, ...]
    sure: Confidence


class Mounted:
    """Answers for one program."""

    def __init__(self, program: Program) -> None:
        self.requests, self.react = program.requests, program.react
        self._own: dict[Key, list[Request]] = {}
        for path, found in self.requests.files.items():
            for request in found.requests:
                if request.sender >= 0:
                    self._own.setdefault((path, found.senders[request.sender].name), []).append(request)

    def _of(self, key: Key, props: frozenset[str]) -> Iterator[OnMount]:
        """Its own, and those of hooks that it calls."""
        path = key[0]
        hooks = self.react.calls.get(key, ())
        for request in self._own.get(key, ()):
            if request.role in LATER or not request.role or request.loop >= 0:
                continue
            hook = next((h for h in hooks if h.span[0] <= request.span[0] and request.span[1] <= h.span[1]), None)
            if hook is not None and (PICKED in hook.reads.calls or not _reads(hook.reads.props, props)):
                continue
            for sent in self.requests.of(path, request):
                if hook is not None or self._rests(path, request, sent, props):
                    step = Step(Place(path, request.span), f"`{key[1]}` asks in `{request.role}`, when it is shown")
                    yield OnMount(sent, (step,), sent.sure if hook is not None else less_sure(sent.sure))
        for call in hooks:
            target = None if call.taken else self.react.resolve(path, call.callee)
            if not isinstance(target, tuple) or PICKED in call.reads.calls or not _reads(call.reads.props, props):
                continue
            for sent in self.requests.sends(*target):
                yield OnMount(sent, (Step(Place(path, call.span), f"`{key[1]}` calls `{call.callee}`"),), sent.sure)

    def below(self, key: Key, props: frozenset[str], depth: int = 0) -> Iterator[OnMount]:
        """What a component asks for, and those that it shows."""
        yield from self._of(key, props)
        if depth >= DEPTH:
            return
        for index in self.react.shown.get(key, ()):
            shown = self.react.at(key[0], index)
            target = self.react.resolve(key[0], shown.tag) if shown.tag else None
            if not isinstance(target, tuple) or target == key or PICKED in shown.waits.calls:
                continue
            given = frozenset(name for name, sources in shown.given if _reads(sources.props, props))
            if given:
                step = Step(Place(key[0], shown.span), f"`{key[1]}` shows a `{shown.tag}`")
                for found in self.below(target, given, depth + 1):
                    yield found._replace(steps=(step, *found.steps))

    def _rests(self, path: str, request: Request, sent: Sent, props: frozenset[str]) -> bool:
        """Does the URL hold one of the props?"""
        sender = self.requests.sender(path, request)
        given = sender.params[0] if sender is not None and sender.params else ""
        own = given.strip("{}").split(",") if given.startswith("{") else []
        for part in sent.url:
            if part.kind == "text" or not part.text:
                continue
            name = root(part.text)
            inner = part.text.split(".")[1:2]
            if name in own and (name in props or REST in props):
                return True
            if name == given and (not inner or inner[0] in props or REST in props):
                return True
        return False


def _reads(read: tuple[str, ...], props: frozenset[str]) -> bool:
    return bool(props & set(read)) or (bool(read) and REST in props)
