"""What a change causes: a report narrowed to the findings that the revisions before it do not have.

In: the project's texts as each of those revisions held them, and a way to analyse texts. A finding is of the change
where no revision has its like, where it stands on a changed line, or where a changed line adds a call to its path.
Findings are compared with those of the same file, under the name that it had; equal ones by the lines they stand on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from slowpath import lines
from slowpath.discover import Discovery
from slowpath.fingerprint import snippet
from slowpath.model.finding import Finding, Place, Step
from slowpath.model.report import Report
from slowpath.model.source import Sources

Analyse = Callable[[Discovery], Report]
Key = tuple[str, str, str, str]
"""Rule, path then, line or function, code without its white space."""


class Base(NamedTuple):
    """A revision that the project is compared with."""

    found: Discovery
    moved: Mapping[str, str]
    """Path now → path then, of renamed files."""


class Comparison:
    """The project's texts beside those of one revision."""

    def __init__(self, base: Base, analyse: Analyse, now: Sources) -> None:
        self.base = base
        self.analyse = analyse
        self.now = now
        self.texts = {path: text for path, _, text in base.found.files}
        self.then = Sources(self.texts)
        self._kept: dict[str, dict[int, int]] = {}

    def before(self, path: str) -> str:
        """The name that a file had."""
        return self.base.moved.get(path, path)

    @cached_property
    def changed(self) -> frozenset[str]:
        """Files that are new, gone, renamed or have another text."""
        ours, theirs = self.now.texts, self.texts
        return frozenset(path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))

    def line(self, path: str, line: int) -> int | None:
        """The line that a line was, None where it is not as it was."""
        if path not in self.changed:
            return line
        if path not in self._kept:
            old = self.texts.get(self.before(path))
            self._kept[path] = {} if old is None else lines.kept(old, self.now.texts.get(path, b""))
        return self._kept[path].get(line)

    def first_changed(self, path: str) -> int:
        """The first line that is not as it was; where lines only went, the one after them."""
        was = 0
        for line in range(1, len(self.now.starts(path)) + 1):
            old = self.line(path, line)
            if old != was + 1:
                return line
            was = old
        return 1

    def is_new(self, place: Place) -> bool:
        """Whether the line of a place is not as it was."""
        return self.line(place.path, self.now.line(place.path, place.span[0])) is None

    def fresh(self, report: Report) -> set[int]:
        """Indexes of the findings that are of the change."""
        pairs = self._pairs(report.findings)
        return {
            index
            for index, finding in enumerate(report.findings)
            if index not in pairs or self.is_new(finding.place) or self._grew(finding, pairs[index])
        }

    def _pairs(self, findings: Sequence[Finding]) -> dict[int, Finding]:
        """Findings by index, with what the revision had of each: on that line, in that function, or among its calls."""
        if not self.texts:
            return {}
        left = dict(enumerate(self.analyse(self.base.found).findings))
        pairs: dict[int, Finding] = {}
        for key, old_keys in ((self._at, self._were_at), (self._like, self._were_like), (self._like, self._counted)):
            known = defaultdict(list)
            for index in reversed(left):
                for old_key in old_keys(left[index]):
                    known[old_key].append(index)
            rest = [index for index in range(len(findings)) if index not in pairs]
            for index in sorted(rest, key=lambda index: self.is_new(findings[index].place)):
                same = [old for old in known.get(key(findings[index]), ()) if old in left]
                if same:
                    pairs[index] = left.pop(same[-1])
        return pairs

    def _at(self, finding: Finding) -> Key:
        place = finding.place
        line = self.line(place.path, self.now.line(place.path, place.span[0]))
        return (finding.rule, self.before(place.path), str(line), snippet(place, self.now))

    def _like(self, finding: Finding) -> Key:
        place = finding.place
        return (finding.rule, self.before(place.path), finding.function, snippet(place, self.now))

    def _were_at(self, old: Finding) -> Iterator[Key]:
        line = self.then.line(old.place.path, old.place.span[0])
        yield (old.rule, old.place.path, str(line), snippet(old.place, self.then))

    def _were_like(self, old: Finding) -> Iterator[Key]:
        yield (old.rule, old.place.path, old.function, snippet(old.place, self.then))

    def _counted(self, old: Finding) -> Iterator[Key]:
        for step in old.related:
            yield (old.rule, step.place.path, old.function, snippet(step.place, self.then))

    def _grew(self, finding: Finding, old: Finding) -> bool:
        """Whether a changed line adds to what a known finding counts, or to the path that proves it."""
        if not finding.flow:
            return False
        had = Counter((step.place.path, step.message) for step in _below(old))
        for step in _below(finding):
            site = (self.before(step.place.path), step.message)
            had[site] -= 1
            if had[site] < 0 and self.is_new(step.place):
                return True
        return False


