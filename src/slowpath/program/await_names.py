"""What the name of an awaited call promises: a read, a write, something to wait for, or nothing.

The words stand in `await_names.toml`. A name is a fallback for callees that cannot be read, and the last word on
verbs of libraries.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from slowpath.model.awaits import Call

Kind = Literal["read", "write", "barrier", "instant", "unknown"]

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
HTTP: dict[str, Kind] = {"get": "read", "head": "read", "?": "unknown", "options": "read"}
SQL_READS = frozenset(("select", "with", "show", "explain"))
SQL_BARRIERS = frozenset(("begin", "start", "commit", "rollback", "savepoint", "lock", "set"))


@cache
def vocabulary() -> dict[str, Any]:
    """The table, lists as sets."""
    with (Path(__file__).parent / "await_names.toml").open("rb") as file:
        table = tomllib.load(file)
    return {key: frozenset(value) if isinstance(value, list) else value for key, value in table.items()}


@cache
def quiet_path(path: str) -> bool:
    """Tests, generated code and the like, by path."""
    return re.search(vocabulary()["files"]["quiet"], path) is not None


@cache
def once_path(path: str) -> bool:
    """Command lines and one-off maintenance, by path."""
    return re.search(vocabulary()["files"]["once"], path) is not None


def parts(name: str) -> list[str]:
    """`a.b().c` → `a`, `b()`, `c`."""
    return name.replace("[]", "").split(".")


def root(name: str) -> str:
    """What the callee starts from; for `this.page.x()`, `page`."""
    first, *rest = parts(name)
    return rest[0].removesuffix("()") if first == "this" and len(rest) > 1 else first.removesuffix("()")


def verb(name: str) -> str:
    """The last thing called: `find` of `db.user.find()`."""
    called = [part for part in parts(name) if part.endswith("()")]
    return called[-1].removesuffix("()") if called else ""


@cache
def words(name: str) -> tuple[str, ...]:
    """`findOneAndUpdate` → find, one, and, update."""
    return tuple(word.lower() for word in WORD.findall(name))


@cache
def kind_of(call: Call) -> Kind:
    """What the call does, as far as its name and its literal hint say."""
    table = vocabulary()
    if not call.name:
        return "instant"
    if call.name.startswith("new "):
        return "barrier"
    if call.hint:
        hinted = _hinted(call.hint)
        if hinted:
            return hinted
    last = verb(call.name)
    alone = "." not in call.name
    if call.name == "import()":
        return "read"
    if last in table["instant"]:
        return "instant"
    if root(call.name) in table["ordered"] or (alone and last in table["asks"]):
        return "barrier"
    for part in parts(call.name)[:-1]:
        if part.endswith("()") and (found := _exact(part.removesuffix("()"))):
            return found
    found = _worded(last)
    earlier = {part.removesuffix("()") for part in parts(call.name)[:-1] if part.endswith("()")}
    return "read" if found != "write" and earlier & table["reads"] else found


def _hinted(hint: str) -> Kind | None:
    if hint in HTTP:
        return HTTP[hint]
    if hint in SQL_READS:
        return "read"
    return "barrier" if hint in SQL_BARRIERS else "write"


def _exact(part: str) -> Kind | None:
    """A builder's own verb before the last call: `insert` in `db.insert(t).values(v)`."""
    return (
        "write"
        if part in ("insert", "update", "delete", "upsert", "create", "remove", "set", "values", "del")
        else None
    )


def _worded(name: str) -> Kind:
    table = vocabulary()
    spelled = list(words(name))
    while len(spelled) > 1 and spelled[0] in table["skipped"]:
        del spelled[0]
    if not spelled:
        return "unknown"
    joined = [after for before, after in pairwise(spelled) if before in ("or", "and", "then")]
    whole = name.lower()
    if whole in table["reads"] or whole in table["writes"]:
        return "read" if whole in table["reads"] else "write"
    if spelled[0] in table["barriers"]:
        return "barrier"
    again = spelled[0].removeprefix("re")
    if {spelled[0], again} & table["writes"] or any(word in table["writes"] for word in joined):
        return "write"
    if spelled[0] in table["reads"]:
        if spelled[0] in ("get", "use") and len(spelled) > 1 and spelled[-1] in table["handles"]:
            return "instant"
        return "write" if spelled[1:2] == ["next"] else "read"
    return "unknown"


def mentions(names: tuple[str, ...], words_: frozenset[str]) -> bool:
    """One of the calls is named by one of the words, whole or as its first word."""
    return any((last := verb(name)) in words_ or (words(last)[:1] or ("",))[0] in words_ for name in names)
