"""JUnit's XML, as Jenkins, GitLab and GitHub's test reporters read it: a file is a suite, a finding a failed test.

A test's name holds no line, so that a reader knows it again; a file that could not be read is an error.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from xml.etree import ElementTree as ET

from slowpath.model.finding import Finding, Trouble
from slowpath.model.report import Report
from slowpath.report.shared import details, file_of, spot
from slowpath.report.style import clean

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """One document; where nothing is found one test says so, since readers refuse a report without tests."""
    cases: dict[str, list[ET.Element]] = defaultdict(list)
    seen: Counter[tuple[str, str]] = Counter()
    for finding in report.findings:
        path = report.prefix + finding.place.path
        name = f"{finding.rule} in {finding.function}" if finding.function else finding.rule
        seen[path, name] += 1
        if seen[path, name] > 1:
            name += f" ({seen[path, name]})"
        cases[path].append(_failed(name, path, finding, report))
    for trouble in report.troubles:
        path = file_of(trouble, report)
        cases[path].append(_error(trouble, path, len(cases[path])))
    if not cases:
        cases["slowpath"].append(_case("no slow paths", "slowpath"))
    root = ET.Element("testsuites", _counts([case for own in cases.values() for case in own], "slowpath"))
    for path in sorted(cases):
        suite = ET.SubElement(root, "testsuite", _counts(cases[path], path))
        suite.extend(cases[path])
    if report.known:
        told = ET.SubElement(root[0], "system-out")
        told.text = f"{report.known} known findings are not shown."
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _failed(name: str, path: str, finding: Finding, report: Report) -> ET.Element:
    line, column, _ = spot(finding.place, report.sources)
    case = _case(name, path)
    failure = ET.SubElement(case, "failure", {"type": finding.severity, "message": _xml(finding.message)})
    head = f"{path}:{line}:{column}: {finding.message}"
    failure.text = "\n".join(map(_xml, [head, *details(finding, report), _frame(path, line)]))
    return case


def _frame(path: str, line: int) -> str:
    """The line of a stack trace of Java, by which readers of such traces find the file."""
    folder, name = posixpath.split(path)
    return f"at {folder.replace('/', '.')}.Slowpath({name}:{line})"


def _error(trouble: Trouble, path: str, number: int) -> ET.Element:
    case = _case(f"reading ({number + 1})" if number else "reading", path)
    told = f"{path}:{trouble.line or 1}: {trouble.message}"
    error = ET.SubElement(case, "error", {"type": "internal" if trouble.internal else "input", "message": _xml(told)})
    error.text = _xml(told)
    return case


def _case(name: str, path: str) -> ET.Element:
    return ET.Element("testcase", {"name": _xml(name), "classname": _xml(path), "time": "0"})


def _counts(cases: list[ET.Element], name: str) -> dict[str, str]:
    failures, errors = (sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error"))
    return {"name": _xml(name), "tests": str(len(cases)), "failures": str(failures), "errors": str(errors), "time": "0"}


def _xml(text: str) -> str:
    """What no document may hold is replaced; the rest is escaped when it is written."""
    return text if text.isprintable() else NO_XML.sub("\ufffd", clean(text))
