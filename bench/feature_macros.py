"""Expands a crate's own `macro_rules!`, as far as items need it: tokens in, source out. Never raises on odd macros."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<doc>///[^\n]*|//![^\n]*)|(?P<skip>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>b?r(?P<hash>\#*)".*?"(?P=hash)|b?"(?:\\.|[^"\\])*")"""
    r"""|(?P<char>b?'(?:\\.[^']*|[^'\\])')|(?P<life>'\w+)|(?P<word>(?:r\#)?\w+)"""
    r"""|(?P<mark>\.\.=|\.\.\.|::|->|=>|\.\.|&&|\|\||[=!<>+\-*/%^&|]=|.)""",
    re.S,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
MOST_TOKENS = 60_000


@dataclass
class Tree:
    """What stands in a pair of brackets."""

    open: str
    inside: list[str | Tree] = field(default_factory=list)


@dataclass
class Variable:
    """`$name:fragment` of a pattern, `$name` of a body."""

    name: str
    fragment: str = ""


@dataclass
class Repetition:
    """`$( .. ) separator op`."""

    inside: list[Part]
    separator: str
    op: str


Part = str | Tree | Variable | Repetition
Bound = list[str | Tree] | list["Bindings"]
Bindings = dict[str, "list[str | Tree] | Repeated"]


@dataclass
class Repeated:
    """What a variable in a repetition was bound to, round by round."""

    rounds: list[list[str | Tree] | Repeated]


def tokens(text: str) -> list[str | Tree]:
    """The tokens of a piece of source, brackets as trees; doc comments as the attributes they are."""
    stack: list[Tree] = [Tree("")]
    for count, found in enumerate(TOKEN.finditer(text)):
        if count > MOST_TOKENS:
            break
        part = found.group()
        if found.lastgroup == "skip":
            continue
        if found.lastgroup == "doc":
            stack[-1].inside += ["#", Tree("[", ["doc", "=", '""'])] if part[2] == "/" else []
        elif part in CLOSING:
            stack.append(Tree(part))
        elif part in CLOSING.values():
            if len(stack) > 1:
                closed = stack.pop()
                stack[-1].inside.append(closed)
        else:
            stack[-1].inside.append(part)
    return stack[0].inside


def rendered(parts: list[str | Tree]) -> str:
    """Tokens as source."""
    return " ".join(
        f"{part.open} {rendered(part.inside)} {CLOSING[part.open]}" if isinstance(part, Tree) else part
        for part in parts
    )


def parts(given: list[str | Tree], pattern: bool) -> list[Part]:
    """Tokens of a pattern or a body with their variables and repetitions."""
    found: list[Part] = []
    at = 0
    while at < len(given):
        token = given[at]
        after = given[at + 1] if at + 1 < len(given) else ""
        if token == "$" and isinstance(after, Tree) and after.open == "(":
            at += 2
            separator = ""
            if at < len(given) and given[at] not in ("*", "+", "?"):
                separator = rendered(given[at : at + 1])
                at += 1
            op = given[at] if at < len(given) else "*"
            found.append(Repetition(parts(after.inside, pattern), separator, str(op)))
            at += 1
        elif token == "$" and after == "crate":
            found.append("crate")
            at += 2
        elif token == "$" and isinstance(after, str) and after:
            is_typed = pattern and given[at + 2 : at + 3] == [":"] and at + 3 < len(given)
            found.append(Variable(after, str(given[at + 3]) if is_typed else ""))
            at += 4 if is_typed else 2
        elif isinstance(token, Tree):
            found.append(Tree(token.open, parts(token.inside, pattern)))  # type: ignore[arg-type]
            at += 1
        else:
            found.append(token)
            at += 1
    return found


def match(pattern: list[Part], given: list[str | Tree]) -> Bindings | None:
    """What the variables of a pattern stand for, where it fits all the tokens."""
    bound: Bindings = {}
    end = _match(pattern, given, 0, bound)
    return bound if end == len(given) else None


def _match(pattern: list[Part], given: list[str | Tree], at: int, bound: Bindings) -> int:
    """The place after what fits; -1 where nothing does."""
    for index, part in enumerate(pattern):
        if isinstance(part, Repetition):
            at = _match_rounds(part, given, at, bound, pattern[index + 1 : index + 2])
        elif isinstance(part, Variable):
            end = fragment_end(part.fragment, given, at)
            if end < 0:
                return -1
            bound[part.name] = given[at:end]
            at = end
        elif at >= len(given):
            return -1
        elif isinstance(part, Tree):
            token = given[at]
            if not isinstance(token, Tree) or token.open != part.open:
                return -1
            if _match(part.inside, token.inside, 0, bound) != len(token.inside):  # type: ignore[arg-type]
                return -1
            at += 1
        elif given[at] == part:
            at += 1
        else:
            return -1
        if at < 0:
            return -1
    return at


