"""The SARIF that GitHub gets: valid by the schema and by Microsoft's validator, line hashes as GitHub computes them.

The multitool comes from npm (`npm install --prefix . @microsoft/sarif-multitool@5`); SARIF_MULTITOOL names its folder
where it is installed elsewhere. Without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import msgspec
import pytest
from surface import project, run, write

from slowpath import engine, rulebook
from slowpath.discover import discover
from slowpath.model.finding import Measured, Step
from slowpath.report import sarif, sarif_limits
from slowpath.report.linehash import line_hashes
from slowpath.report.sarif_rules import described

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


@needs_tool
def test_valid(odd: Path, tmp_path: Path) -> None:
    schema = loaded(FOLDER / "sarif-2.1.0.json")
    for root in (odd, *(path for path in (HERE / "fixtures").glob("*") if path.is_dir())):
        document = log_of(root)
        jsonschema.validate(document, schema)
        (tmp_path / f"{root.name}.sarif").write_text(json.dumps(document))
    del document["runs"][0]["results"][0]["message"]["text"]
    for name in ("a control", "z control"):  # the tool reads the first, the last, and so those between
        (tmp_path / f"{name}.sarif").write_text(json.dumps(document))
    out = tmp_path / "out.sarif"
    sources = sorted(tmp_path.glob("*.sarif"))
    multitool("validate", *sources, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "-o", out)
    results = [result for result in loaded(out)["runs"][0]["results"] if result["ruleId"] != "GH1004"]
    refused = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
    assert {uri.rpartition("/")[2] for uri in refused} == {"a%20control.sarif", "z%20control.sarif"}


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


@needs_tool
def test_line_hashes_of_every_line(tmp_path: Path) -> None:
    """Of the fixtures' files, and of rare ends of lines. A byte order mark is left out: it counts for GitHub alone."""
    texts = {
        "cr.ts": b"a\rb\r\nc\n\n\tx\n",
        "astral.ts": "𝒳é́ = '\u2028';\nend".encode(),
        "long.ts": b"x" * 300 + b"\n" + b" y\t" * 300,
    }
    for name in ("board", "depot", "shop"):
        texts |= {f"{name}/{path}": text for path, _, text in discover(HERE / "fixtures" / name).files}
    results, own = [], []
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text)
        lines = range(1, text.decode().replace("\r\n", "\n").replace("\r", "\n").count("\n") + 2)
        hashes = line_hashes(text, lines)
        own += [hashes.get(line) for line in lines]
        where = {"uri": quote(name), "uriBaseId": "SRCROOT"}
        results += [
            {
                "message": {"text": "x"},
                "locations": [{"physicalLocation": {"artifactLocation": where, "region": {"startLine": line}}}],
            }
            for line in lines
        ]
    bases = {"SRCROOT": {"uri": tmp_path.as_uri() + "/"}}
    log = {"tool": {"driver": {"name": "x"}}, "originalUriBaseIds": bases, "results": results}
    source, out = tmp_path / "x.sarif", tmp_path / "out.sarif"
    source.write_text(json.dumps({"version": "2.1.0", "runs": [log]}))
    multitool("rewrite", source, "--insert", "RollingHashPartialFingerprints", "-o", out)
    theirs = [result.get("partialFingerprints", {}) for result in loaded(out)["runs"][0]["results"]]
    assert [prints.get("primaryLocationLineHash") for prints in theirs] == own and len(own) > 3000


def test_help_is_the_page_and_every_link_of_it_leads_somewhere() -> None:
    """Code scanning shows it far from its folder."""
    rules = [described(rule) for rule in rulebook.load()]
    for rule in rules:
        targets = re.findall(r"\]\(([^)]+)\)", rule["help"]["markdown"])
        assert all(target.startswith("https://") for target in targets), rule["id"]
        assert rule["helpUri"].startswith("https://") and rule["helpUri"].endswith(f"/{rule['id']}.md")
        page = HERE / "rules" / rule["helpUri"].partition("/rules/")[2]
        assert page.is_file() and "## Examples" not in rule["help"]["markdown"]
        assert rule["help"]["markdown"].startswith("# ") and rule["help"]["text"]
        assert max(len(rule[name]["text"]) for name in ("shortDescription", "fullDescription")) <= 1024
        assert len(rule["name"]) <= 255 and 1 < len(rule["properties"]["tags"]) <= 20
        assert rule["properties"]["precision"] in ("very-high", "high", "medium")
        assert "security" not in json.dumps(rule["properties"])
    assert any("/rules/sql/index-not-concurrent.md)" in rule["help"]["markdown"] for rule in rules)
    changes = {"path": "/elsewhere/own.md", "page": "# Own\nSee [this](that.md).\n", "group": "security"}
    own = msgspec.structs.replace(rulebook.load()[0], **changes)
    assert described(own)["properties"]["tags"] == ["performance"], "another would make security alerts of the findings"
    assert described(own)["help"]["markdown"] == "# Own\nSee this." and "helpUri" not in described(own)


def test_long_paths_and_many_sites_are_cut(tmp_path: Path) -> None:
    """Code scanning takes 10,000 steps and 1,000 sites of a result, and shows 1,000 and 100."""
    report = engine.scan(project(tmp_path), rulebook.load())
    step = Step(report.findings[0].place, "here")
    long = msgspec.structs.replace(report.findings[0], flow=(step,) * 20_000, related=(step,) * 2000)
    result = sarif.log(msgspec.structs.replace(report, findings=(long, report.findings[1])), "", 2)["runs"][0][
        "results"
    ][0]
    assert len(result["codeFlows"][0]["threadFlows"][0]["locations"]) == 1000
    assert [place["id"] for place in result["relatedLocations"]] == list(range(1, 101))
    assert all(f"]({place['id']})" in result["message"]["text"] for place in result["relatedLocations"])


def test_what_was_measured_is_told(tmp_path: Path) -> None:
    """In the message, since code scanning shows no properties."""
    report = engine.scan(project(tmp_path), rulebook.load())
    known = msgspec.structs.replace(report.findings[0], measured=Measured("confirmed", "40 ms of each GET /[id]"))
    log = sarif.log(msgspec.structs.replace(report, findings=(known, report.findings[1]), measured=True), "", 2)
    told = log["runs"][0]["results"][0]
    assert told["message"]["text"].endswith(" Measured: confirmed: 40 ms of each GET /\\[id\\].")
    assert told["properties"]["measured"]["status"] == "confirmed"


def test_what_is_not_shown_is_told(tmp_path: Path) -> None:
    report = msgspec.structs.replace(engine.scan(project(tmp_path), rulebook.load()), known=4)
    (note,) = json.loads(sarif.render(report))["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note == {"level": "note", "message": {"text": "4 known findings are not shown."}}
