"""Which HTTP requests a call of the front end sends: method and URL template, also through the project's own clients.

    program.requests.at(path)          every call of a file that sends something, with what it sends
    program.requests.of(path, request) what one call sends
    program.requests.sends(path, name) what calling a function of a file sends, its handlers left out
    program.requests.sender(path, request)  the named function around a call; `outer` is the component around that

A function whose parameter becomes the URL of a request is a client like `fetch`: nothing is listed but libraries.
Tests, generated code and configuration take no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from slowpath.model.finding import Confidence, Place, weakest
from slowpath.model.requests import Part, Request, RequestClient, RequestFacts, Sender, Template
from slowpath.model.web import WebFacts
from slowpath.program.await_names import quiet_path, words
from slowpath.program.request_urls import Arguments, Constants, filled, shown, table, whole
from slowpath.program.web import Declaration, External

if TYPE_CHECKING:
    from slowpath.program import Program

MAX_DEPTH = 6
MAX_SENT = 12
"""A function that sends more than this is a page of its own."""
EMPTY = RequestFacts()
LATER = frozenset(["handler", "later", "useMutation", "useSWRMutation", "useLazyQuery", "useCallback"])
"""Roles of calls that do not run when their function does."""


class Sent(NamedTuple):
    """One request that a call sends. Names in `url` and `method` are parameters of the function around the call."""

    method: Template
    url: Template
    calls: tuple[Place, ...]
    """The calls that lead there, outermost first; the last one is the library's."""
    sure: Confidence
    open: bool = False
    """The method may come with options that are handed on."""
    default: str = ""
    """The method where nobody says one."""

    @property
    def verb(self) -> str:
        """`GET`, or nothing where it cannot be told."""
        if not self.method:
            return self.default
        word = shown(self.method).upper()
        return word if word in table()["verbs"] else ""

    @property
    def template(self) -> str:
        """`/orders/{}`, with `{}` for what is put in, without the query string."""
        return shown(self.url).partition("?")[0].partition("#")[0]

    def __str__(self) -> str:
        return f"{self.verb or 'ANY'} {self.template}"


class Sending(NamedTuple):
    """A call, and what it sends."""

    request: Request
    sent: tuple[Sent, ...]


Key = tuple[str, int]
"""(path, index of the sender)"""


