"""The diagnosis: what it says, whatever the evidence holds, and that no text in it grows into more than text."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import diagnosed
import msgspec
import pytest

from slowpath import parts
from slowpath.commands.project import scanned
from slowpath.commands.report import write
from slowpath.model.evidence import (
    BreakingPoint,
    Evidence,
    LimiterVerdict,
    Remark,
    ResourcesPart,
    RouteFigures,
    Series,
)
from slowpath.model.finding import Finding, Measured, Place
from slowpath.model.report import Report, Stats
from slowpath.model.source import Sources
from slowpath.report import markdown, page
from slowpath.report.diagnosis import diagnosis, thresholds_file
from slowpath.report.document import Chart, Code, Document, Link, Paragraph, Section, Table
from slowpath.report.ranking import ranked
from slowpath.rulebook import load as load_rules
from slowpath.runtime.joining import join

NOTHING = Report((), (), (), {}, Sources({}), Stats())
ORDER = [
    "summary", "baseline", "limiter", "low-hanging", "deep-work", "success", "findings", "statements", "n-plus-one",
    "scans", "schema", "bundle", "remarks", "how", "open",
]  # fmt: skip
INLINE = {
    "text", "text_special", "code_inline", "strong_open", "strong_close", "em_open", "em_close", "link_open",
    "link_close", "softbreak", "html_inline",
}  # fmt: skip
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a | b | c \\| d",
    "`code` ``more`` ```",
    "[link](https://evil.example) https://evil.example www.evil.example",
    "\x1b[31mred\x1b[0m \x07 \u202egnp.exe",
    "# head\n- list\n1. one\n> quote\n***\n| t | u |\n| - | - |",
    "$x$ &lt; &#60; %{x} ${y} $title",
    "'\"><b onmouseover=alert(1)>",
    "--- \n===\n~~~",
    "*bold* _it_ ~~no~~ !",
    "\ud800".encode("utf-8", "replace").decode(),
]


@pytest.fixture(scope="session")
def shop() -> Report:
    return diagnosed.shop()


@pytest.fixture(scope="session")
def document(shop: Report) -> Document:
    return diagnosis(shop, diagnosed.EVIDENCE)


class Tags(HTMLParser):
    """Elements with their attributes, and the text beside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def section(document: Document, name: str) -> Section:
    return next(section for section in document.sections if section.id == name)


def words(document: Document, name: str) -> str:
    own = Document("", (section(document, name),))
    lines = re.sub(r"</(?:td|th|li|p|h2|h3|caption)>", "\n", page.render(own, "", ""))
    return html.unescape(re.sub(r"<wbr>|</?\w[^>]*>", "", lines)).replace("\u00a0", " ")


def findings_in(text: str) -> list[str]:
    return re.findall(r"[\w./-]+:\d+", text)


def test_sections_come_in_the_order_of_use(document: Document) -> None:
    assert [section.id for section in document.sections] == ORDER


def test_summary_says_what_breaks_what_limits_and_what_to_do_first(document: Document) -> None:
    said = words(document, "summary")
    assert "holds 100 concurrent users (377 requests/s, p95 441 ms) and breaks at 130." in said
    assert "What limits it is the CPU of the database (high confidence)." in said
    assert "Do first: No index begins with sessions.token" in said
    brings = "up to 9.1 ms of each GET /me and 13 % of the work of all requests at the knee"
    assert f"{brings}, so at most 1.15 times the throughput if nothing else limits." in said
    assert "Dearest of all, but more work: n-plus-one (server/src/services/orders.rs:30; effort: a day)" in said


def test_effort_is_that_of_the_rule_unless_there_is_a_fix(shop: Report) -> None:
    found = ranked(shop, diagnosed.EVIDENCE)
    assert [one.finding.rule for one in found[:3]] == ["n-plus-one", "missing-index", "cpu-bound-in-async"]
    assert {one.effort for one in found if one.finding.fix} == {"hour"}
    assert {one.effort for one in found if one.finding.rule == "request-fan-out"} == {"design"}


def test_every_rule_says_its_effort() -> None:
    pages = [Path(rule.path).read_text() for rule in load_rules()]
    assert pages and all(re.search(r'^effort = "(hour|day|design)"$', page, re.M) for page in pages)


