"""What fixes change, as `git apply` and `patch` read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff

Texts = Mapping[str, bytes]

QUOTED = re.compile(rb'["\\\x00-\x1f\x7f]')
"""In a name, what git and patch read only in quotes."""
ESCAPES = {b'"': '\\"', b"\\": "\\\\", b"\t": "\\t", b"\n": "\\n", b"\r": "\\r"}


def diff(old: Texts, new: Texts) -> str:
    """Paths are relative to the project: it applies in its folder, a repository or not, with `-p1`."""
    return "".join(line for path in sorted(new) for line in _diff(path, old.get(path), new[path]))


def _diff(path: str, old: bytes | None, new: bytes) -> Iterator[str]:
    before = "/dev/null" if old is None else _name(f"a/{path}")
    for line in unified_diff(_lines(old or b""), _lines(new), before, _name(f"b/{path}")):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _name(path: str) -> str:
    """A path of a header; a tab ends one that has a space in it."""
    raw = path.encode("utf-8", "surrogateescape")
    if QUOTED.search(raw):
        text = QUOTED.sub(lambda found: ESCAPES.get(found[0], f"\\{found[0][0]:03o}").encode(), raw)
        return f'"{text.decode("utf-8", "surrogateescape")}"'
    return f"{path}\t" if " " in path else path


def _lines(text: bytes) -> list[str]:
    lines = text.decode("utf-8", "replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