class Requests:
    """Answers for one program; each function is summed up once, when it is asked for."""

    def __init__(self, program: Program) -> None:
        self.web = program.web
        self.files: dict[str, RequestFacts] = {
            file.path: cast(WebFacts, file.facts).requests
            for file in program.of("typescript", "tsx")
            if self.web.kind(file.path) in ("client", "server") and not quiet_path(file.path)
        }
        self.constants = Constants(self.files, self.web)
        self._senders: dict[str, dict[tuple[str, str], list[int]]] = {}
        self._by_sender: dict[str, dict[int, list[Request]]] = {}
        self._everywhere: dict[str, list[Key]] | None = None
        self._summaries: dict[Key, tuple[Sent, ...]] = {}

    def at(self, path: str) -> list[Sending]:
        """The calls of a file that send something."""
        found = [Sending(request, self.of(path, request)) for request in self._facts(path).requests]
        return [sending for sending in found if sending.sent]

    def sender(self, path: str, request: Request) -> Sender | None:
        """The named function around a call."""
        return self._facts(path).senders[request.sender] if request.sender >= 0 else None

    def sends(self, path: str, name: str, owner: str = "") -> tuple[Sent, ...]:
        """What calling a function of a file sends."""
        indexes = self._named(path).get((owner, name), [])
        return self._summary((path, indexes[0]), 0) if len(indexes) == 1 else ()

    def of(self, path: str, request: Request, depth: int = 0) -> tuple[Sent, ...]:
        """What one call sends."""
        place = Place(path, request.span)
        known = self._known(path, request)
        if known is not None:
            return (self._closed(path, request.sender, known._replace(calls=(place,))),)
        target = self._target(path, request) if depth < MAX_DEPTH else None
        if target is None:
            return ()
        key, sure = target
        summary = self._summary(key, depth + 1)
        senders = self._facts(key[0]).senders
        arguments = Arguments(senders[key[1]].params, request.args)
        kept = parameters(senders, key[1]) if key[0] == path and senders[key[1]].outer else frozenset[str]()
        found: dict[tuple[Template, Template], Sent] = {}
        for sent in summary:
            method = filled(sent.method, arguments, "method", kept)
            if not method and sent.open:
                method = arguments.option("method")
            onward = Sent(
                method,
                filled(sent.url, arguments, "url", kept),
                (place, *sent.calls),
                weakest(sent.sure, sure),
                sent.open and not method,
                sent.default,
            )
            closed = self._closed(path, request.sender, onward)
            found.setdefault((closed.method, closed.url), closed)  # asked again after a failure, say
        return tuple(found.values())

    def _facts(self, path: str) -> RequestFacts:
        return self.files.get(path, EMPTY)

    def _closed(self, path: str, sender: int, sent: Sent) -> Sent:
        """With what the names mean that are no parameters of the function around."""
        names = parameters(self._facts(path).senders, sender)
        return sent._replace(
            url=self.constants.closed(path, sent.url, names), method=self.constants.closed(path, sent.method, names)
        )

    def _summary(self, key: Key, depth: int) -> tuple[Sent, ...]:
        if key not in self._summaries:
            self._summaries[key] = ()
            path, sender = key
            found = [
                sent
                for request in self._requests(path).get(sender, ())
                if request.role not in LATER
                for sent in self.of(path, request, depth)
            ]
            self._summaries[key] = tuple(dict.fromkeys(found)) if len(found) <= MAX_SENT else ()
        return self._summaries[key]

    def _requests(self, path: str) -> dict[int, list[Request]]:
        if path not in self._by_sender:
            found: dict[int, list[Request]] = {}
            for request in self._facts(path).requests:
                found.setdefault(request.sender, []).append(request)
            self._by_sender[path] = found
        return self._by_sender[path]

    # libraries

    def _known(self, path: str, request: Request) -> Sent | None:
        """The request of a call on a library's client."""
        names = request.callee.replace("[]", "").split(".")
        head, last = names[0], names[-1]
        if head in table()["windows"] and len(names) == 2 and last in table()["globals"]:
            return self._plain(request, "GET" if last == "fetch" else "", ())
        base = self._client(path, request, ".".join(names[:1]))
        if base is not None and len(names) == 1:
            return self._plain(request, "GET", base)
        base = self._client(path, request, ".".join(names[:-1])) if len(names) > 1 else None
        if base is not None:
            verb = table()["verbs"].get(last)
            if verb is not None or last == "request":
                return self._plain(request, verb or "", base, fixed=verb is not None)
            return None
        return self._likely(path, request, names)

    def _plain(self, request: Request, method: str, base: Template, *, fixed: bool = False) -> Sent | None:
        given = request.args
        if not given or given[0].function:
            return None
        options = dict(given[0].options)
        url = given[0].value or next((options[key] for key in table()["url_options"] if key in options), ())
        if not url:
            return None
        own = next((dict(arg.options)["method"] for arg in given if "method" in dict(arg.options)), ())
        forwarded = any(dict(arg.options).get("...") for arg in given) or any(
            whole(arg.value) for arg in (given[1:] if given[0].value and not whole(given[0].value) else given)
        )
        verb: Template = (Part("text", method),) if fixed else own
        joined = _under(base, url) if base and not _absolute(url) else url
        return Sent(verb, joined, (), "high", forwarded and not verb, method or "GET")

    def _client(self, path: str, request: Request, name: str) -> Template | None:
        """The base URL of a library's client that a name holds; None for anything else."""
        sender = self.sender(path, request)
        if name.startswith("this."):
            for client in self._facts(path).clients:
                if client.name == name and (sender is None or client.owner in ("", sender.owner)):
                    return self._made(path, client)
            return None
        if "." in name or "()" in name:
            return None
        for client in self._facts(path).clients:
            if client.name == name:
                return self._made(path, client)
        target = self.web.resolve(path, name)
        if isinstance(target, External):
            return () if target.package in table()["packages"] else None
        if target is None:
            return () if name in table()["globals"] else None
        for client in self._facts(target.path).clients:
            if client.name == target.name:
                return self._made(target.path, client)
        return None

    def _made(self, path: str, client: RequestClient) -> Template | None:
        """The base of `axios.create({ baseURL })`."""
        root, _, maker = client.made.partition(".")
        target = self.web.resolve(path, root)
        library = target.package in table()["packages"] if isinstance(target, External) else root in table()["globals"]
        if not library or (maker and maker not in table()["makers"]) or (target is None and not maker):
            return None
        options = dict(client.options)
        base = next((options[key] for key in table()["base_options"] if key in options), ())
        return self.constants.closed(path, base, frozenset())

    def _likely(self, path: str, request: Request, names: list[str]) -> Sent | None:
        """`client.get("/x")` on something that cannot be seen but is called like a client."""
        verb = table()["verbs"].get(names[-1])
        if verb is None or len(names) < 2 or not request.args or not re.search(table()["clients"], names[-2]):
            return None
        url = request.args[0].value
        if not url or url[0].kind != "text" or not url[0].text.startswith("/"):
            return None
        if any(arg.function for arg in request.args) or self._target(path, request) is not None:
            return None
        return Sent((Part("text", verb),), url, (), "medium")

    # the project's own functions

    def _target(self, path: str, request: Request) -> tuple[Key, Confidence] | None:
        """The function that a call means."""
        names = request.callee.replace("[]", "").split(".")
        name, holder = names[-1], ".".join(names[:-1])
        sender = self.sender(path, request)
        if not holder:
            found = self._plain_target(path, name, sender)
        elif holder in ("this", "super"):
            found = self._method(path, sender.owner if sender else "", name, own=holder == "this")
        else:
            found = self._member(path, holder, name)
        if found is not None:
            return found, "high"
        return self._only(path, names)

    def _plain_target(self, path: str, name: str, sender: Sender | None) -> Key | None:
        local = self._named(path).get(("", name), [])
        if len(local) > 1 and sender is not None:
            around = (sender.name, sender.outer)
            local = [at for at in local if self._facts(path).senders[at].outer in around] or local
        if local:
            return (path, local[0]) if len(local) == 1 else None
        target = self.web.resolve(path, name)
        return self._one(target.path, "", target.name) if isinstance(target, Declaration) else None

    def _member(self, path: str, holder: str, name: str) -> Key | None:
        """A method of an object, of a class, or of an instance."""
        local = self._one(path, holder, name) or self._instance(path, holder, name)
        if local is not None or holder.startswith("this."):
            return local
        head, _, rest = holder.partition(".")
        target = self.web.resolve(path, head)
        if not isinstance(target, Declaration):
            return None
        if target.name == "*":
            return self._one(target.path, rest, name)
        owner = f"{target.name}.{rest}" if rest else target.name
        return self._method(target.path, owner, name) or self._instance(target.path, owner, name)

    def _instance(self, path: str, holder: str, name: str) -> Key | None:
        for client in self._facts(path).clients:
            if client.name == holder and "." not in client.made:
                target = self.web.resolve(path, client.made)
                if isinstance(target, Declaration):
                    return self._method(target.path, target.name, name)
        return None

    def _method(self, path: str, owner: str, name: str, *, own: bool = True) -> Key | None:
        """A method of a class, its own or inherited."""
        for _ in range(MAX_DEPTH):
            found = self._one(path, owner, name) if own else None
            if found is not None:
                return found
            base = dict(self._facts(path).bases).get(owner)
            target = self.web.resolve(path, base) if base else None
            if not isinstance(target, Declaration):
                return None
            path, owner, own = target.path, target.name, True
        return None

    def _one(self, path: str, owner: str, name: str) -> Key | None:
        found = self._named(path).get((owner, name), [])
        return (path, found[0]) if len(found) == 1 else None

    def _named(self, path: str) -> dict[tuple[str, str], list[int]]:
        if path not in self._senders:
            found: dict[tuple[str, str], list[int]] = {}
            for index, sender in enumerate(self._facts(path).senders):
                found.setdefault((sender.owner, sender.name), []).append(index)
            self._senders[path] = found
        return self._senders[path]

    def _only(self, path: str, names: list[str]) -> tuple[Key, Confidence] | None:
        """The one function of the project with that name of several words, where nothing says what holds it."""
        if len(words(names[-1])) < 2 or isinstance(self.web.resolve(path, names[0]), External):
            return None
        if self._everywhere is None:
            self._everywhere = {}
            for other, facts in self.files.items():
                for index, sender in enumerate(facts.senders):
                    if not sender.outer and (sender.owner or len(names) == 1):
                        self._everywhere.setdefault(sender.name, []).append((other, index))
        found = self._everywhere.get(names[-1], [])
        return (found[0], "medium") if len(found) == 1 else None


def parameters(senders: list[Sender], index: int) -> frozenset[str]:
    """The names of a function's parameters, and of those around it."""
    if index < 0:
        return frozenset()
    sender = senders[index]
    around = [other for other in senders if other.span[0] <= sender.span[0] and sender.span[1] <= other.span[1]]
    return frozenset(name for other in around for name in _names(other.params))


def _names(params: tuple[str, ...]) -> Iterator[str]:
    for param in params:
        yield from param.strip("{}").split(",")


def _under(base: Template, url: Template) -> Template:
    """A base URL and a path; clients put the slash between them."""
    ends = base[-1].text.endswith("/") if base[-1].kind == "text" else False
    starts = url[0].text.startswith(("/", "?")) if url[0].kind == "text" else whole(url)
    if ends and starts and url[0].kind == "text":
        return (*base[:-1], Part("text", base[-1].text[:-1]), *url)
    return (*base, *url) if ends or starts else (*base, Part("text", "/"), *url)


def _absolute(url: Template) -> bool:
    return url[0].kind == "text" and url[0].text.startswith("http")
