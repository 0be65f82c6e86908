"""Random edits of a project, as people make them and as they should not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

from slowpath.session import Session

CALLS = {
    ".rs": ("std::thread::sleep(d);", "let x = std::fs::read(p).unwrap();", "tokio::spawn(async move { go().await });"),
    ".ts": (
        "await fetch(`/items/${id}`);",
        "items.forEach(async (item) => { await save(item); });",
        "useMemo(() => 1, []);",
    ),
    ".toml": ('tokio = { version = "1", features = ["full"] }', "[profile.release]\ndebug = true", "opt-level = 0"),
    ".sql": ("CREATE INDEX a ON orders (id);", "ALTER TABLE orders ADD COLUMN z INT NOT NULL;", "DROP TABLE orders;"),
    ".json": ('"sideEffects": false,', '"paths": {"@/*": ["./src/*"]},'),
}
FUNCTION = re.compile(rb"\b(fn|function|const|mod|struct)\s+(\w+)")


def suffix(path: str) -> str:
    end = "." + path.rpartition(".")[2]
    return ".ts" if end in (".tsx", ".js", ".jsx", ".mjs", ".mts") else end


def lines(text: bytes) -> list[bytes]:
    return text.split(b"\n")


def insert(text: bytes, path: str, dice: random.Random) -> bytes:
    own = lines(text)
    at = dice.randrange(len(own))
    said = dice.choice(CALLS.get(suffix(path), ("RUN cargo build",)))
    return b"\n".join([*own[:at], said.encode(), *own[at:]])


def comment(text: bytes, path: str, dice: random.Random) -> bytes:
    own = lines(text)
    at = dice.randrange(len(own))
    sign = {".sql": "--", ".toml": "#"}.get(suffix(path), "//")
    said = dice.choice(
        ["note", "slowpath: allow(blocking-in-async) why", "", "slowpath: allow(query-client-per-render)"]
    )
    return b"\n".join([*own[:at], f"{sign} {said}".encode(), *own[at:]])


def blank(text: bytes, path: str, dice: random.Random) -> bytes:
    own = lines(text)
    at = dice.randrange(len(own))
    return b"\n".join([*own[:at], b"", *own[at:]])


def rename(text: bytes, path: str, dice: random.Random) -> bytes:
    found = list(FUNCTION.finditer(text))
    if not found:
        return text
    name = dice.choice(found)[2]
    return (
        re.sub(rb"\b" + name + rb"\b", name + b"_2", text) if dice.random() < 0.5 else text.replace(name, b"other", 1)
    )


def cut(text: bytes, path: str, dice: random.Random) -> bytes:
    own = lines(text)
    at = dice.randrange(len(own))
    return b"\n".join([*own[:at], *own[at + dice.randint(1, 4) :]])


def double(text: bytes, path: str, dice: random.Random) -> bytes:
    own = lines(text)
    at = dice.randrange(len(own))
    few = own[at : at + dice.randint(1, 30)]
    return b"\n".join([*own[:at], *few, *few, *own[at + len(few) :]])


def damage(text: bytes, path: str, dice: random.Random) -> bytes:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice([b"{", b"}", b"(", b'"', b"<", b"\xff", b"fn ", b"await "]) + text[at:]


def change(text: bytes, path: str, dice: random.Random) -> bytes:
    words = list(re.finditer(rb"[A-Za-z_]\w+", text))
    if not words:
        return text
    one, other = dice.choice(words), dice.choice(words)
    return text[: one.start()] + other[0] + text[one.end() :]


EDITS: tuple[Callable[[bytes, str, random.Random], bytes], ...] = (
    *(insert, comment, blank, rename, cut, double, damage, change),
)


def step(session: Session, root: Path, dice: random.Random) -> None:
    """One to three edits: in an editor, or on disk."""
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        path, _, text = dice.choice(session.texts().files)
        chance = dice.random()
        if chance < 0.7:
            session.hold(path, dice.choice(EDITS)(text, path, dice))
        elif chance < 0.8:
            session.hold(path, None)
        elif chance < 0.87:
            session.hold(f"{path.rpartition('.')[0]}_2.{path.rpartition('.')[2]}", text)
        else:
            target = root / path
            if chance < 0.93 and target.exists():
                target.unlink()
            else:
                target.write_bytes(dice.choice(EDITS)(text, path, dice))
            session.reload()
