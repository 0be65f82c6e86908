"""What holds of all fixes, on each example of a fixer's page and on the fixture projects: see the tests' names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from proofs import PAGES, mended, unparsed
from surface import write

from slowpath import rulebook, testing
from slowpath.engine import Mended

ROOT = Path(__file__).parents[1]
RULES = rulebook.load()
FIXERS = {page.stem for page in PAGES.glob("*.md")}
EXAMPLES = {
    f"{rule.id}: {example.title}": example.files
    for rule in RULES
    if rule.id in FIXERS
    for example in testing.examples(rule)
}
COPIED = shutil.ignore_patterns("target", "node_modules", "dist")


def disagreements(root: Path, done: Mended) -> Iterator[str]:
    """The fixes are written to the copy at `root`."""
    before, after = done.before, done.report
    yield from (f"{path}: does not parse" for path in unparsed(done.texts))
    known = set(before.fingerprints)
    kept = {(finding.rule, finding.message) for finding in before.findings}
    for finding, name in zip(after.findings, after.fingerprints, strict=True):
        hidden = finding.confidence == "low"  # a surer one stood for both
        if name not in known and (finding.rule, finding.message) not in kept and not hidden:
            yield f"{finding.place.path}: {finding.rule} is new: {finding.message}"
    yield from (f"{trouble.path}: {trouble.message}" for trouble in set(after.troubles) - set(before.troubles))
    for path, text in done.texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text)
    again = mended(root, RULES, unsafe=done.unsafe)
    yield from (f"{each.finding.rule} is fixed a second time: {each.fix.title}" for each in again.fixed)
    yield from () if again.report.fingerprints == after.fingerprints else ["the scan of what is written differs"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_fixes_of_examples_bring_nothing_new_and_are_all_done_at_once(example: str, tmp_path: Path) -> None:
    root = write(tmp_path, EXAMPLES[example])
    done = mended(root, RULES, unsafe=True)
    assert list(disagreements(root, done)) == []


@pytest.mark.parametrize(("name", "unsafe"), [("board", True), ("depot", True), ("shop", False), ("shop", True)])
def test_fixes_of_fixtures_bring_nothing_new_and_are_all_done_at_once(name: str, unsafe: bool, tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT / "fixtures" / name, tmp_path / name, ignore=COPIED))
    done = mended(root, RULES, unsafe=unsafe)
    assert done.fixed
    assert list(disagreements(root, done)) == []


def test_one_rule_at_a_time_ends_like_all_at_once(tmp_path: Path) -> None:
    """The last first, but for the versions of new migrations, which count up in the order in which they are written."""
    root = Path(shutil.copytree(ROOT / "fixtures/shop", tmp_path / "shop", ignore=COPIED))
    at_once = mended(root, RULES, unsafe=True)
    used = sorted({each.finding.rule for each in at_once.fixed})
    assert len(used) > 5
    one_by_one: dict[str, bytes] = {}
    for rule in reversed(used):
        done = mended(root, [each for each in RULES if each.id == rule], unsafe=True)
        one_by_one |= done.texts
        for path, text in done.texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text)
    assert unversioned(one_by_one) == unversioned(at_once.texts)


def unversioned(texts: dict[str, bytes]) -> dict[str, bytes]:
    """`migrations/2025_add_x/up.sql` goes by `_add_x/up.sql`."""
    return {re.sub(r"^.*/[\d-]+(?=_)", "", path): text for path, text in texts.items()}
