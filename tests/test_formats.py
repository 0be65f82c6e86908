"""The formats that other programs read: each is read back, and what a project says stays text in all of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from surface import project, run, write

from slowpath.report import formats


def test_one_scan_writes_any_number_of_reports(tmp_path: Path) -> None:
    """What a step of CI wants: annotations and text in its log, SARIF to upload, a summary to show."""
    root = project(tmp_path / "p")
    files = {name: tmp_path / f"out.{name}" for name in formats.FORMATS}
    asked = [f"--output={name}={path}" for name, path in files.items()]
    outcome = run("scan", root, "--format", "github", *asked, "--sarif-category", "web", "--exit-zero")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == files["github"].read_text() and outcome.stdout.count("::warning ") == 2
    assert outcome.stdout.endswith(files["full"].read_text())
    assert json.loads(files["sarif"].read_text())["runs"][0]["automationDetails"] == {"id": "web/"}
    assert [json.loads(line)["path"] for line in files["json-lines"].read_text().splitlines()] == [
        "src/Basket.tsx",
        "src/Shelf.tsx",
    ]
    assert len(json.loads(files["gitlab"].read_text())) == 2
    assert len(json.loads(files["rdjson"].read_text())["diagnostics"]) == 2
    assert len(ET.parse(files["junit"]).getroot().findall(".//failure")) == 2
    assert files["markdown"].read_text().startswith("## slowpath\n\n2 findings")


def test_outputs_that_cannot_be_are_refused_in_words(tmp_path: Path) -> None:
    root = project(tmp_path)
    for asked in ("nope=x", "sarif", "sarif="):
        outcome = run("scan", root, "--output", asked)
        assert outcome.returncode == 2 and "is not FORMAT=FILE" in outcome.stderr
    outcome = run("scan", root, "--output", f"sarif={tmp_path}/no/x")
    assert outcome.returncode == 2 and "cannot be written" in outcome.stderr


def test_paths_start_at_the_checkout(tmp_path: Path) -> None:
    """Where the project is a folder of it."""
    (tmp_path / ".git").mkdir()
    root = write(project(tmp_path / "shop" / "web"), {"slowpath.toml": ""})
    said = {name: run("scan", root, "--format", name, "--exit-zero").stdout for name in formats.FORMATS}
    assert "file=shop/web/src/Basket.tsx,line=4,col=18,endColumn=35,title=slowpath%3A query-client" in said["github"]
    assert json.loads(said["gitlab"])[0]["location"]["path"] == "shop/web/src/Basket.tsx"
    assert json.loads(said["rdjson"])["diagnostics"][0]["location"]["path"] == "shop/web/src/Basket.tsx"
    assert ET.fromstring(said["junit"].split("\n", 1)[1])[0].get("name") == "shop/web/src/Basket.tsx"
    assert "`shop/web/src/Basket.tsx:4`" in said["markdown"]
    assert json.loads(said["json-lines"].splitlines()[0])["path"] == "src/Basket.tsx"
