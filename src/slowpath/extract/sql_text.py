"""SQL text → statements → tokens. Knows strings, comments and dollar quotes of PostgreSQL, MySQL and SQLite.

Texts are decoded as Latin-1 on the way, so that an index into a text is an offset into the file's bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from slowpath.model.finding import Span

QUOTES = r"""--[^\n]*|(?<![A-Za-z0-9_])[eE]'[^'\\]*(?:\\.[^'\\]*)*'|{string}|"[^"]*"|`[^`]*`"""
JUMPS = r"/\*|['\"`]|\$(?:[A-Za-z_]\w*)?\$"
"""What a pattern cannot find the end of: nested comments, dollar quotes, and quotes that nothing closes."""
STRING = r"'[^']*'"
ESCAPED = r"'[^'\\]*(?:\\.[^'\\]*)*'"
RUN = r"{string}(?:[^'\"`;$/#-]*(?<![eE]){string})*"
"""Strings with nothing between them that matters: a row of data is one step."""


def _opening(string: str, more: str = "") -> re.Pattern[str]:
    return re.compile(f"{QUOTES.format(string=string)}{more}|(?P<jump>{JUMPS})|;", re.S)


OPENING = {False: _opening(STRING), True: _opening(ESCAPED, "|#[^\n]*")}
"""By whether the text is MySQL's: what hides a `;`, or is one. A doubled quote reads as two strings side by side."""
IN_RUNS = {
    False: _opening(RUN.format(string=STRING)),
    True: _opening(RUN.format(string=ESCAPED), "|#[^\n]*"),
}
BODY_HEAD = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+){0,3}?(?:TRIGGER|FUNCTION|PROCEDURE)\b", re.I)
BODY_OPEN = re.compile(r"\b(?:BEGIN|CASE)\b", re.I)
BODY_CLOSE = re.compile(r"\bEND\b(?!\s+(?:IF|LOOP|WHILE|REPEAT)\b)", re.I)
COMMENT_EDGE = re.compile(r"/\*|\*/")
SPACE = re.compile(r"(?:\s|\xef\xbb\xbf)+")

BACKTICK = re.compile(r"^(?:[^`\n-]|-(?!-))*`", re.M)


def has_backticks(text: str) -> bool:
    """Names stand in backticks, as MySQL and SQLite allow; those in comments do not count."""
    return "`" in text and _outside_comments(text)


@lru_cache(2)
def _outside_comments(text: str) -> bool:
    return BACKTICK.search(text) is not None


def quoted(text: str, opening: re.Pattern[str]) -> Iterator[Span]:
    """Where comments, strings and quoted names stand, and each `;` between them.

    What nothing closes ends behind the text.
    """
    at = 0
    while at < len(text):
        for found in opening.finditer(text, at):
            if found["jump"] is None:
                yield found.span()
                continue
            at = _past(text, found)
            yield found.start(), at
            break
        else:
            return


def _past(text: str, opening: re.Match[str]) -> int:
    """The end of what a jump opens."""
    if opening[0] == "/*":
        return _past_comment(text, opening.start())
    closing = text.find(opening[0], opening.end()) if opening[0][0] == "$" else -1
    return closing + len(opening[0]) if closing >= 0 else len(text) + 1


def statements(text: str) -> Iterator[Span]:
    """Where each statement begins and ends, without its `;`. A missing last one, and trigger bodies, are understood.

    One that ends inside of a string, a comment or a dollar quote ends behind the text.
    """
    mysql = has_backticks(text)
    start = last = 0
    body: _Body | None = None
    for at, end in quoted(text, IN_RUNS[mysql]):
        last = end
        if text[at] != ";":
            continue
        if body is None:
            start = _first(text, start, at, mysql)
            head = BODY_HEAD.match(text, start, at)
            body = _Body(text, head.end()) if head is not None else None
        if body is None or not body.holds(at):
            if start < at:
                yield start, at
            start, body = end, None
    start = _first(text, start, len(text), mysql)
    if start < len(text) or last > len(text):
        yield min(start, len(text)), max(len(text), last)


def bare(text: str) -> str:
    """The text with blanks for comments and strings: the same length, and only code."""
    parts = []
    last = 0
    for at, end in quoted(text, OPENING[has_backticks(text)]):
        if text[at] not in '"`;':
            parts += [text[last:at], " " * (min(end, len(text)) - at)]
            last = end
    return "".join([*parts, text[last:]])


class _Body:
    """Whether a `;` stands between BEGIN and END of a trigger or routine and so ends nothing."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.counted = start
        self.depth = 0

    def holds(self, end: int) -> bool:
        opened = len(BODY_OPEN.findall(self.text, self.counted, end))
        self.depth += opened - len(BODY_CLOSE.findall(self.text, self.counted, end))
        self.counted = end
        return self.depth > 0


def _find(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)


def _past_comment(text: str, at: int) -> int:
    depth = 0
    for mark in COMMENT_EDGE.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text) + 1


def _first(text: str, start: int, end: int, mysql: bool) -> int:
    """Where the space and the comments end that a statement begins with."""
    while start < end:
        if space := SPACE.match(text, start, end):
            start = space.end()
        elif text.startswith("--", start) or (mysql and text[start] == "#"):
            start = _find(text, "\n", start)
        elif text.startswith("/*", start):
            start = _past_comment(text, start)
        else:
            break
    return min(start, end)


TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<dollar>\$(?:[A-Za-z_]\w*)?\$)
    |[eE]?(?P<string>')
    |(?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    |(?P<word>[A-Za-z_\x80-\xff][\w$\x80-\xff]*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>::|.)""",
    re.X | re.S,
)


