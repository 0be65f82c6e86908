"""What a rule says: a place, why, the path that proves it, and perhaps a fix. Positions are bytes; writers convert."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

Span = tuple[int, int]
"""Half-open range of byte offsets in one file."""

Severity = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]

SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


def weakest(*confidences: Confidence) -> Confidence:
    """The lowest of the given confidences: a chain is as sure as its weakest edge."""
    return min(confidences, key=CONFIDENCES.index)


def less_sure(confidence: Confidence) -> Confidence:
    """One step down."""
    return CONFIDENCES[max(0, CONFIDENCES.index(confidence) - 1)]


class Place(msgspec.Struct, frozen=True):
    """A range of bytes in a file. `path` is relative to the project root, with forward slashes."""

    path: str
    span: Span


class Step(msgspec.Struct, frozen=True):
    """One hop of a proof, or another site of the same finding."""

    place: Place
    message: str
    site: bool = False
    """Alone it would be a finding: it is one of several calls that a function's one finding counts."""


class Edit(msgspec.Struct, frozen=True):
    """Replace the bytes of `place` by `text`; at (0, 0) of a path that does not exist, create that file."""

    place: Place
    text: str


BARE_END = re.compile(r"(?<!\r)\n")


def edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    """A text with edits of it that do not overlap; what they bring has the ends of lines that the text has."""
    parts, at = [], 0
    end_of_line = "\r\n" if 0 < text.count(b"\n") == text.count(b"\r\n") else "\n"
    for edit in sorted(edits, key=lambda edit: edit.place.span):
        start, end = edit.place.span
        parts += [text[at:start], BARE_END.sub(end_of_line, edit.text).encode()]
        at = end
    return b"".join([*parts, text[at:]])


class Fix(msgspec.Struct, frozen=True):
    """Edits that belong together. `safe` means proven to keep behaviour."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


class Saving(msgspec.Struct, frozen=True):
    """What leaves the dependency tree with the change that a finding asks for."""

    crates: tuple[tuple[str, str], ...]
    """(name, version), sorted."""
    lines: int | None = None
    """Lines of Rust in those whose sources are at hand."""
    exact: bool = True
    """False for an upper bound: some are needed on other platforms only, or something else may keep them."""
    tests_keep: bool = False
    """They leave the builds of the product; those of its tests still need them."""


Status = Literal["confirmed", "ambiguous", "cheap", "not-exercised", "contradicted"]
STATUSES: tuple[Status, ...] = ("confirmed", "ambiguous", "cheap", "not-exercised", "contradicted")
"""Those that cost most, or may, first."""


class Measured(msgspec.Struct, frozen=True):
    """What the running system says of a finding."""

    status: Status
    summary: str
    """One sentence with the figures."""
    ms_per_request: float | None = None
    """Of the route that it costs most."""
    share: float | None = None
    """0 to 1: of the work of all requests at the knee."""
    calls_per_request: float | None = None
    route: str = ""
    path: tuple[str, ...] = ()
    """Route → handler → function → statement, a line each."""
    statements: tuple[str, ...] = ()
    """Ids; more than one where it is ambiguous which it is."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that a user would fix.

    `flow` is the proof, outermost step first; `related` are further sites of the same finding. `function` names the
    enclosing definition, as the fingerprint and the reports show it.
    """

    rule: str
    place: Place
    severity: Severity
    confidence: Confidence
    message: str
    function: str = ""
    flow: tuple[Step, ...] = ()
    related: tuple[Step, ...] = ()
    fix: Fix | None = None
    routes: tuple[str, ...] = ()
    """Endpoints that lead to the place (`GET /orders`), those that list first."""
    saves: Saving | None = None
    measured: Measured | None = None
    """With `--evidence` only."""


def impact(finding: Finding) -> tuple[int, float, float]:
    """Sorts findings by what they cost the running system, most first; those that were not measured come after
    the ones that may cost something, and before those that cost nothing there.
    """
    measured = finding.measured
    rank = STATUSES.index(measured.status) if measured is not None else STATUSES.index("ambiguous")
    share = (measured.share or 0.0) if measured is not None else 0.0
    spent = (measured.ms_per_request or 0.0) if measured is not None else -1.0
    return rank, -share, -spent


class Trouble(msgspec.Struct, frozen=True):
    """Something that kept part of the input from being read. `line` is 1-based, 0 where the whole file is meant."""

    path: str
    line: int
    message: str
    internal: bool = False
    """A fault of slowpath's own, not of the input."""
