"""What every kind of file yields. Facts are a pure function of a file's bytes: no path, no clock, no other file."""

from __future__ import annotations

import msgspec

from slowpath.model.finding import Span


class Allow(msgspec.Struct, array_like=True, frozen=True):
    """An inline `slowpath: allow(rule-id, …) reason` comment."""

    span: Span
    rules: tuple[str, ...]
    reason: str
    own_line: bool
    """The comment stands alone on its line, so it speaks of the next line that is not a comment."""


class Match(msgspec.Struct, array_like=True, frozen=True):
    """A place where the query of a rule page matched; its `where` conditions are asked after link."""

    rule: str
    captures: tuple[tuple[str, Span, str], ...]
    """(capture name, span, text) in source order; `primary` is the place to report."""


class Facts(msgspec.Struct, array_like=True):
    """The part that all kinds share. Each language's facts extend it."""

    allows: list[Allow] = []
    matches: list[Match] = []
    broken: list[Span] = []
    """ERROR nodes: findings that start inside one are dropped."""
