"""What is wrong with a rule page that somebody wrote: the first thing, in one line; nothing where it can run."""

from __future__ import annotations

import re
import string
from typing import Any, Literal, get_args, get_origin

import msgspec

from slowpath.model.rule import Rule

CONDITIONS = {"resolves-to": 2, "matches": 2, "not-matches": 2, "not-in-test": 0}
"""The `where` conditions that `slowpath.query` knows, and how many arguments each takes."""
REACH_FIELDS = ("path", "function", "sink", "does", "cost", "instead", "entry", "runs", "more", "call")
"""What a message of a reach page can say; `call` of a call on the way, which a page of `per-call` has not."""
ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAME = r"[A-Za-z_]\w*"
PATTERN = re.compile(
    rf"!?(?:\.{NAME}(?:\({NAME}(?:::{NAME})*\))?|connection\.{NAME}|(?:\*|{NAME})(?:::(?:\*|{NAME}\*?))+)"
)
"""What `program.paths` understands."""
WORDS = {"array": "a list", "str": "text", "object": "a table", "int": "a number", "bool": "true or false"}


def problem(rule: Rule) -> str:
    """What is wrong with a page that reads."""
    found = _id(rule) or _kind(rule)
    if not found and rule.reach is not None:
        found = _patterns(rule)
    if not found and rule.query:
        found = _query(rule) or _where(rule)
    return found or _message(rule)


def _id(rule: Rule) -> str:
    told = f"the file's name is the rule's id: lower-case words joined by -, not {rule.id}"
    return "" if ID.fullmatch(rule.id) else told


def _kind(rule: Rule) -> str:
    if rule.query and rule.reach is not None:
        return "a page has a query or a [reach] table, not both"
    if rule.where and not rule.query:
        return "where: only a page with a query has conditions; a [reach] page says it with context and barriers"
    if rule.page.count("\n```query") > 1:
        return "two query fences: write all patterns into one, one after the other"
    return ""


def _patterns(rule: Rule) -> str:
    assert rule.reach is not None
    if not any(kind.sinks for kind in rule.reach.sink_kinds):
        return "[reach]: no sinks: `sinks = [..]`, or [[reach.kinds]] with sinks each"
    for pattern in (*(sink for kind in rule.reach.sink_kinds for sink in kind.sinks), *rule.reach.barriers):
        if not PATTERN.fullmatch(pattern):
            return f"[reach]: {pattern!r} is no pattern of calls: a::b, a::*, *::Type::method, .method, .method(Type)"
    return ""


def _query(rule: Rule) -> str:
    from slowpath.extract.queries import FAMILIES, check

    if rule.language not in FAMILIES:
        return f"language: {rule.language!r} is none of {', '.join(FAMILIES)}"
    if "match?" in rule.query:
        return (
            'query: a regular expression can hang a scan: where = [["matches", "capture", "glob*"]] instead of #match?'
        )
    for grammar in FAMILIES[rule.language]:
        found = check(grammar, rule.query)
        if found:
            found = re.sub(r"at row (\d+), column \d+", lambda row: f"in its line {int(row[1]) + 1}", found)
            return f"query, read as {grammar}: {found}"
    return ""


def _where(rule: Rule) -> str:
    named = _captured(rule)
    for name, *arguments in rule.where:
        if name not in CONDITIONS:
            return f"where: no condition {name!r} (known: {', '.join(sorted(CONDITIONS))})"
        if len(arguments) != CONDITIONS[name]:
            wanted = CONDITIONS[name]
            return f"where: {name} takes {wanted} argument{'s' * (wanted != 1)} after its name, not {len(arguments)}"
        if arguments and arguments[0] not in named:
            return f"where: {name}: the query captures no @{arguments[0]} (it captures {_listed(named)})"
    return ""


def _message(rule: Rule) -> str:
    known: tuple[str, ...] = REACH_FIELDS if rule.reach is not None else ()
    if rule.reach is not None and rule.reach.context == "per-call":
        known = known[:-1]
    if rule.query:
        known = tuple(sorted({*_captured(rule), "function"}))
    try:
        fields = list(string.Formatter().parse(rule.message))
    except ValueError as error:
        return f"message: {error} (a brace of its own is written twice)"
    for _, field, form, conversion in fields:
        if field is not None and field not in known:
            return f"message: no field {{{field}}} (known: {', '.join(known)})"
        if form or conversion:
            return f"message: {{{field}}} takes neither a format nor a conversion"
    return ""


def _captured(rule: Rule) -> frozenset[str]:
    from slowpath.extract.queries import FAMILIES, captures

    return captures(FAMILIES[rule.language][0], rule.query)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"@{name}" for name in sorted(names))


def front_matter(error: msgspec.ValidationError, front: type[msgspec.Struct]) -> str:
    """What is wrong with a key of the front matter, with what would be right."""
    words, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    owner = _owner(front, path)
    at = f"{path}: " if path else ""
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", words):
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(owner))
        return f"{at}unknown key {unknown[1]} (known: {known})"
    if missing := re.fullmatch(r"Object missing required field `(.*)`", words):
        return f"{at}the key {missing[1]} is missing"
    if wrong := re.fullmatch(r"Invalid enum value '(.*)'", words):
        return f"{at}'{wrong[1]}' is none of {', '.join(_choices(owner))}"
    if mixed := re.fullmatch(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`", words):
        hint = ', as in where = [["not-in-test"]]' if path.startswith("where[") else ""
        return f"{at}expected {WORDS.get(mixed[1], mixed[1])}, got {WORDS.get(mixed[2], mixed[2])}{hint}"
    return f"{at}{words}"


def _owner(kind: Any, path: str) -> Any:
    """The type that stands at a path of a struct."""
    for name in re.findall(r"[\w-]+(?![\w-]*\])", path):
        struct = _struct(kind)
        kind = next((field.type for field in msgspec.structs.fields(struct) if field.encode_name == name), struct)
    return _struct(kind) or kind


def _struct(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for part in get_args(kind) if (found := _struct(part)) is not None), None)


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    return next((found for part in get_args(kind) if (found := _choices(part))), ())