def test_what_costs_comes_first_and_what_does_not_last(shop: Report) -> None:
    statuses = [one.status for one in ranked(shop, diagnosed.EVIDENCE)]
    order = ["confirmed", "ambiguous", "not measured", "cheap", "not-exercised", "contradicted"]
    assert statuses == sorted(statuses, key=order.index)
    assert set(statuses) == set(order)


def test_low_hanging_fruit_and_deep_work_share_nothing(document: Document) -> None:
    low, deep = (findings_in(words(document, name)) for name in ("low-hanging", "deep-work"))
    assert "store/src/models/customer.rs:76" in low and "server/src/services/orders.rs:30" in deep
    assert not set(low) & set(deep)


def test_markdown_and_page_list_the_same_findings(shop: Report, document: Document) -> None:
    table = next(block for block in section(document, "findings").blocks if isinstance(block, Table))
    wanted = {
        f"{link.path}:{link.line}" for row in table.rows for cell in row for link in cell if isinstance(link, Link)
    }
    assert len(table.rows) == len(shop.findings)
    in_page, in_markdown = words(document, "findings"), markdown.render(document, "")
    assert wanted <= set(findings_in(in_page)) and wanted <= set(findings_in(in_markdown))


def test_links_lead_from_the_report_to_the_line(shop: Report, tmp_path: Path) -> None:
    folder = tmp_path / "deep/er"
    write(folder, diagnosed.SHOP, shop, diagnosed.EVIDENCE, "")
    text = (folder / "DIAGNOSTIC_REPORT.md").read_text()
    target, line = re.findall(r"\]\(([^)#]+)#L(\d+)\)", text)[0]
    assert (folder / target).resolve().is_relative_to(diagnosed.SHOP)
    assert "sessions" in (folder / target).read_text().splitlines()[int(line) - 1] or int(line) == 76


def test_same_input_same_bytes(shop: Report) -> None:
    again = msgspec.json.decode(msgspec.json.encode(diagnosed.EVIDENCE), type=Evidence)
    for render in (
        lambda e: markdown.render(diagnosis(shop, e), ""),
        lambda e: page.render(diagnosis(shop, e), "", "x"),
    ):
        assert render(diagnosed.EVIDENCE) == render(again)


def test_nothing_measured_says_so_and_how_to(shop: Report) -> None:
    unjoined = tuple(msgspec.structs.replace(finding, measured=None) for finding in shop.findings)
    empty = diagnosis(msgspec.structs.replace(shop, findings=unjoined), Evidence())
    for name, command in (
        ("baseline", "measure load"), ("limiter", "measure resources"), ("low-hanging", "measure join"),
        ("statements", "measure queries"), ("n-plus-one", "measure queries"), ("scans", "measure queries"),
        ("schema", "measure schema"), ("bundle", "measure bundle"),
    ):  # fmt: skip
        said = words(empty, name)
        assert "Not measured: " in said and f"slowpath {command}" in said, name
    assert "not known" in words(empty, "summary")
    assert thresholds_file(shop, Evidence()) == ""
    assert not [block for part in empty.sections for block in part.blocks if isinstance(block, Chart)]
    assert "Plotly" not in page.render(empty, "", "Plotly")


def test_no_project_and_no_evidence_is_a_report_all_the_same(tmp_path: Path) -> None:
    written = write(tmp_path / "out", tmp_path, NOTHING, Evidence(), "")
    assert [path.name for path in written] == ["DIAGNOSTIC_REPORT.md", "report.html"]
    assert "No slow paths were found in 0 files" in written[0].read_text()


@pytest.mark.parametrize("name", ["load", "resources", "queries", "database", "bundle", "remarks"])
def test_any_one_part_may_be_missing(shop: Report, name: str) -> None:
    part = msgspec.structs.replace(diagnosed.EVIDENCE, **{name: () if name == "remarks" else None})
    assert markdown.render(diagnosis(shop, part), "") != markdown.render(diagnosis(shop, diagnosed.EVIDENCE), "")


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (
            None,
            10,
            "No number of users is certain to be held (limits: p95 500 ms, errors 1 %).** 10 users already break it.",
        ),
        (None, None, "No number of users is certain to be held"),
        (160, None, "the most that were tried.** The breaking point lies above"),
        (100, 130, "A second run did not confirm it."),
    ],
)
def test_breaking_point_is_told_as_it_is(good: int | None, bad: int | None, said: str) -> None:
    point = BreakingPoint(good, bad, False, None, "")
    load = msgspec.structs.replace(diagnosed.LOAD, breaking_point=point)
    text = markdown.render(diagnosis(NOTHING, Evidence(load=load)), "")
    assert said in text


