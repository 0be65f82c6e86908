"""Under which features an item is compiled: `#[cfg(..)]` as a set of alternatives, each a set of features."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

Gate = frozenset[frozenset[str]]
"""Alternatives; one of them must hold in full. `!x`: compiled only where x is off."""

ALWAYS: Gate = frozenset({frozenset()})
NEVER: Gate = frozenset()
UNSEEN = {"test", "doc", "docsrs", "doctest", "doc_cfg", "fuzzing", "loom", "miri", "rustdoc", "dox"}
"""Switches that nobody's build has on."""

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|(r#)?([A-Za-z_]\w*)|"([^"]*)"|([(),=])', re.S)
MOST = 200
"""Alternatives beyond which a gate is cut: only hostile source has more."""


def either(gates: Iterable[Gate]) -> Gate:
    """Any of these; what another alternative contains is left out."""
    found: list[frozenset[str]] = []
    for clause in sorted(
        {clause for gate in gates for clause in gate}, key=lambda clause: (len(clause), sorted(clause))
    ):
        if not any(other <= clause for other in found):
            found.append(clause)
    return frozenset(found[:MOST])


def both(left: Gate, right: Gate) -> Gate:
    """Both hold."""
    if left == ALWAYS or right == NEVER:
        return right
    if right == ALWAYS or left == NEVER:
        return left
    joined = (one | other for one in left for other in right)
    return either([frozenset(clause for clause in joined if not any(f"!{name}" in clause for name in clause))])


def opposite(gate: Gate) -> Gate:
    """It does not hold; features that must be off come back as `!x`, those that must be on are forgotten."""
    if gate in (ALWAYS, NEVER):
        return ALWAYS
    result = ALWAYS
    for clause in gate:
        result = both(result, frozenset(frozenset({name[1:] if name[0] == "!" else f"!{name}"}) for name in clause))
    return result


def _tokens(text: str) -> Iterator[str]:
    for found in TOKEN.finditer(text):
        word, string, mark = found.group(2), found.group(3), found.group(4)
        if word is not None or mark is not None:
            yield word or mark
        elif string is not None:
            yield f'"{string}'


def parse(text: str) -> Gate:
    """A cfg predicate: `feature = "x"`, `all(..)`, `any(..)`, `not(..)`; other switches count as on."""
    return _predicate(list(_tokens(text)))


def _predicate(tokens: list[str]) -> Gate:
    """Reads one predicate from the front of the tokens."""
    if not tokens:
        return ALWAYS
    word = tokens.pop(0)
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        parts = []
        while tokens and tokens[0] != ")":
            parts.append(_predicate(tokens))
            if tokens and tokens[0] == ",":
                tokens.pop(0)
        if tokens:
            tokens.pop(0)
        return _combined(word, parts)
    if len(tokens) > 1 and tokens[0] == "=":
        tokens.pop(0)
        value = tokens.pop(0)[1:]
        return frozenset({frozenset({value})}) if word == "feature" else ALWAYS
    return NEVER if word in UNSEEN else ALWAYS


def _combined(word: str, parts: list[Gate]) -> Gate:
    if word == "any":
        return either(parts)
    if word == "not":
        return opposite(parts[0]) if parts else ALWAYS
    result = ALWAYS
    for part in parts if word == "all" else []:
        result = both(result, part)
    return result


def cfg_attributes(text: str) -> Iterator[str]:
    """The predicates of all `#[cfg(..)]` in a piece of source."""
    for found in re.finditer(r"#!?\s*\[\s*cfg\s*\(", text):
        yield balanced(text, found.end())


def balanced(text: str, start: int) -> str:
    """The text from here to the bracket that closes the one before it."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if not depth:
            return text[start:at]
    return text[start:]


def closure(features: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """The features that these switch on, themselves included."""
    found: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name in found or name not in features:
            continue
        found.add(name)
        open_names += [value.partition("/")[0] for value in features[name] if "?" not in value]
    return found
