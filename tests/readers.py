"""How other programs read what slowpath writes, for the tests: GitHub's runner, GitLab, Jenkins, reviewdog."""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

COMMANDS = frozenset(
    "add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher save-state set-env set-output "
    "stop-commands warning".split()
)


class Command(NamedTuple):
    """A workflow command, as the runner takes it from a line of the log."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """As GitHub's runner finds them: `::name a=b,c=d::data` where a line begins, `##[name a=b;c=d]data` anywhere."""
    found = [_of_line(line) for line in log.replace("\r", "\n").split("\n")]
    return [command for command in found if command]


def _of_line(line: str) -> Command | None:
    line = line.lstrip()
    if line.startswith("::") and "::" in line[2:]:
        info, _, data = line[2:].partition("::")
        name, _, properties = info.partition(" ")
        if name.lower() in COMMANDS:
            pairs = (entry.partition("=") for entry in properties.strip().split(",") if "=" in entry)
            return Command(name, {key: _plain(value, "::", ",") for key, _, value in pairs}, _plain(data))
    _, found, rest = line.partition("##[")
    name = rest.partition("]")[0].split(" ")[0]
    return Command(name, {}, rest.partition("]")[2]) if found and "]" in rest and name.lower() in COMMANDS else None


def _plain(value: str, *more: str) -> str:
    signs = ["\r", "\n", *(sign[0] for sign in more), "%"]
    for sign in signs:
        value = value.replace(f"%{ord(sign):02X}", sign)
    return value


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT, NUMBER = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}
CODE_QUALITY = {
    "type": "array",
    "items": _object(
        {
            "type": {"const": "issue"},
            "check_name": TEXT,
            "description": TEXT,
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": _object({"path": TEXT, "lines": _object({"begin": NUMBER}, end=NUMBER)}),
            "categories": {"type": "array", "items": {"const": "Performance"}},
        },
        content=_object({"body": {"type": "string"}}),
    ),
}
"""GitLab's codeclimate.json with what its documentation and Code Climate's specification say beyond it."""

RANGE = _object(
    {"start": _object({"line": NUMBER, "column": NUMBER}), "end": _object({"line": NUMBER, "column": NUMBER})}
)
PLACE = _object({"path": TEXT, "range": RANGE})
DIAGNOSTICS = _object(
    {
        "source": _object({"name": TEXT, "url": TEXT}),
        "diagnostics": {
            "type": "array",
            "items": _object(
                {
                    "message": TEXT,
                    "location": PLACE,
                    "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
                    "code": _object({"value": TEXT}, url=TEXT),
                },
                suggestions={"type": "array", "items": _object({"range": RANGE, "text": {"type": "string"}})},
                related_locations={"type": "array", "items": _object({"message": TEXT, "location": PLACE})},
            ),
        },
    }
)
"""reviewdog.proto, and nothing beyond it: older readers refuse what they do not know."""

JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time"}, {"testcase", "system-out"}),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
"""Element → its attributes and children, of those that Jenkins' junit-10.xsd allows."""


def junit(document: str) -> ET.Element:
    """The document, when Jenkins takes it and its counts hold."""
    root = ET.fromstring(document.encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = JUNIT[element.tag]
        assert set(element.attrib) <= attributes and {child.tag for child in element} <= children, element.tag
        if element.tag in ("testsuites", "testsuite"):
            for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
                assert element.get(name) == str(len(element.findall(f".//{tag}")))
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(cases)) == len(cases), "GitLab keeps one test of a name"
    return root