WHOLE = re.compile(r"'[^']*(?:''[^']*)*'")
WITH_ESCAPES = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.S)


class Token(tuple[str, str, int, int]):
    """(kind, text, start, end); kinds are word, quoted, string, number and sign."""

    __slots__ = ()


def tokens(text: str, span: Span) -> list[Token]:
    """The tokens of a statement; the text of a string or a quoted name is its content."""
    found = []
    at, end = span
    mysql = "`" in text[at:end] and has_backticks(text)
    while at < end:
        match = TOKEN.match(text, at, end)
        if match is None:
            break
        kind = match.lastgroup or ""
        last = match.end()
        if kind == "comment":
            last = _past_comment(text, at)
        elif kind == "dollar":
            last = _find(text, match[0], last)
            found.append(Token(("string", text[match.end() : last - len(match[0])], at, last)))
        elif kind == "string":
            pattern = WITH_ESCAPES if mysql or match[0] != "'" else WHOLE
            string = pattern.match(text, last - 1, end)
            last = string.end() if string else end
            found.append(Token(("string", text[match.end() : last - 1], at, last)))
        elif kind == "quoted":
            found.append(Token(("quoted", match[0][1:-1].replace('""', '"'), at, last)))
        elif kind != "skip":
            found.append(Token((kind, match[0], at, last)))
        at = last
    return found


def _quoted(token: Token) -> str:
    text = token[1].encode("latin-1", "replace").decode("utf-8", "replace")
    return text if token[0] != "quoted" else '"' + text.replace('"', '""') + '"'


class Cursor:
    """A position in a list of tokens."""

    def __init__(self, items: list[Token]) -> None:
        self.items = items
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """An unquoted word in capitals, or a sign; anything else reads as nothing."""
        at = self.at + ahead
        if at >= len(self.items):
            return ""
        token = self.items[at]
        kind = token[0]
        return token[1].upper() if kind == "word" else token[1] if kind == "sign" else ""

    def done(self) -> bool:
        return self.at >= len(self.items)

    def accept(self, *words: str) -> bool:
        """Step over these words if they come next."""
        for number, word in enumerate(words):
            if self.peek(number) != word:
                return False
        self.at += len(words)
        return True

    def skip(self) -> None:
        """Step over one token, or over a parenthesis and all that it holds."""
        if self.peek() == "(":
            self.group()
        else:
            self.at += 1

    def ident(self) -> str:
        """One identifier in lower case, or nothing."""
        if self.at >= len(self.items) or self.items[self.at][0] not in ("word", "quoted"):
            return ""
        self.at += 1
        name = self.items[self.at - 1][1].lower()
        return name if name.isascii() else name.encode("latin-1", "replace").decode("utf-8", "replace")

    def written(self, first: int) -> str:
        """The name from token `first` to here as SQL, if it is more than what `name` or `ident` makes of it."""
        items = self.items[first : self.at]
        plain = all(kind == "word" and text == text.lower() and text.isascii() for kind, text, _, _ in items)
        if plain and len(items) == 1:
            return ""
        return "".join(_quoted(item) for item in items)

    def name(self) -> str:
        """A name that a schema may precede; `public` and `main` go without saying."""
        parts = [self.ident()]
        while parts[-1] and self.accept("."):
            parts.append(self.ident())
        if len(parts) > 1 and parts[0] in ("public", "main"):
            del parts[0]
        return ".".join(parts[-2:])

    def names(self) -> list[str]:
        """Names between commas."""
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        return [name for name in found if name]

    def group(self) -> list[Cursor]:
        """Step over a parenthesis; what it holds, split at its own commas."""
        depth, first = 0, self.at
        while self.at < len(self.items):
            sign = self.peek()
            self.at += 1
            depth += (sign == "(") - (sign == ")")
            if depth == 0:
                return Cursor(self.items[first + 1 : self.at - 1]).commas()
        return Cursor(self.items[first + 1 :]).commas()

    def commas(self) -> list[Cursor]:
        """The rest, split at the commas outside of parentheses."""
        parts: list[list[Token]] = [[]]
        depth = 0
        for item in self.items[self.at :]:
            sign = item[1] if item[0] == "sign" else ""
            depth += (sign in ("(", "[")) - (sign in (")", "]"))
            if sign == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(item)
        self.at = len(self.items)
        return [Cursor(part) for part in parts if part]

    def span(self, first: int = 0) -> Span:
        """The bytes from token number `first` to the one before the position."""
        last = max(self.at - 1, first)
        return self.items[first][2], self.items[min(last, len(self.items) - 1)][3]
