"""docs/diagnosis.md: the walk from a scan to a report, on what was recorded of the depot."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from test_configuration import is_valid
from walkthrough import DOCS, walk

from slowpath.model.finding import STATUSES

PAGE = "diagnosis.md"
TEXT = (DOCS / PAGE).read_text(encoding="utf-8")
DEPOT = DOCS.parent / "fixtures" / "depot"


def test_every_step_runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    root = tmp_path / "depot"
    shutil.copytree(DEPOT, root, ignore=shutil.ignore_patterns("node_modules", "target", "dist"))
    assert walk(PAGE, root) == 5
    assert (root / "diagnosis" / "report.html").is_file()


def test_every_status_is_explained() -> None:
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.M)) == STATUSES


def test_the_settings_to_paste_are_read() -> None:
    import tomllib
    from textwrap import dedent

    pasted = re.search(r"```toml\n(.*?)```", TEXT, re.S)
    assert pasted and is_valid(tomllib.loads(dedent(pasted[1])))
