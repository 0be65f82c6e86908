"""One JavaScript or TypeScript tree in, RequestFacts out: calls that may send a request, found by their bytes.

Read are calls that are awaited, returned, chained or handed to a list of promises, calls with a literal that looks like
a URL, and the HTTP clients that everybody uses. Test files by their own words yield nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.await_calls import describe, first, unwrap
from slowpath.extract.parsing import text
from slowpath.extract.request_items import item_sites
from slowpath.extract.request_places import CHUNK, Place, Places, params, short
from slowpath.extract.request_values import DOTTED, Values, leads
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.requests import Argument, Part, Request, RequestClient, RequestConstant, RequestFacts, RequestLoop

RELEVANT = (
    b"fetch",
    b"axios",
    b"await ",
    b"queryFn",
    b"useSWR",
    b".then(",
    b"ky.",
    b"got.",
    b'"/',
    b"'/",
    b"`/",
    b"`${",
)
TESTS = (b"\ndescribe(", b"\ntest(", b"\nit(", b"\n  it(", b"@playwright/test", b"\ndescribe.")
SERVERS = re.compile(
    rb"from [\"'](?:koa|express|sequelize|@nestjs/|typeorm|fastify|@prisma/|bull|(?:@|~?[./]+)server/)"
)
"""What code of a Node server imports: it asks databases rather than this project's Rust."""
NAME = rb"[A-Za-z_$][\w$]*+(?:\??\.[\w$#]++)*+"
CALL = rb"\s*+(" + NAME + rb")(?=(?:<[^()\n]{0,200}>)?\()"
BEFORE = tuple(
    (word, re.compile(re.escape(word) + CALL))
    for word in (b"await ", b"=>", b"return ", b"void ", b"queryFn:", b"push(", b"dispatch(")
)
"""What stands before a call whose promise somebody gets."""
PLAIN = re.compile(NAME)
KNOWN = (b"fetch", b"axios", b"ky", b"got", b"useSWR")
KNOWN_CALL = re.compile(rb"(?:\.\w++)*+(?=\s*+(?:<[^()\n]{0,200}>)?\()")
STATEMENT = re.compile(rb"\n[ \t]*+(" + NAME + rb")\([^\n]*\);?[ \t]*(?=\n)")
HANDED = (b".map(", b".forEach(", b".flatMap(")
ONLY = re.compile(rb"\s*(" + NAME + rb")\s*,?\s*\)")
REFERENCE = re.compile(rb"\s*(" + NAME + rb")\s*(?=[,}\n])")
URL_STARTS = (b'"/', b"'/", b"`/", b"`${", b'"http', b"'http", b"`http")
URL = re.compile(rb"[\"'`](?:/(?:[\w:]|\$\{)|https?://|\$\{[^}`\n]{1,80}\}/)")
CLIENTS = (b"= new ", b".create(", b".extend(", b".create<")
EXTENDS = re.compile(rb"class\s+(\w+)(?:<[^{]{0,80}>)?\s+extends\s+([\w$.]+)")
SKIPPED = re.compile(
    rb"^(?:Promise|console|Math|Object|JSON|Array|String|Number|Date|expect|React|z|t|import|require|screen|assert)\b"
    rb"|(?:^|\.)(?:set[A-Z]\w*|map|filter|forEach|reduce|includes|find|findIndex|some|every|join|slice|concat|sort|push"
    rb"|split|trim|toString|replace|match|test|has|keys|values|entries|log|error|warn|preventDefault|stopPropagation"
    rb"|useState|useMemo|useRef|useCallback|useContext|cn|clsx|styled|css|memo|lazy|createContext|classNames|then|catch"
    rb"|startsWith|endsWith|toLowerCase|toUpperCase|stringify|parse|now|isArray|t|flat|flatMap|if|for|while|switch"
    rb"|navigate|dispatch|reject|sleep|clearTimeout|setTimeout|addEventListener|removeEventListener|focus|blur)$"
)
AFTER = frozenset("then catch finally json text blob arrayBuffer formData unwrap set send query timeout data".split())
MAX_ARGS = 5
MAX_REQUESTS = 1500
URLISH = re.compile(r"url|uri|path|endpoint|href|route|base|query|method|options|config|init|resource|link|api", re.I)


