"""The arms of `select!` as ordinary statements of the same length, so that offsets stay.

`pattern = future, if condition => body,` becomes `pattern = future;   condition;  body;`
"""

from __future__ import annotations

from slowpath.model.finding import Span

QUOTE, ESCAPE = ord('"'), ord("\\")
OPEN, CLOSE = frozenset(b"([{"), frozenset(b")]}")


def as_statements(inside: bytes) -> tuple[bytes, list[Span]]:
    """The text as statements, and the ranges of the arms' bodies: what stands elsewhere is awaited."""
    text = bytearray(inside)
    bodies: list[Span] = []
    depth, start, body, quoted = 0, 0, -1, False
    for at, char in enumerate(inside):
        if char == QUOTE and inside[at - 1 : at] != b"\\":
            quoted = not quoted
        if quoted:
            continue
        depth += (char in OPEN) - (char in CLOSE)
        if depth:
            continue
        if body < 0 and inside[at : at + 2] == b"=>":
            text[at : at + 2] = b"; "
            if inside[start:at].strip() == b"else":
                text[start:at] = b" " * (at - start)
            body = at + 2
        elif body < 0 and char == ord(",") and inside[at + 1 :].lstrip().startswith(b"if "):
            word = inside.index(b"if", at)
            text[at], text[word : word + 2] = ord(";"), b"  "
        elif body >= 0 and (char == ord(",") or (char == ord("}") and inside[body:].lstrip().startswith(b"{"))):
            if char == ord(","):
                text[at] = ord(";")
            bodies.append((body, at + 1))
            start, body = at + 1, -1
        elif char == ord(",") and not inside[start:at].strip():
            text[at] = ord(" ")
            start = at + 1
    if body >= 0:
        bodies.append((body, len(inside)))
    return bytes(text), bodies
