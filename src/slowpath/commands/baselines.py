"""The baseline of a scan: what it hides, when it shrinks, and how it is written."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from slowpath import baseline, baseline_file, config, fix_files
from slowpath.baseline import Held, Match
from slowpath.baseline_file import NAME, BaselineError
from slowpath.commands import exits, terminal
from slowpath.commands.project import Project
from slowpath.engine import Narrow, in_scope
from slowpath.model.report import Report

NOT_BY_HAND = ("CI", "PRE_COMMIT", "GIT_INDEX_FILE")
"""Set where a build or a commit hook runs: nobody there expects a file to change."""


class Baseline:
    """The baseline that a scan uses. `path` may not be there yet; then it holds nothing."""

    def __init__(self, path: Path, source: bytes | None, held: Held, scope: tuple[str, ...], writing: bool) -> None:
        self.path = path
        self.source = source
        self.held = held
        self.scope = scope
        self.writing = writing
        self.whole: Report | None = None
        self.match: Match | None = None

    @property
    def name(self) -> str:
        return os.path.relpath(self.path)

    def narrow(self, report: Report) -> Report:
        """Leave what the baseline does not hold; the last report is the one that counts for writing."""
        texts = report.sources.texts
        unsure = {trouble.path for trouble in report.troubles if trouble.line or trouble.path not in texts}
        self.whole = report
        self.match = baseline.match(
            self.held,
            report,
            lambda path: in_scope(path, self.scope) and (path not in unsure or self.writing),
        )
        return self.match.report

    def before(self, narrow: Narrow | None) -> Narrow:
        """Narrow by the baseline, and what is left by another reason."""
        return self.narrow if narrow is None else lambda report: narrow(self.narrow(report))

    def write(self, held: Held, root: Path) -> str:
        """Store the entries. Returns why not, where it cannot be."""
        new = baseline_file.text(held).encode()
        if new == self.source:
            return ""
        own = self.path.absolute()
        base, name = (root, own.relative_to(root).as_posix()) if own.is_relative_to(root) else (own.parent, own.name)
        old = {} if self.source is None else {name: self.source}
        return next(iter(fix_files.write(base, old, {name: new}, ()).values()), "")


def opened(own: Project, named: Path | None, scope: tuple[str, ...] = (), *, writing: bool = False) -> Baseline | None:
    """The baseline that is `named`, or that the project sets, or that lies at its root. Raises BaselineError."""
    path = named or own.root / (own.settings.baseline or NAME)
    if named is None and not config.real(path).is_relative_to(config.real(own.root)):
        raise BaselineError(f"{path}: leads out of the project")
    if not os.path.lexists(path):
        if writing:
            return Baseline(path, None, Counter(), scope, writing)
        if named or own.settings.baseline:
            raise BaselineError(f"{path}: no such baseline; `slowpath scan --write-baseline` writes it")
        return None
    source = baseline_file.load(path)
    return Baseline(path, source, baseline_file.parse(source, path, merged=writing), scope, writing)


def written(used: Baseline, root: Path, *, grow: bool) -> Report:
    """Write the baseline: new where there is none, else without what is gone, and with what is new only to `grow`.

    Returns the report without what it holds then.
    """
    assert used.match is not None and used.whole is not None
    if any(trouble.internal for trouble in used.whole.troubles):
        exits.fail(f"{used.name}: not written, since a rule failed", exits.INTERNAL)
    match = used.match
    grow = grow or used.source is None
    held = match.stayed + match.new if grow else match.stayed
    failure = used.write(held, root)
    if failure:
        exits.fail(failure)
    parts = [f"holds {places(held)}"]
    if grow and match.new and used.source is not None:
        parts.append(f"{match.new.total()} of them new ({per_rule(match.new)})")
    if match.gone:
        parts.append(f"{match.gone.total()} taken out ({per_rule(match.gone)})")
    terminal.warn(f"{used.name}: {', '.join(parts)}")
    if match.new and not grow:
        terminal.warn(f"{used.name}: {places(match.new)} not taken in ({per_rule(match.new)}): fix them, or add --grow")
    return baseline.match(held, used.whole).report


def kept_up(used: Baseline, root: Path, *, whole: bool) -> bool:
    """After a scan of the `whole` project at a terminal, take out what is gone. Returns whether something is left."""
    match = used.match
    if match is None or not whole or used.whole is None or any(trouble.internal for trouble in used.whole.troubles):
        return False
    by_hand = sys.stderr.isatty() and not any(os.environ.get(name) for name in NOT_BY_HAND)
    # A call path may lead through a file that is half typed: what it proves is not gone for that.
    sure = all(trouble.path.startswith("/") for trouble in used.whole.troubles)
    gone = f"{used.name}: {places(match.gone)} gone ({per_rule(match.gone)})"
    if by_hand and sure and (match.gone or match.moved):
        failure = used.write(match.stayed, root)
        if match.gone:
            terminal.warn(failure or f"{gone}, {match.stayed.total()} left")
        return bool(failure and match.gone)
    if match.gone:
        terminal.warn(f"{gone}; `slowpath scan --write-baseline` takes them out")
    return bool(match.gone)


def places(held: Held) -> str:
    """How many calls and constructs these are."""
    return f"{held.total()} place{'' if held.total() == 1 else 's'}"


def per_rule(held: Mapping[baseline.Entry, int]) -> str:
    """How many of each rule, most first."""
    counts: Counter[str] = Counter()
    for entry, count in held.items():
        counts[entry.rule] += count
    return ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items(), key=lambda rule: (-rule[1], rule[0])))
