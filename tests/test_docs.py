"""What README and ARCHITECTURE say is so."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from slowpath import rulebook
from slowpath.commands import init, scan
from slowpath.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def test_demo_prints_the_excerpt(tmp_path: Path) -> None:
    demo = re.search(r"bin/slowpath (scan .*)", README)
    excerpt = re.search(r"^```text\n(.*?)^```$", README, re.M | re.S)
    assert demo and excerpt
    done = subprocess.run(
        [str(Path(sys.executable).with_name("slowpath")), *shlex.split(demo[1])],
        cwd=ROOT,
        env=os.environ | {"SLOWPATH_CACHE_DIR": str(tmp_path), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    rest = iter(done.stdout.splitlines())
    for line in excerpt[1].splitlines():
        assert line == "…" or line in rest, f"not printed, or not there: {line}"


def test_rule_list_is_that_of_the_pages() -> None:
    row = r"^\| \[`([\w-]+)`\]\((\S+)\) \| (.*?)(?: \(off by default\))? \| (\w+) \| (\w+) \|"
    listed = re.findall(row, README, re.M)
    pages = [
        (rule.id, f"rules/{rule.group}/{rule.id}.md", rule.title, rule.severity, rule.confidence)
        for rule in sorted(rulebook.load(), key=lambda rule: (rule.group, rule.id))
    ]
    assert listed == pages, "python bench/rule_list.py writes it anew"


def test_invariants_name_tests_that_exist() -> None:
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", ARCHITECTURE)
    assert named
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_rooms_exist() -> None:
    table = ARCHITECTURE.partition("## Rooms")[2].partition("## ")[0]
    rooms = [room for row in re.findall(r"^\| (`.+?`) \|", table, re.M) for room in re.findall(r"`([^`]+)`", row)]
    assert len(rooms) > 10
    for room in rooms:
        assert (ROOT / room).exists() or (ROOT / "src/slowpath" / room).exists(), room


PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "rules").rglob("*.md"))
CODE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]*`", re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub names them in links."""
    titles = re.findall(r"^#+ +(.+?)\s*$", re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_relative_link_leads_somewhere() -> None:
    count = 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text())):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            found = page.parent / path if path else page
            assert found.exists(), f"{page.relative_to(ROOT)}: {target}"
            if anchor and found.suffix == ".md":
                assert anchor in anchors(found), f"{page.relative_to(ROOT)}: {target}"
            count += 1
    assert count > 70


def test_what_the_comparison_says_of_slowpath_is_so() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text()
    own = [row.split("|")[2] for row in re.findall(r"^\|.*\|$", page, re.M) if row.count("|") == 7]
    flags = {flag for cell in own for flag in re.findall(r"--[a-z][a-z-]+", cell)}
    known = {option for command in (scan.command, init.command) for own in command.params for option in own.opts}
    assert len(flags) >= 5 and flags <= known
    assert f"{len(FORMATS)}: {', '.join(FORMATS)}" in " ".join(own)
