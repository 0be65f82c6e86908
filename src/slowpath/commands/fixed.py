"""What became of the fixes, for people: which findings they are, how many, and what keeps others from being fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from slowpath.engine import Fixed, Mended

LISTED = 10
"""More than these are counted by rule."""


def lines(mended: Mended, unwritten: Mapping[str, str], diff: bool) -> Iterator[str]:
    """`unwritten` says why, for each file that was left as it was."""
    yield from dict.fromkeys(unwritten.values())
    done = [each for each in mended.fixed if not any(edit.place.path in unwritten for edit in each.fix.edits)]
    yield from _listed(done, "would fix" if diff else "fixed")
    more = sum(finding.fix is not None and not finding.fix.safe for finding in mended.report.findings)
    hint = "" if mended.unsafe or not more else f", {more} more with --unsafe-fixes"
    yield f"{len(done)} finding{'' if len(done) == 1 else 's'} {'would be fixed' if diff else 'fixed'}{hint}"
    if not diff:
        yield from _locked(mended)


def _listed(done: list[Fixed], word: str) -> Iterator[str]:
    if len(done) > LISTED:
        for rule, count in sorted(Counter(each.finding.rule for each in done).items()):
            yield f"{word} {count} × {rule}"
        return
    for each in sorted(done, key=lambda each: (each.finding.place.path, each.line, each.finding.rule)):
        yield f"{word} {each.finding.place.path}:{each.line}: {each.finding.rule}: {each.fix.title}"


def _locked(mended: Mended) -> Iterator[str]:
    """Cargo.lock is cargo's to write: a build with `--locked` would stop at it."""
    locks = any(path.endswith("Cargo.lock") for path in mended.before.sources.texts)
    if locks and any(path.endswith("Cargo.toml") for path in mended.texts):
        yield "Cargo.lock is as it was: cargo brings it up to date at its next build, or `cargo update --workspace` now"