def extract(scopes: Scopes, source: bytes) -> RequestFacts:
    """The facts of one file."""
    sends = any(word in source for word in RELEVANT)
    lists = b".map(" in source and b"/>" in source
    if not (sends or lists) or any(word in source for word in TESTS) or SERVERS.search(source):
        return RequestFacts()
    file = _File(scopes, source)
    if sends:
        file.read()
    if lists:
        file.facts.items = list(item_sites(file.scopes, file.places, source))
    return file.facts


def _ends(source: bytes, *words: bytes) -> Iterator[int]:
    """Where each of the words ends."""
    for word in words:
        at = source.find(word)
        while at >= 0:
            yield at + len(word)
            at = source.find(word, at + len(word))


class _File:
    def __init__(self, scopes: Scopes, source: bytes) -> None:
        self.root, self.source, self.scopes = scopes.root, source, scopes
        self.values, self.places = Values(self.scopes), Places(self.scopes)
        self.facts = RequestFacts(senders=self.places.senders, loops=self.places.loops)
        self._seen: set[int] = set()

    def read(self) -> None:
        for call, awaited in self._calls():
            if call.start_byte not in self._seen and len(self.facts.requests) < MAX_REQUESTS:
                self._seen.add(call.start_byte)
                self._request(call, awaited)
        self._references()
        self._handed()
        self._literals()
        self._clients()
        self.facts.requests.sort(key=lambda request: request.span)
        if b"extends" in self.source:
            self.facts.bases = [(a.decode(), b.decode()) for a, b in EXTENDS.findall(self.source)]

    def _calls(self) -> Iterator[tuple[Node, bool]]:
        source = self.source
        for word, pattern in BEFORE:
            for found in pattern.finditer(source) if word in source else ():
                yield from self._wanted(found.start(1), found.end(1), word == b"await ")
        for at in _ends(source, b".then(") if b".then(" in source else ():
            yield from self._chained(at - 6)
        for word in KNOWN:
            for at in _ends(source, word):
                start, match = at - len(word), KNOWN_CALL.match(source, at)
                if match is not None and not (source[start - 1 : start].isalnum() or source[start - 1 : start] == b"_"):
                    while source[start - 1 : start].isalnum() or source[start - 1 : start] in (b".", b"$"):
                        start -= 1
                    yield from self._wanted(start, match.end(), False)
        if b"useEffect" in source or b"forEach" in source:
            for found in STATEMENT.finditer(source):
                yield from self._wanted(found.start(1), found.end(1), False)

    def _wanted(self, start: int, end: int, awaited: bool) -> Iterator[tuple[Node, bool]]:
        if start not in self._seen and not SKIPPED.search(self.source[start:end]):
            call = self._call_at(start, end)
            if call is not None:
                yield call, awaited

    def _chained(self, dot: int) -> Iterator[tuple[Node, bool]]:
        """The call in front of `.then(`."""
        node = self.root.descendant_for_byte_range(dot, dot + 1)
        before = node.parent.child_by_field_name("object") if node is not None and node.parent is not None else None
        if before is not None and before.type == "call_expression" and before.start_byte not in self._seen:
            callee = before.child_by_field_name("function")
            if callee is not None and not SKIPPED.search(callee.text or b"") and b"\n" not in (callee.text or b""):
                yield before, True

    def _call_at(self, start: int, end: int) -> Node | None:
        """The call whose callee stands at a place; of `api().get(x).then(f)`, `api().get(x)`."""
        opening = self.source.find(b"(", end)
        node = self.root.descendant_for_byte_range(start, opening + 1)
        if node is None or node.type != "call_expression" or node.start_byte != start:
            return None
        # a chain goes on right behind the arguments
        while self.source[node.end_byte : node.end_byte + 40].lstrip()[:1] == b".":
            parent = node.parent
            outer = parent.parent if parent is not None and parent.type == "member_expression" else None
            if parent is None or outer is None or outer.type != "call_expression":
                break
            if text(parent.child_by_field_name("property")) in AFTER:
                break
            node = outer
        return node

    def _request(self, call: Node, awaited: bool) -> None:
        written = call.child_by_field_name("function")
        raw = (written.text or b"") if written is not None else b""
        callee = raw.decode() if PLAIN.fullmatch(raw) else describe(call).name.removesuffix("()")
        callee = callee.replace("?.", ".")
        if not callee or callee.startswith("new "):
            return
        arguments = call.child_by_field_name("arguments")
        given = [child for child in arguments.named_children if child.type != "comment"] if arguments else []
        if arguments is None or arguments.type != "arguments":
            given = []
        place = self.places.of(call)
        self._add(call, callee, tuple(map(self._argument, given[:MAX_ARGS])), given, place, awaited)

    def _argument(self, node: Node) -> Argument:
        if node.type in ("identifier", "member_expression"):
            name = text(node).replace("?.", ".")
            if not URLISH.search(name) and DOTTED.match(name):
                return Argument(self.values.plain(name))
        return self.values.argument(node)

    def _add(
        self,
        node: Node,
        callee: str,
        args: tuple[Argument, ...],
        given: list[Node],
        place: Place,
        awaited: bool,
        *,
        handed: bool = False,
    ) -> None:
        each = place.loops[0] if handed else next((loop for loop in place.loops if self._rests(given, loop)), None)
        loop = each if each is not None else place.loops[0] if place.loops else -1
        span = (node.start_byte, node.end_byte)
        self.facts.requests.append(
            Request(span, place.sender, callee, args, loop, each is not None, place.role, awaited)
        )

    def _rests(self, given: list[Node], loop: int) -> bool:
        """Do arguments name a loop's element, or a variable of the body made of it?"""
        fact = self.facts.loops[loop]
        names, start = set(fact.item), fact.head[0]
        pending, seen = list(given), 0
        while pending and seen < 12:
            node = pending.pop()
            seen += 1
            for word in set(re.findall(r"(?<![.\w$])[A-Za-z_$][\w$]*", text(node)[:2000])):
                if word in names:
                    return True
                binding = self.values.scopes.lookup(word, node) if node.start_byte > start else None
                inside = binding is not None and binding.kind == "variable" and binding.node.start_byte > start
                if inside and binding is not None and binding.value is not None and binding.value.id != node.id:
                    pending.append(binding.value)
        return False

    def _references(self) -> None:
        """`queryFn: fetchOrders`"""
        for at in _ends(self.source, b"queryFn:"):
            match = REFERENCE.match(self.source, at)
            node = self.root.descendant_for_byte_range(*match.span(1)) if match is not None else None
            if match is not None and node is not None and node.type in ("identifier", "member_expression"):
                place = self.places.of(node)
                taker, role = node.parent, "useQuery"
                for _ in range(6):
                    if taker is None or taker.type == "call_expression":
                        role = describe(taker).name.removesuffix("()") if taker is not None else role
                        break
                    taker = taker.parent
                self._add(node, match[1].decode(), (), [], place._replace(role=place.role or role), False)

    def _handed(self) -> None:
        """`ids.map(fetchOrder)`"""
        for at in _ends(self.source, *HANDED):
            match = ONLY.match(self.source, at)
            if match is None or SKIPPED.search(match[1]):
                continue
            call = self.root.descendant_for_byte_range(at - 2, match.end())
            if call is not None and call.type == "call_expression":
                place = self.places.of(call)
                over = text(call.child_by_field_name("function")).rpartition(".")[0]
                few = "chunk" if CHUNK.search(over) else ""
                self.facts.loops.append(RequestLoop("callback", (call.start_byte, at), short(over), ("element",), few))
                args = (Argument((Part("hole", "element"),)),)
                place = place._replace(loops=(len(self.facts.loops) - 1, *place.loops))
                node = self.root.descendant_for_byte_range(*match.span(1))
                if node is not None:
                    self._add(node, match[1].decode(), args, [], place, False, handed=True)

    def _literals(self) -> None:
        """Calls that a URL is given to, and constants that hold one."""
        for start in [at - len(word) for word in URL_STARTS for at in _ends(self.source, word)]:
            if not URL.match(self.source, start):
                continue
            node = self.root.descendant_for_byte_range(start, start + 1)
            if node is None or node.type not in ("string", "template_string", '"', "'", "`"):
                continue
            at = node if node.type in ("string", "template_string") else node.parent
            for _ in range(8):
                if at is None or at.type in ("jsx_attribute", "import_statement", "export_statement", "program"):
                    break
                if at.type == "arguments":
                    call = at.parent
                    if call is not None and call.type == "call_expression" and call.start_byte not in self._seen:
                        self._seen.add(call.start_byte)
                        self._request(call, False)
                    break
                if at.type in ("variable_declarator", "function_declaration", "method_definition"):
                    self._constant(at)
                    break
                at = at.parent

    def _constant(self, declarator: Node) -> None:
        if declarator.type != "variable_declarator":
            self._builder(text(declarator.child_by_field_name("name")), declarator)
            return
        name = declarator.child_by_field_name("name")
        if name is None or name.type != "identifier" or declarator.start_byte in self._seen:
            return
        self._seen.add(declarator.start_byte)
        stack = [(text(name), unwrap(declarator.child_by_field_name("value")))]
        while stack and len(self.facts.constants) < MAX_REQUESTS:
            label, value = stack.pop()
            value = unwrap(value)
            if value is None:
                continue
            if value.type == "object":
                for pair in value.named_children:
                    if pair.type == "pair":
                        key = text(pair.child_by_field_name("key")).strip("'\"")
                        stack.append((f"{label}.{key}", pair.child_by_field_name("value")))
                    elif pair.type == "method_definition":
                        self._builder(f"{label}.{text(pair.child_by_field_name('name'))}", pair)
            elif value.type in FUNCTIONS:
                self._builder(label, value)
            else:
                self._keep(label, self.values.template(value), ())

    def _builder(self, name: str, function: Node) -> None:
        """A function that returns a URL."""
        body = function.child_by_field_name("body")
        value = body
        if body is not None and body.type == "statement_block":
            last = body.named_children[-1] if body.named_child_count else None
            value = first(last) if last is not None and last.type == "return_statement" else None
        if value is not None and value.type in ("string", "template_string", "binary_expression"):
            self._keep(name, self.values.template(value), params(function))

    def _keep(self, name: str, value: tuple, given: tuple[str, ...]) -> None:  # type: ignore[type-arg]
        if leads(value):
            self.facts.constants.append(RequestConstant(name, value, given))

    def _clients(self) -> None:
        """`const api = new Client()`, `this.http = axios.create({ baseURL })`"""
        for at in _ends(self.source, *CLIENTS):
            start = self.source.find(b"new", at - 5) if self.source[at - 2 : at - 1] == b"w" else at - 8
            node = self.root.descendant_for_byte_range(start, at + 1)
            while node is not None and node.type in ("member_expression", "identifier", "property_identifier", "new"):
                node = node.parent
            if node is None or node.type not in ("new_expression", "call_expression"):
                continue
            made = node.child_by_field_name("constructor") or node.child_by_field_name("function")
            name, owner = _holder(node)
            if name and made is not None:
                arguments = node.child_by_field_name("arguments")
                given = [self.values.argument(child) for child in arguments.named_children[:2]] if arguments else []
                options = tuple(option for argument in given for option in argument.options)
                if given and given[0].value and made.type == "identifier":
                    options = (*options, ("0", given[0].value))
                self.facts.clients.append(RequestClient(name, owner, text(made), options))


def _holder(node: Node) -> tuple[str, str]:
    """The variable or field that a value goes into, and the class of the field."""
    at = node.parent
    while at is not None and at.type in ("as_expression", "parenthesized_expression", "binary_expression"):
        at = at.parent
    if at is None:
        return "", ""
    if at.type == "variable_declarator":
        name = at.child_by_field_name("name")
        return (text(name), "") if name is not None and name.type == "identifier" else ("", "")
    left = at.child_by_field_name("left") if at.type == "assignment_expression" else None
    if at.type == "export_statement":
        return "default", ""
    field = f"this.{text(at.child_by_field_name('name'))}" if at.type == "public_field_definition" else text(left)
    if not field.startswith("this."):
        return field, ""
    up = at.parent
    while up is not None and up.type not in ("class_declaration", "class", "abstract_class_declaration"):
        up = up.parent
    return field, text(up.child_by_field_name("name")) if up is not None else ""