def _match_rounds(part: Repetition, given: list[str | Tree], at: int, bound: Bindings, after: list[Part]) -> int:
    rounds: list[Bindings] = []
    while at < len(given):
        start = at
        if rounds and part.separator:
            if given[at] != part.separator:
                break
            start = at + 1
        if after and given[at] == after[0] and not part.separator and part.inside[:1] != after[:1]:
            break
        inner: Bindings = {}
        end = _match(part.inside, given, start, inner)
        if end <= at:
            break
        rounds.append(inner)
        at = end
        if part.op == "?":
            break
    if part.op == "+" and not rounds:
        return -1
    for name in _variables(part.inside):
        bound[name] = Repeated([inner[name] for inner in rounds if name in inner])
    return at


def _variables(pattern: list[Part]) -> Iterator[str]:
    for part in pattern:
        if isinstance(part, Variable):
            yield part.name
        elif isinstance(part, Repetition | Tree):
            yield from _variables(part.inside)  # type: ignore[arg-type]


def fragment_end(fragment: str, given: list[str | Tree], at: int) -> int:
    """Where a fragment that begins here ends; -1 where none can begin."""
    token = given[at] if at < len(given) else None
    if fragment == "vis":
        following = given[at + 1] if token == "pub" and at + 1 < len(given) else None
        return at + (token == "pub") + (isinstance(following, Tree) and following.open == "(")
    if token is None:
        return -1
    if fragment == "tt":
        return at + 1
    if fragment == "ident":
        return at + 1 if isinstance(token, str) and re.fullmatch(r"(r#)?[A-Za-z_]\w*", token) else -1
    if fragment == "lifetime":
        return at + 1 if isinstance(token, str) and token[0] == "'" else -1
    if fragment == "literal":
        minus = token == "-"
        literal = given[at + minus] if at + minus < len(given) else ""
        return (
            at + minus + 1 if isinstance(literal, str) and re.match(r"""[\d"']|b?r?#*"|true$|false$""", literal) else -1
        )
    if fragment == "block":
        return at + 1 if isinstance(token, Tree) and token.open == "{" else -1
    if fragment == "item":
        return _item_end(given, at)
    return _run_end(fragment, given, at)


def _item_end(given: list[str | Tree], at: int) -> int:
    while given[at : at + 1] == ["#"]:
        at += 2
    to_semicolon = {"use", "const", "static", "type"} & {
        token for token in given[at : at + 3] if isinstance(token, str)
    }
    for end in range(at, len(given)):
        token = given[end]
        if token == ";" or (
            isinstance(token, Tree) and token.open == "{" and not (to_semicolon and "fn" not in given[at:end])
        ):
            return end + 1
    return -1


def _run_end(fragment: str, given: list[str | Tree], at: int) -> int:
    """Paths, types, expressions, metas: up to what may follow them."""
    stops = {",", ";", "=>"} | (set() if fragment in ("expr", "stmt", "meta") else {"=", "|", "where", "as", ":", ">"})
    depth = 0
    for end in range(at, len(given)):
        token = given[end]
        brace = isinstance(token, Tree) and token.open == "{" and end > at and fragment in ("ty", "path")
        if (not depth and (brace or (isinstance(token, str) and token in stops))) and end > at:
            return end
        if fragment in ("ty", "path"):
            depth += (token == "<") - (token == ">")
    return len(given) if at < len(given) else -1


def expand(body: list[Part], bound: Bindings) -> list[str | Tree]:
    """A body with what its variables stand for."""
    out: list[str | Tree] = []
    for part in body:
        if isinstance(part, Variable):
            value = bound.get(part.name, [])
            out += value if isinstance(value, list) else []
        elif isinstance(part, Repetition):
            out += _rounds(part, bound)
        elif isinstance(part, Tree):
            out.append(Tree(part.open, expand(part.inside, bound)))  # type: ignore[arg-type]
        else:
            out.append(part)
    return out


def _rounds(part: Repetition, bound: Bindings) -> list[str | Tree]:
    repeated = {name: value for name in _variables(part.inside) if isinstance(value := bound.get(name), Repeated)}
    out: list[str | Tree] = []
    for at in range(max((len(value.rounds) for value in repeated.values()), default=0)):
        if out and part.separator:
            out.append(part.separator)
        inner = {name: value.rounds[at] for name, value in repeated.items() if at < len(value.rounds)}
        out += expand(part.inside, {**bound, **inner})
    return out


@dataclass
class Rules:
    """One `macro_rules!`: (pattern, body) each."""

    rules: list[tuple[list[Part], list[Part]]]

    def call(self, text: str) -> str:
        """What a call with these tokens becomes; empty where no rule fits."""
        given = tokens(text)
        for pattern, body in self.rules:
            bound = match(pattern, given)
            if bound is not None:
                return rendered(expand(body, bound))
        return ""


def rules(given: list[tuple[str, str]]) -> Rules:
    """The rules of a macro from its (pattern, body) texts, brackets included."""
    return Rules([(parts(tokens(left[1:-1]), True), parts(tokens(right[1:-1]), False)) for left, right in given])
