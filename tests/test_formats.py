"""The formats that other programs read: each is read back as its reader would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from readers import CODE_QUALITY, DIAGNOSTICS, commands, junit
from surface import CLIENT, project, run, write

from slowpath import engine, rulebook
from slowpath.commands import project as projects
from slowpath.discover import discover
from slowpath.findings import order
from slowpath.fingerprint import fingerprints
from slowpath.model.finding import Measured
from slowpath.model.report import Report
from slowpath.report import formats

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def shop() -> Report:
    """A product with findings of most rules."""
    own = projects.opened([ROOT / "fixtures/shop"])
    report = engine.scan(own.root, own.rules, **own.options)
    assert len(report.findings) > 60 and own.prefix == "fixtures/shop/"
    return msgspec.structs.replace(report, prefix=own.prefix)


def many(report: Report, count: int) -> Report:
    """The same findings over and over."""
    found = sorted((report.findings[at % len(report.findings)] for at in range(count)), key=order)
    return msgspec.structs.replace(report, findings=tuple(found), fingerprints=fingerprints(found, report.sources))


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


def test_github_shows_what_matters_most(shop: Report) -> None:
    """It takes ten of a level, so no more are written, dearest first; the text has all."""
    found = commands(formats.rendered(shop, "github"))
    levels = [command.name for command in found]
    assert levels == sorted(levels, key=["error", "warning", "notice"].index)
    assert levels.count("error") > 0 and levels.count("warning") == levels.count("notice") == 10
    warnings = [command.properties["title"] for command in found if command.name == "warning"]
    routed = {f"slowpath: {finding.rule}" for finding in shop.findings if finding.routes}
    assert warnings and set(warnings) <= routed
    said = formats.rendered(shop, "github")
    assert f"10 of {sum(f.severity == 'warning' for f in shop.findings)} findings of level warning" in said
    last = msgspec.structs.replace(shop.findings[-1], severity="warning", measured=Measured("confirmed", "1 s"))
    dear = msgspec.structs.replace(shop, findings=(*shop.findings[:-1], last), measured=True)
    first = next(command for command in commands(formats.rendered(dear, "github")) if command.name == "warning")
    assert first.properties["file"].endswith(last.place.path) and "Measured: confirmed: 1 s" in first.data


def test_gitlab_takes_each_finding(shop: Report) -> None:
    """It keeps one of a fingerprint, also among the reports of several projects of one pipeline."""
    issues = json.loads(formats.rendered(many(shop, 500), "gitlab"))
    jsonschema.validate(issues, CODE_QUALITY)
    other = json.loads(formats.rendered(msgspec.structs.replace(many(shop, 500), prefix="other/"), "gitlab"))
    assert len({issue["fingerprint"] for issue in issues + other}) == 1000
    assert all((ROOT / issue["location"]["path"]).is_file() for issue in issues)


def test_jenkins_takes_each_finding(shop: Report) -> None:
    root = junit(formats.rendered(many(shop, 500), "junit"))
    assert root.get("failures") == "500" and len(root) == len({finding.place.path for finding in shop.findings})
    empty = junit(formats.rendered(msgspec.structs.replace(shop, findings=(), fingerprints=()), "junit"))
    assert empty.get("tests") == str(max(1, len(shop.troubles))) and empty.get("failures") == "0"


def test_a_test_keeps_its_name_when_lines_move(tmp_path: Path) -> None:
    """Readers compare with the run before by it."""
    root = project(tmp_path)
    before = junit(run("scan", root, "--format", "junit").stdout)
    for path in (root / "src").iterdir():
        path.write_text("\n\n" + path.read_text())
    after = junit(run("scan", root, "--format", "junit").stdout)
    names = [[(case.get("classname"), case.get("name")) for case in root.iter("testcase")] for root in (before, after)]
    assert names[0] == names[1] and names[0][0] == ("src/Basket.tsx", "query-client-per-render in Basket")


def test_junitparser_reads_it(shop: Report) -> None:
    junitparser = pytest.importorskip("junitparser")
    suites = junitparser.JUnitXml.fromstring(formats.rendered(shop, "junit").encode())
    assert (
        suites.failures
        == len(shop.findings)
        == sum(case.result[0].type in "error warning note" for s in suites for case in s if case.result)
    )


def test_reviewdog_reads_it(shop: Report, tmp_path: Path) -> None:
    told = json.loads(formats.rendered(shop, "rdjson"))
    jsonschema.validate(told, DIAGNOSTICS)
    assert all((ROOT / one["location"]["path"]).is_file() for one in told["diagnostics"])
    assert any("suggestions" in one for one in told["diagnostics"])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_suggestion_makes_the_fixed_file(end: bytes) -> None:
    """Applied by bytes as reviewdog does, it gives what --fix gives."""
    from slowpath.fix import applied

    found = discover(ROOT / "fixtures/shop")
    files = [(path, language, text.replace(b"\n", end)) for path, language, text in found.files]
    shop = engine.analyse(found._replace(files=files), rulebook.load())
    told = json.loads(formats.rendered(shop, "rdjson"))["diagnostics"]
    seen = 0
    for finding, one in zip(shop.findings, told, strict=True):
        for suggestion in one.get("suggestions", ()):
            path = finding.place.path
            source, starts = shop.sources.texts[path], shop.sources.starts(path)
            first, last = (
                starts[suggestion["range"][side]["line"] - 1] + suggestion["range"][side]["column"] - 1
                for side in ("start", "end")
            )
            assert finding.fix is not None
            fixed = source[:first] + suggestion["text"].encode() + source[last:]
            assert fixed == applied(shop.sources.texts, [finding.fix])[path]
            seen += 1
    assert seen > 5


def test_markdown_says_most_in_little_room(shop: Report) -> None:
    said = formats.rendered(shop, "markdown")
    assert "| [`n-plus-one`](https://github.com/slowpath/slowpath/blob/main/rules/diesel/n-plus-one.md) |" in said
    assert said.count("\n<details><summary>Path of ") > 10 and "left out" not in said
    assert said.count("\n**") == len(shop.findings)
    long = formats.rendered(msgspec.structs.replace(many(shop, 5000), known=7), "markdown")
    assert 40_000 < len(long.encode("utf-16-le")) // 2 <= 65_536
    shown = long.count("\n**warning** ") + long.count("\n**error** ") + long.count("\n**note** ")
    assert f"**{5000 - shown} more findings are left out here" in long and "7 known findings not shown" in long
    errors = sum(finding.severity == "error" for finding in many(shop, 5000).findings)
    assert long.count("\n**error** ") == min(errors, shown)


COLUMNS = {
    "plain": ("  const client = new QueryClient();", 18, 18),
    "combining": ("  /* e\u0301 */ const client = new QueryClient();", 27, 28),
    "astral": ("  /* \U0001d4b3\U0001d4b3 */ const client = new QueryClient();", 27, 33),
    "tabs": ("\t\tconst client = new QueryClient();", 18, 18),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name: str, end: str, tmp_path: Path) -> None:
    """Code points everywhere but for reviewdog, which counts bytes; neither CR nor a byte order mark is a column."""
    line, column, byte = COLUMNS[name]
    text = CLIENT.format(name="Basket").replace("  const client = new QueryClient();", line).replace("\n", end)
    places = _columns(write(tmp_path, {}), text.encode())
    length = len("new QueryClient()")
    assert places == {"json": (4, column), "sarif": (4, column), "github": (4, column), "rdjson": (4, byte)}
    one = text.replace(end, " ", 3).encode()
    begun, marked = _columns(tmp_path, one), _columns(tmp_path, b"\xef\xbb\xbf" + one)
    assert {line for line, _ in begun.values()} == {1} and length
    assert {name: at for name, at in begun.items() if name != "rdjson"} == {
        name: at for name, at in marked.items() if name != "rdjson"
    }
    assert marked["rdjson"][1] == begun["rdjson"][1] + 3


def _columns(root: Path, source: bytes) -> dict[str, tuple[int, int]]:
    """Where each format says that the one finding begins."""
    (root / "a.tsx").write_bytes(source)
    report = engine.scan(root, rulebook.load())
    (_,) = report.findings
    said: dict[str, Any] = {name: formats.rendered(report, name) for name in ("json", "sarif", "github", "rdjson")}
    start = json.loads(said["json"])["findings"][0]["start"]
    region = json.loads(said["sarif"])["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    told = commands(said["github"])[0].properties
    first = json.loads(said["rdjson"])["diagnostics"][0]["location"]["range"]["start"]
    return {
        "json": (start["line"], start["column"]),
        "sarif": (region["startLine"], region["startColumn"]),
        "github": (int(told["line"]), int(told["col"])),
        "rdjson": (first["line"], first["column"]),
    }


def test_a_long_report_ends_with_what_it_is_about(shop: Report) -> None:
    """The end is what one sees of it."""
    said = formats.rendered(many(shop, 5000), "full")
    *_, rules, summary = said.rstrip().split("\n\n")
    counts = [int(line.split()[0]) for line in rules.splitlines()]
    assert sum(counts) == 5000 and counts == sorted(counts, reverse=True) and summary.startswith("5000 findings (")
    assert max(map(len, said.splitlines())) < 1500
    few = formats.rendered(many(shop, 20), "full").rstrip().split("\n\n")
    assert "help:" in few[-2] or "fix:" in few[-2]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_same_report_same_bytes(name: str, shop: Report) -> None:
    assert formats.rendered(shop, name) == formats.rendered(shop, name)
    assert str(ROOT) not in formats.rendered(shop, name)
