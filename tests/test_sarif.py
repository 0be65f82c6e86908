"""The SARIF that GitHub gets: valid by the schema and by Microsoft's validator, line hashes as GitHub computes them.

The multitool comes from npm (`npm install --prefix . @microsoft/sarif-multitool@5`); SARIF_MULTITOOL names its folder
where it is installed elsewhere. Without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from surface import project, run, write

from slowpath import engine, rulebook
from slowpath.report import sarif, sarif_limits

HERE = Path(__file__).parent.parent
FOLDER = Path(os.environ.get("SARIF_MULTITOOL", HERE / "node_modules/@microsoft/sarif-multitool-linux"))
TOOL = FOLDER / "Sarif.Multitool"
needs_tool = pytest.mark.skipif(not TOOL.is_file(), reason="@microsoft/sarif-multitool is not installed")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A project whose paths and texts need care, with troubles, below the root of its checkout."""
    root = project(tmp_path / "the checkout" / "pröject [1]")
    (tmp_path / "the checkout" / ".git").mkdir()
    shelf = root / "src/Shelf.tsx"
    text = shelf.read_text().replace("  const", "  /* ünï 𝒳 */ const")
    shelf.write_text(text.replace("\n", "\r\n") * 2 + text, encoding="utf-8", newline="")
    return write(root, {"slowpath.toml": "", "src/bad file.ts": "function ((((", "src/tail.tsx": text.rstrip()})


def log_of(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("scan", root, "--format", "sarif", "--exit-zero").stdout)
    assert document["runs"][0]["results"]
    return document


def multitool(*arguments: str | Path) -> None:
    subprocess.run([TOOL, *arguments, "--log", "ForceOverwrite"], check=True, capture_output=True)


def loaded(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return document


@pytest.fixture(params=["odd", *sorted(path.name for path in (HERE / "fixtures").glob("*") if path.is_dir())])
def scanned(request: pytest.FixtureRequest) -> Path:
    if request.param == "odd":
        folder: Path = request.getfixturevalue("odd")
        return folder
    return HERE / "fixtures" / str(request.param)


@needs_tool
def test_valid(scanned: Path, tmp_path: Path) -> None:
    document = log_of(scanned)
    jsonschema.validate(document, loaded(FOLDER / "sarif-2.1.0.json"))
    source, out = tmp_path / "x.sarif", tmp_path / "out.sarif"
    source.write_text(json.dumps(document))
    multitool("validate", source, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "-o", out)
    results = [result for result in loaded(out)["runs"][0]["results"] if result["ruleId"] != "GH1004"]
    assert results == []


@needs_tool
def test_line_hashes_are_those_of_code_scanning(odd: Path, tmp_path: Path) -> None:
    document = log_of(odd)
    own = [result.pop("partialFingerprints") for result in document["runs"][0]["results"]]
    document["runs"][0]["originalUriBaseIds"] = {"SRCROOT": {"uri": odd.parent.as_uri() + "/"}}
    source, out = tmp_path / "x.sarif", tmp_path / "out.sarif"
    source.write_text(json.dumps(document))
    multitool("rewrite", source, "--insert", "RollingHashPartialFingerprints", "-o", out)
    key = "primaryLocationLineHash"
    theirs = [result["partialFingerprints"][key] for result in loaded(out)["runs"][0]["results"]]
    assert [prints[key] for prints in own] == theirs and len(theirs) == len(own) > 3


def test_uris_start_at_the_checkout_and_columns_count_code_points(odd: Path) -> None:
    run_ = log_of(odd)["runs"][0]
    shelf = next(r for r in run_["results"] if "Shelf" in str(r["locations"]))
    physical = shelf["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "pr%C3%B6ject%20%5B1%5D/src/Shelf.tsx", "uriBaseId": "SRCROOT"}
    assert physical["region"]["startColumn"] == 30 and physical["region"]["endLine"] == physical["region"]["startLine"]
    (notification,) = run_["invocations"][0]["toolExecutionNotifications"]
    assert "grammar does not understand" in notification["message"]["text"]
    assert run_["invocations"][0]["executionSuccessful"]


def test_no_more_results_than_code_scanning_keeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither in number nor in size; what is left out is said."""
    report = engine.scan(project(tmp_path), rulebook.load())
    for name, value in (("MAX_RESULTS", 1), ("MAX_BYTES", 9_000)):
        monkeypatch.undo()
        monkeypatch.setattr(sarif_limits, name, value)
        run_ = json.loads(sarif.render(report))["runs"][0]
        assert len(run_["results"]) == (1 if name == "MAX_RESULTS" else 0)
        (note,) = run_["invocations"][0]["toolExecutionNotifications"]
        assert f"{2 - len(run_['results'])} findings are left out" in note["message"]["text"]
