"""Findings' fixes: which can be applied together, and the texts with them. `fix_diff` shows, `fix_files` writes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping

from slowpath.model.finding import Edit, Fix, edited
from slowpath.model.report import Report

Texts = Mapping[str, bytes]

VERSION = re.compile(r"(?:.*/)?\d[\d-]*(?=_)")
"""`db/migrations/0011` of `db/migrations/0011_add_pens_code_idx.sql`."""


def chosen(report: Report, done: Collection[str], *, unsafe: bool) -> dict[str, Fix]:
    """Fixes that can be applied together, by fingerprint: of two that overlap the first.

    A finding that is still there after its fix, which `done` tells, is not fixed again.
    """
    taken: dict[str, list[Edit]] = {}
    found: dict[str, Fix] = {}
    versions: set[str] = set()
    for finding, name in zip(report.findings, report.fingerprints, strict=True):
        fix = finding.fix
        if fix is None or not fix.edits or name in done or not (fix.safe or unsafe):
            continue
        if all(edit in taken.get(edit.place.path, ()) for edit in fix.edits):
            found[name] = fix  # another finding's fix does all that this one asks for
            continue
        if any(_clash(edit, other) for edit in fix.edits for other in taken.get(edit.place.path, ())):
            continue
        if not versions.isdisjoint(_versions(report.sources.texts, fix)):
            continue
        if _parses(report.sources.texts, fix, taken):
            found[name] = fix
            versions |= _versions(report.sources.texts, fix)
            for edit in fix.edits:
                taken.setdefault(edit.place.path, []).append(edit)
    return found


def applied(texts: Texts, fixes: Iterable[Fix]) -> dict[str, bytes]:
    """The new texts of the files that the fixes change or create."""
    edits: dict[str, dict[Edit, None]] = {}
    for fix in fixes:
        for edit in fix.edits:
            edits.setdefault(edit.place.path, {})[edit] = None
    return {path: edited(texts.get(path, b""), own) for path, own in edits.items()}


def _versions(texts: Texts, fix: Fix) -> set[str]:
    """Those of new migrations, of which no two may be of one."""
    paths = (edit.place.path for edit in fix.edits if edit.place.path not in texts)
    return {found[0] for path in paths if (found := VERSION.match(path))}


def _clash(one: Edit, other: Edit) -> bool:
    """Whether edits share a byte, or insert at the same place; lines of one table may do so in any order."""
    (start, end), (first, last) = one.place.span, other.place.span
    if (start, end) == (first, last) == (start, start) and one.place.path.endswith(".toml"):
        return not _lines_alone(one.text) or not _lines_alone(other.text)
    return (start, end) == (first, last) or (start < last and first < end)


def _lines_alone(text: str) -> bool:
    """Lines of TOML without a header: what stands behind them stays in its table."""
    return text.startswith(("\n", "\r\n")) and "\n[" not in text


def _parses(texts: Texts, fix: Fix, taken: Mapping[str, list[Edit]]) -> bool:
    """A manifest that would be no TOML with this fix, and those that are taken, is not touched."""
    for path in {edit.place.path for edit in fix.edits if edit.place.path.endswith(".toml")}:
        own = [edit for edit in fix.edits if edit.place.path == path]
        text = edited(texts.get(path, b""), [*taken.get(path, ()), *own])
        try:
            tomllib.loads(text.decode().removeprefix("\ufeff"))
        except ValueError:
            return False
    return True
