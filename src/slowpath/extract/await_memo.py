"""Functions that keep what they found in a map around them, and look there first."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.awaits import Call

LONG = 6000
LOOKS = (".get()", ".has()")
STORE = re.compile(r"\b([\w.]{1,80})\[[^\]\n]{1,120}\] ?=[^=]")


def remembers(function: Node, calls: list[Call]) -> bool:
    """A map or an object of an outer scope is both looked up and filled."""
    if function.end_byte - function.start_byte > LONG:
        return False
    named = {call.name for call in calls}
    kept = {
        name.removesuffix(".set()")
        for name in named
        if name.endswith(".set()") and any(name.removesuffix(".set()") + look in named for look in LOOKS)
    }
    body = text(function)
    if "] =" in body:
        kept |= {holder for holder in STORE.findall(body) if body.count(f"{holder}[") > 1}
    return any(not _declares(body, holder.partition(".")[0]) for holder in kept)


def _declares(body: str, name: str) -> bool:
    return re.search(rf"\b(?:const|let|var) {re.escape(name)}\b", body) is not None
