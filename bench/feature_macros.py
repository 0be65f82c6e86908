"""Expands a crate's own `macro_rules!`, as far as items need it: tokens in, source out. Never raises on odd macros."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from feature_tokens import Tree, fragment_end, rendered, tokens


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
