"""SQL text → statements → tokens. Knows strings, comments and dollar quotes of PostgreSQL, MySQL and SQLite.

Texts are decoded as Latin-1 on the way, so that an index into a text is an offset into the file's bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Span

OPENING = re.compile(r"--|/\*|'|\"|`|#|\$(?:[A-Za-z_]\w*)?\$|;")
BODY_HEAD = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+){0,3}?(?:TRIGGER|FUNCTION|PROCEDURE)\b", re.I)
BODY_OPEN = re.compile(r"\b(?:BEGIN|CASE)\b", re.I)
BODY_CLOSE = re.compile(r"\bEND\b(?!\s+(?:IF|LOOP|WHILE|REPEAT)\b)", re.I)
STRING = re.compile(r"'[^']*(?:''[^']*)*'")
ESCAPED = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.S)


BACKTICK = re.compile(r"^(?:[^`\n-]|-(?!-))*`", re.M)


def has_backticks(text: str) -> bool:
    """Names stand in backticks, as MySQL and SQLite allow; those in comments do not count."""
    return "`" in text and BACKTICK.search(text) is not None


def statements(text: str) -> Iterator[Span]:
    """Where each statement begins and ends, without its `;`. A missing last one, and trigger bodies, are understood."""
    mysql = has_backticks(text)
    start, at = 0, 0
    body = _Body(text)
    while True:
        opening = OPENING.search(text, at)
        if opening is None:
            break
        at = _past(text, opening, mysql)
        if opening[0] == ";" and not body.holds(start, opening.start()):
            yield from _trimmed(text, start, opening.start(), mysql)
            start = at
            body = _Body(text)
    yield from _trimmed(text, start, len(text), mysql)


class _Body:
    """Whether a `;` stands between BEGIN and END of a trigger or procedure and so ends nothing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.counted = -1
        self.depth = 0

    def holds(self, start: int, end: int) -> bool:
        if self.counted < 0:
            head = BODY_HEAD.search(self.text, start, min(end, start + 2000))
            if head is None:
                return False
            self.counted = head.end()
        opened = len(BODY_OPEN.findall(self.text, self.counted, end))
        self.depth += opened - len(BODY_CLOSE.findall(self.text, self.counted, end))
        self.counted = end
        return self.depth > 0


def _past(text: str, opening: re.Match[str], mysql: bool) -> int:
    """The end of what an opening mark opens."""
    mark, at = opening[0], opening.start()
    if mark == ";":
        return opening.end()
    if mark == "--" or mark == "#":
        if mark == "#" and not mysql:
            return opening.end()
        return _find(text, "\n", at)
    if mark == "/*":
        return _past_comment(text, at)
    if mark == "'":
        escaped = mysql or (at > 0 and text[at - 1] in "eE" and not text[at - 2 : at - 1].isalnum())
        string = (ESCAPED if escaped else STRING).match(text, at)
        return string.end() if string else len(text)
    return _find(text, mark, opening.end())


def _find(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)


def _past_comment(text: str, at: int) -> int:
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _trimmed(text: str, start: int, end: int, mysql: bool) -> Iterator[Span]:
    """The statement without the space and comments before it, if anything is left."""
    while start < end:
        if text[start].isspace():
            start += 1
        elif text.startswith("--", start) or (mysql and text[start] == "#"):
            start = _find(text, "\n", start)
        elif text.startswith("/*", start):
            start = _past_comment(text, start)
        else:
            yield start, end
            return


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
            pattern = ESCAPED if mysql or match[0] != "'" else STRING
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
        if self.at + ahead >= len(self.items):
            return ""
        kind, text, _, _ = self.items[self.at + ahead]
        return text.upper() if kind == "word" else text if kind == "sign" else ""

    def done(self) -> bool:
        return self.at >= len(self.items)

    def accept(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if all(self.peek(number) == word for number, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

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
