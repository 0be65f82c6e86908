"""Which .sql files are migrations, and in what order: the layouts of diesel, sqlx, refinery and their kin."""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBERED = re.compile(r"^(\d[\d-]{0,40})(?:$|[_. ]|(?<=-)\D)")
"""sqlx and most runners written by hand; dates may have hyphens."""
VERSIONED = re.compile(r"^[VU](\d{1,20}(?:[._]\d{1,20}){0,5})__")
"""refinery and flyway: told by the name alone, wherever the folder is."""
UNDONE = re.compile(r"[._-](?:down|undo|revert|rollback)$", re.I)

Order = tuple[tuple[int, ...], str]


class Version(NamedTuple):
    """A migration's folder, and its place in there. `diesel`: a directory of its own with an up.sql."""

    folder: str
    order: Order
    diesel: bool = False


def version(path: str) -> Version | None:
    """What a path says of a migration, or nothing where the file is none."""
    folder, _, name = path.rpartition("/")
    if name == "up.sql":
        root, _, directory = folder.rpartition("/")
        number = directory.partition("_")[0].replace("-", "").strip()
        named = number[:1].isdigit() or (bool(directory) and "migration" in root.lower())
        return Version(root, ((0,), number), True) if named else None
    stem = name.removesuffix(".sql")
    if UNDONE.search(stem):
        return None
    versioned = VERSIONED.match(stem)
    if versioned is not None:
        return Version(folder, (tuple(int(part) for part in re.split(r"[._]", versioned[1])), ""))
    numbered = NUMBERED.match(stem) if "migration" in folder.lower() else None
    return Version(folder, ((int(numbered[1].replace("-", "")),), "")) if numbered is not None else None
