"""The tokens of Rust source as `macro_rules!` sees them, and how far each kind of fragment reaches."""

from __future__ import annotations

import re
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
