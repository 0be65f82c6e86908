"""What holds for every project: neither cache nor jobs nor moved code change a finding."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from surface import run, scan

FIXTURES = sorted(path for path in (Path(__file__).parent.parent / "fixtures").glob("*") if path.is_dir())


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name)
def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a fixture project, where it can be edited."""
    return shutil.copytree(
        request.param, tmp_path / "p", ignore=shutil.ignore_patterns("target", "node_modules", "dist")
    )


def output(root: Path, *arguments: str, cache: Path) -> str:
    return run("scan", root, "--format", "json", *arguments, SLOWPATH_CACHE_DIR=str(cache)).stdout


def test_cold_is_warm_and_one_job_is_two(fixture: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cold = output(fixture, cache=cache)
    assert '"rule"' in cold
    assert output(fixture, cache=cache) == cold
    shutil.rmtree(cache)
    assert output(fixture, "--jobs", "1", cache=cache) == cold
    assert output(fixture, "--jobs", "2", "--no-cache", cache=cache) == cold


def test_sarif_is_the_same_bytes_each_time(fixture: Path) -> None:
    first = run("scan", fixture, "--format", "sarif").stdout
    assert first and run("scan", fixture, "--format", "sarif", "--no-cache", "--jobs", "1").stdout == first
    assert str(fixture) not in first


def test_code_moved_down_keeps_its_fingerprints(fixture: Path) -> None:
    before = sorted(finding["fingerprint"] for finding in scan(fixture)["findings"])
    for source in fixture.rglob("*"):
        if re.search(r"\.(rs|tsx?)$", source.name):
            source.write_text("\n\n" + source.read_text())
    assert before and sorted(finding["fingerprint"] for finding in scan(fixture)["findings"]) == before
