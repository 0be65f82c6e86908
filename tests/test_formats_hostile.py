"""What a project says stays text in every format: in its code, its messages, and the names of its files."""

from __future__ import annotations

import json
import re

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt
from readers import CODE_QUALITY, DIAGNOSTICS, Command, commands, junit

from slowpath import rulebook
from slowpath.model.finding import Edit, Finding, Fix, Measured, Place, Step, Trouble
from slowpath.model.report import Report, Stats
from slowpath.model.source import Sources
from slowpath.report import formats
from slowpath.report.shared import HOME

EVIL = [
    "::set-output name=a::b",
    "  ::error file=a.rs,line=1::gone",
    "x\r\n::stop-commands::never",
    "##[add-mask]secret",
    "##vso[task.setvariable variable=x]y",
    "\x1b[31mred\x1b]0;title\x07",
    "]]><evil/>&amp;",
    "<img src=x onerror=alert(1)> <!-- <script>",
    "@octocat and @octo/team, #123, octo/repo#4, GH-12",
    "[click](https://evil.example) ![p](https://evil.example/p.png) https://evil.example www.evil.example",
    "a | b `c | d` \\` ``",
    "- [ ] list\n# head\n```\n</details>",
    "\x00\x0b\ufffe\ufeff\u202e\u2028 \U0001d4b3 100%25 %0A, a:b",
]
RULE = "n-plus-one"


def evil(text: str) -> Report:
    """A report in which the text stands wherever a project has a say."""
    path = f"src/{text.replace('/', '')}.rs"
    sources = Sources({path: f"{text}\nfn a() {{}}\n".encode()})
    first, second = Place(path, (0, 3)), Place(path, (0, len(text.encode()) + 4))
    step = Step(first, text)
    finding = Finding(RULE, first, "warning", "high", text, text, (step, step), (step,), routes=(text,))
    fixed = msgspec.structs.replace(
        finding,
        place=second,
        fix=Fix(text, True, (Edit(first, text),)),
        measured=Measured("confirmed", text, path=(text,)),
    )
    return Report(
        (finding, fixed),
        ("a" * 24, "b" * 24),
        (Trouble(path, 1, text), Trouble(text, 0, text, internal=True)),
        {RULE: next(rule for rule in rulebook.load() if rule.id == RULE)},
        sources,
        Stats(1),
        prefix="a folder/",
        known=3,
    )


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("style", ["full", "concise"])
def test_text_steers_no_terminal_and_no_log(style: str, text: str) -> None:
    said = formats.rendered(evil(text), style)
    assert commands(said) == [] and "##[" not in said and "##vso[" not in said
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]", said)


@pytest.mark.parametrize("text", EVIL)
def test_github_takes_the_annotations_and_nothing_else_for_commands(text: str) -> None:
    report = evil(text)
    said = formats.rendered(report, "github")
    found = commands(said)
    assert [command.name for command in found] == ["warning", "warning"]
    printable = re.sub(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\u2028\u202e]|(?<=#)#(?=\\[|vso)", "\ufffd", report.findings[0].place.path
    )
    assert {command.properties["file"] for command in found} == {f"a folder/{printable}"}
    end = "2" if "\n" in text[:3] else "4"
    where = {"file": f"a folder/{printable}", "line": "1", "col": "1", "endColumn": end, "title": f"slowpath: {RULE}"}
    assert found[1] == Command("warning", where, found[1].data), "what was measured to cost comes first"


@pytest.mark.parametrize("text", EVIL)
def test_xml_and_json_are_read_back(text: str) -> None:
    report = evil(text)
    root = junit(formats.rendered(report, "junit"))
    assert len(root.findall(".//failure")) == 2 and len(root.findall(".//error")) == 2 and not root.findall(".//evil")
    issues = json.loads(formats.rendered(report, "gitlab"))
    jsonschema.validate(issues, CODE_QUALITY)
    assert len({issue["fingerprint"] for issue in issues}) == 2
    told = json.loads(formats.rendered(report, "rdjson"))
    jsonschema.validate(told, DIAGNOSTICS)
    assert told["diagnostics"][0]["message"] == text
    assert told["diagnostics"][1]["message"] == f"{text}\n\nMeasured: confirmed: {text}"
    lines = formats.rendered(report, "json-lines").rstrip("\n").split("\n")
    assert [json.loads(line)["type"] for line in lines] == ["finding", "finding", "error", "error"]
    assert json.loads(lines[0])["message"] == json.loads(lines[2])["message"] == text


@pytest.mark.parametrize("text", EVIL)
def test_markdown_holds_only_its_own_markup(text: str) -> None:
    said = formats.rendered(evil(text), "markdown")
    html, links, words = [], [], []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(said):
        if token.type == "html_block":
            html.append(token.content.strip())
        assert token.type not in ("fence", "code_block", "hr", "blockquote_open")
        assert not token.type.startswith("heading") or token.tag == "h2"
        for inner in token.children or []:
            assert inner.type not in ("image", "html_inline"), inner
            if inner.type == "link_open":
                links.append(str(inner.attrs["href"]))
            if inner.type == "text":
                words.append(inner.content)
    opened = [line for line in html if line.startswith("<details><summary>")]
    assert len(opened) == 3 and len(html) == 6 and html.count("</details>") == 3
    assert all(re.fullmatch(r"<details><summary>[\w ,]+</summary>", line) for line in opened)
    assert links and all(link.startswith(HOME) for link in links)
    assert not re.search(r"@\w|#\d|GH-\d", " ".join(words))
    assert not re.search(r"(?<![\](])https?://|www\.", re.sub(r"(`+).+?\1", "", said)), "GitHub links these by itself"


@pytest.mark.parametrize("style", ["sarif", "junit", "markdown"])
def test_no_report_tells_where_a_machine_keeps_things(style: str) -> None:
    """What is wrong with the cache is told with its name alone."""
    broken = Trouble("/home/somebody/.cache/slowpath/facts.db", 0, "cannot be opened")
    said = formats.rendered(msgspec.structs.replace(evil("x"), troubles=(broken, broken)), style)
    assert "facts.db" in said and "somebody" not in said
    assert style != "junit" or junit(said).get("errors") == "2"