def _below(finding: Finding) -> Iterator[Step]:
    """The steps of the path from the finding's own place on, and its other sites."""
    flow = finding.flow
    own = next((index for index, step in enumerate(flow) if step.place == finding.place), len(flow) - 1)
    yield from flow[max(own, 0) :]
    yield from finding.related


class Change:
    """The project's texts beside those of all the revisions that they come after; two or more in a merge."""

    def __init__(self, bases: Iterable[Base], analyse: Analyse, now: Sources) -> None:
        self.now = now
        self.all = [Comparison(base, analyse, now) for base in bases]

    @cached_property
    def touched(self) -> frozenset[str]:
        """Files that are not as one of the revisions has them."""
        return frozenset().union(*(one.changed for one in self.all))

    @cached_property
    def changed(self) -> frozenset[str]:
        """Files that are as none of the revisions has them."""
        return frozenset(self.touched.intersection(*(one.changed for one in self.all)))

    def fresh(self, report: Report) -> dict[int, Finding]:
        """The findings that none of the revisions has, by index; those in unchanged files say what causes them."""
        indexes = set(range(len(report.findings)))
        for one in self.all:
            indexes &= one.fresh(report)
        return {index: self._explained(report.findings[index]) for index in sorted(indexes)}

    def cause(self, finding: Finding) -> str:
        """The changed file that brings a finding about: the first on its path with a changed line, else the first."""
        steps = [step.place for step in (*finding.flow, *finding.related)]
        steps.sort(key=lambda place: not all(one.is_new(place) for one in self.all))
        for changed in (self.changed & self.now.texts.keys(), self.touched & self.now.texts.keys()):
            found = next((place.path for place in steps if place.path in changed), min(changed, default=""))
            if found:
                return found
        return min(self.touched, default="")

    def _explained(self, finding: Finding) -> Finding:
        if finding.place.path in self.touched or not self.touched:
            return finding
        cause = self.cause(finding)
        on_path = any(step.place.path == cause for step in (*finding.flow, *finding.related))
        others = len(self.touched) - 1
        doubt = f" or {others} more" if others and not on_path else ""
        related = finding.related
        if not on_path and not doubt and cause in self.now.texts:
            related = (*related, Step(self._start(cause), "this change causes it"))
        message = f"since the change of {cause}{doubt}: {finding.message}"
        return msgspec.structs.replace(finding, message=message, related=related)

    def _start(self, path: str) -> Place:
        line = self.all[0].first_changed(path)
        start = self.now.starts(path)[line - 1]
        return Place(path, (start, start + len(self.now.line_text(path, line).encode())))


def narrowed(report: Report, shown: Mapping[int, Finding], files: Collection[str]) -> Report:
    """The report with these of its findings; the others are counted as known.

    What could not be read is told of these `files` alone.
    """
    return msgspec.structs.replace(
        report.holding((shown[index], report.fingerprints[index]) for index in sorted(shown)),
        known=report.known + len(report.findings) - len(shown),
        troubles=tuple(
            trouble
            for trouble in report.troubles
            if trouble.internal or trouble.path in files or trouble.path.startswith("/")
        ),
    )
