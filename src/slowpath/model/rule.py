"""A rule page as a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from slowpath.model.finding import Confidence, Finding, Fix, Place, Saving, Severity, Step
from slowpath.model.limiter import Limiter

Kind = Literal["query", "reach", "check", "allow"]
"""`allow` is about the comments that silence findings: `suppress` knows these few."""


Effort = Literal["hour", "day", "design"]
"""What it takes to mend a finding: an hour at one place, a day over several, or a change of what callers see."""


class SinkKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that have a page's effect in one way. `does`, `cost` and `instead` fill the message."""

    sinks: tuple[str, ...]
    name: str = ""
    does: str = ""
    cost: str = ""
    instead: str = ""
    severity: Severity | None = None
    confidence: Confidence = "high"
    literals: tuple[str, ...] = ()
    """Where given, only calls whose first argument is a literal that starts with one of these."""
    near: bool = False
    """Only sure where an entry stands at most one call above; from further away it takes a guess at what varies."""
    constant: bool = False
    """Only calls that are given nothing but literals and constants."""


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An effect reaches a context with no barrier between. `sinks` stand for a single kind without words of its own."""

    effect: str
    context: Literal["async", "handler", "loop", "per-call"]
    sinks: tuple[str, ...] = ()
    kinds: tuple[SinkKind, ...] = ()
    barriers: tuple[str, ...] = ()

    @property
    def sink_kinds(self) -> tuple[SinkKind, ...]:
        """All kinds, dearest first."""
        plain = SinkKind(self.sinks, constant=self.context == "per-call")
        return (*self.kinds, plain) if self.sinks else self.kinds


class Rule(msgspec.Struct, frozen=True):
    """One page of `rules/`. `message` is a template; `{name}` is filled from what the check hands over."""

    id: str
    title: str
    kind: Kind
    severity: Severity
    confidence: Confidence
    message: str
    page: str
    """The whole Markdown text below the front matter."""
    path: str
    group: str
    """The folder of the page: rust, diesel, cargo, typescript …"""
    enabled: bool = True
    why: str = ""
    instead: str = ""
    limits: str = ""
    language: str = ""
    query: str = ""
    where: tuple[tuple[str, ...], ...] = ()
    reach: Reach | None = None
    effort: Effort = "day"
    """Of a finding without a fix."""
    relieves: tuple[Limiter, ...] = ()
    """What has more room once a finding is mended."""
    settings: dict[str, Any] = {}
    """The page's `[data]` table: knowledge that a check needs, kept where users can read it."""

    def finding(
        self,
        place: Place,
        *,
        function: str = "",
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        message: str | None = None,
        flow: tuple[Step, ...] | list[Step] = (),
        related: tuple[Step, ...] | list[Step] = (),
        fix: Fix | None = None,
        saves: Saving | None = None,
        words: Mapping[str, str] = {},
        **fields: object,
    ) -> Finding:
        """A finding of this rule; `words` and `fields` fill the template (`message` replaces the page's own)."""
        template = self.message if message is None else message
        return Finding(
            rule=self.id,
            place=place,
            severity=severity or self.severity,
            confidence=confidence or self.confidence,
            message=template.format(function=function, **words, **fields),
            function=function,
            flow=tuple(flow),
            related=tuple(related),
            fix=fix,
            saves=saves,
        )