def test_undecided_and_inconclusive_are_shown_as_such() -> None:
    verdict = LimiterVerdict("inconclusive", "low", "Nothing is saturated.", probe=("Watch the `k6` host.",))
    evidence = Evidence(load=diagnosed.LOAD, resources=ResourcesPart(schema="slowpath-resources/1", verdict=verdict))
    document = diagnosis(NOTHING, evidence)
    assert "inconclusive. Probe next: Watch the k6 host." in words(document, "summary")
    assert "Undecided: at 115 users" in words(document, "baseline")


def test_load_generator_as_the_limit_makes_no_verdict_on_the_system() -> None:
    verdict = LimiterVerdict("load-generator", "high", "k6 uses both cores.")
    evidence = Evidence(load=diagnosed.LOAD, resources=ResourcesPart(schema="slowpath-resources/1", verdict=verdict))
    document = diagnosis(NOTHING, evidence)
    assert "The system may hold more" in words(document, "summary").replace("the system may", "The system may")
    assert "nobody knows how much more there is" in words(document, "success")


def hostile_evidence(text: str) -> Evidence:
    """All that others write, replaced."""
    raw = msgspec.json.decode(msgspec.json.encode(diagnosed.EVIDENCE))
    words = set(
        "script target reason summary message about instead text name subject table filter hint path method how file "
        "feature module commit database code migrations folder server".split()
    )

    def changed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {text if key == "tools" else name: changed(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [changed(inner, key) for inner in value]
        listed = key in ("evidence", "exonerated", "probe", "chain", "both_ways", "columns", "names")
        return text if isinstance(value, str) and (key in words or listed) else value

    return msgspec.convert(changed(raw), Evidence)


def hostile_report(text: str) -> Report:
    rule = diagnosed.shop().rules["n-plus-one"]
    measured = Measured("confirmed", text, 1.0, 0.5, 2.0, text, (text, text), (text,))
    line = text.replace("\n", " ")
    finding = Finding(rule.id, Place(line, (0, 1)), "warning", "high", text, text, measured=measured)
    return Report((finding,), ("f",), (), {rule.id: rule}, Sources({line: text.encode()}), Stats(1))


@pytest.mark.parametrize("text", HOSTILE)
def test_page_holds_only_its_own_elements(text: str) -> None:
    calm = page.render(diagnosis(hostile_report("x"), hostile_evidence("x")), "../", "p")
    made = page.render(diagnosis(hostile_report(text), hostile_evidence(text)), "../", "p")
    own, known = Tags(made), Tags(calm)
    kinds = {tag for tag, _ in known.found}
    assert [tag for tag, _ in own.found if tag not in ("wbr", "code")] == [
        tag for tag, _ in known.found if tag not in ("wbr", "code")
    ]
    assert {tag for tag, _ in own.found} <= kinds | {"wbr"}
    assert {name for _, attributes in own.found for name in attributes} == {name for _, a in known.found for name in a}
    assert all((a.get("href") or "#").startswith(("#", "../")) for tag, a in own.found if tag == "a")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", made)
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', made, re.S)
    assert (
        figures
        and json.loads(figures[1]).keys() == json.loads(re.search(r'id="figures">(.*?)</script>', calm, re.S)[1]).keys()
    )  # type: ignore[index]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_holds_only_its_own_markup(text: str) -> None:
    """As CommonMark with tables reads it: the same blocks, no HTML but the anchors, no link but to the project."""
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    calm = reader.parse(markdown.render(diagnosis(hostile_report("x"), hostile_evidence("x")), "../"))
    made = reader.parse(markdown.render(diagnosis(hostile_report(text), hostile_evidence(text)), "../"))
    skipped = {"td_open", "td_close", "inline"}
    assert [token.type for token in made if token.type not in skipped] == [
        token.type for token in calm if token.type not in skipped
    ]
    inner = [child for token in made for child in token.children or ()]
    assert {child.type for child in inner} <= INLINE
    assert all(re.fullmatch(r'<a id="[\w-]+">|</a>', child.content) for child in inner if child.type == "html_inline")
    assert all(str(child.attrs["href"]).startswith(("../", "#")) for child in inner if child.type == "link_open")
    rows = [sum(t.type == "td_open" for t in row) for row in split_rows(made)]
    assert rows == [sum(t.type == "td_open" for t in row) for row in split_rows(calm)]
    shown = " ".join(child.content for child in inner)
    assert "www.evil" not in shown or "[link](https://evil.example)" in shown


def split_rows(tokens: list[Any]) -> list[list[Any]]:
    starts = [at for at, token in enumerate(tokens) if token.type == "tr_open"]
    ends = [at for at, token in enumerate(tokens) if token.type == "tr_close"]
    return [tokens[start:end] for start, end in zip(starts, ends, strict=True)]


def test_charts_are_figures_that_plotly_accepts(document: Document) -> None:
    objects = pytest.importorskip("plotly.graph_objects")
    charts = [block for part in document.sections for block in part.blocks if isinstance(block, Chart)]
    assert [chart.id for chart in charts] == ["load", "time", "impact", "statements", "bundle-map"]
    for chart in charts:
        objects.Figure(chart.figure)  # raises for any property or value that Plotly does not know


def test_figures_stand_in_tables_as_well(document: Document) -> None:
    for part in document.sections:
        kinds = [type(block) for block in part.blocks]
        assert Chart not in kinds or Table in kinds, part.id


def test_numbers_beyond_measure_are_no_traceback(shop: Report) -> None:
    series = Series("host.cpu", "", "", (1e308, -1e308, 0.0), (1e308, 1e308, -1e308))
    resources = ResourcesPart(schema="slowpath-resources/1", series=(series,), started=1e308, finished=-5)
    step = msgspec.structs.replace(diagnosed.STEPS[0], vus=0, start=-1e300, end=1e300)
    routes = (
        RouteFigures("", "", msgspec.structs.replace(step.figures, p50=0.0, p95=None, p95_interval=(None, None))),
    )
    load = msgspec.structs.replace(
        diagnosed.LOAD,
        steps=(msgspec.structs.replace(step, routes=routes),),
        breaking_point=BreakingPoint(0, 0, True, None, ""),
        ticks=(),
        remarks=(Remark("error", "", "", -1),),
    )
    for render in (markdown.render, lambda document, base: page.render(document, base, "p")):
        assert render(diagnosis(shop, Evidence(load=load, resources=resources)), "")


def test_text_of_the_report_is_plain_in_a_table_and_outside() -> None:
    table = Table("t", ("a", "b"), (((Code("x | y"),), ("p | q",)), ((Code("a\\|b"),), ("c\\|d",))))
    text = markdown.render(
        Document("t", (Section("s", "s", (Paragraph((Code("x | y"), " 1. 18.8 p95_ms")), table)),)), ""
    )
    assert "`x | y` 1. 18.8" in text and "| `x \\| y` | p \\| q |" in text


def test_shares_of_one_user_promise_no_throughput(shop: Report) -> None:
    smoke = msgspec.structs.replace(diagnosed.STEPS[0], verdict="undecided")
    load = msgspec.structs.replace(diagnosed.LOAD, steps=(smoke,), breaking_point=None)
    document = diagnosis(shop, Evidence(load=load, resources=diagnosed.RESOURCES, queries=diagnosed.QUERIES))
    said = words(document, "summary")
    assert "13 % of the time of all requests of one user." in said and "times the throughput" not in said
    assert "No step is certain to be good" in words(document, "baseline")
    assert "[load]" not in thresholds_file(shop, Evidence(load=load, queries=diagnosed.QUERIES))


def test_report_of_a_recorded_measurement(tmp_path: Path) -> None:
    """Of the depot: what is measured of it is told, and what is not is said not to be."""
    depot = Path(__file__).parents[1] / "fixtures/depot"
    files = sorted((depot / "evidence").glob("*.json"))
    evidence = join([(path.name, parts.read(path)) for path in files])  # type: ignore[misc]
    root, report = scanned(depot, evidence)
    document = diagnosis(report, evidence)
    assert "Do first: No index begins with movements.lot" in words(document, "summary")
    low = words(document, "low-hanging")
    assert all(rule in low for rule in ("bcrypt::verify", "thread::sleep", "Regex::new", "xlsx"))
    assert "Not measured: where the system breaks" in words(document, "baseline")
    assert "orders_tracking_by_hand" in words(document, "open")
    assert {one.status for one in ranked(report, evidence)} >= {"confirmed", "cheap", "not-exercised", "contradicted"}
    assert [path.name for path in write(tmp_path, root, report, evidence, "")]
