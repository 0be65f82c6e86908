"""What can be done about findings: apply their fixes, one or all of a file, or allow them here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lsprotocol import types

from slowpath import fix as fixes
from slowpath.allow import allowing
from slowpath.model.finding import Edit, Finding, Fix
from slowpath.model.report import Report
from slowpath.server.analyst import View
from slowpath.server.positions import Text

FIX_ALL = "source.fixAll.slowpath"
QUICK_FIX = types.CodeActionKind.QuickFix
KINDS = [QUICK_FIX, FIX_ALL]


class Can(NamedTuple):
    """What edits the client takes."""

    versions: bool = True
    """`documentChanges`: edits name the version of the document that they are for."""
    create: bool = True
    preferred: bool = True


class Here(NamedTuple):
    """Where actions are asked for: the findings at that place, each with its diagnostic."""

    view: View
    path: str
    encoding: str
    can: Can
    at: list[tuple[Finding, types.Diagnostic]]


def actions(here: Here, only: Iterable[str] | None) -> list[types.CodeAction]:
    """Of the kinds that are wanted; all where the client does not say."""
    wanted = tuple(only) if only is not None else ("",)

    def asked(kind: str) -> bool:
        return any(not each or kind == each or kind.startswith(f"{each}.") for each in wanted)

    found: list[types.CodeAction] = []
    if asked(QUICK_FIX):
        found += _fixes(here)
        found += _allows(here)
    if asked(FIX_ALL):
        found += _fix_all(here)
    return found


def _fixes(here: Here) -> Iterator[types.CodeAction]:
    for finding, diagnostic in here.at:
        edit = _edit(here, [finding.fix]) if finding.fix is not None else None
        if finding.fix is not None and edit is not None:
            safe = finding.fix.safe
            yield types.CodeAction(
                title=finding.fix.title + ("" if safe else " (needs a look)"),
                kind=QUICK_FIX,
                diagnostics=[diagnostic],
                is_preferred=True if safe and here.can.preferred else None,
                edit=edit,
            )


def _fix_all(here: Here) -> Iterator[types.CodeAction]:
    """The safe fixes of the file that go together; what overlaps waits for the next time."""
    assert here.view.report is not None
    together = fixes.chosen(_of_file(here.view.report, here.path), (), unsafe=False)
    edit = _edit(here, together.values()) if together else None
    if edit is not None:
        yield types.CodeAction(title="slowpath: apply all safe fixes of this file", kind=FIX_ALL, edit=edit)


def _of_file(report: Report, path: str) -> Report:
    pairs = zip(report.findings, report.fingerprints, strict=True)
    return report.holding(pair for pair in pairs if pair[0].place.path == path)


def _allows(here: Here) -> Iterator[types.CodeAction]:
    """Comments without a reason: that is the writer's to say, and slowpath asks for it."""
    report = here.view.report
    assert report is not None
    done: set[tuple[str, int]] = set()
    for finding, diagnostic in here.at:
        site = (finding.rule, diagnostic.range.start.line)
        if site in done:  # an allow speaks of all findings of its rule on the line
            continue
        done.add(site)
        made = allowing(report.holding([(finding, "")]), "").fixes
        edit = _edit(here, made) if made else None
        if edit is not None:
            title = f"Allow {finding.rule} on this line"
            yield types.CodeAction(title=title, kind=QUICK_FIX, diagnostics=[diagnostic], edit=edit)


def _edit(here: Here, together: Iterable[Fix]) -> types.WorkspaceEdit | None:
    """The fixes as the client takes them; None where it cannot make the files that they need."""
    edits: dict[str, list[Edit]] = {}
    for each in together:
        for edit in each.edits:
            edits.setdefault(edit.place.path, []).append(edit)
    assert here.view.report is not None
    texts = here.view.report.sources.texts
    new = [path for path in edits if path not in texts]
    if new and not (here.can.create and here.can.versions):
        return None
    changes: dict[str, list[types.TextEdit]] = {}
    for path, own in edits.items():
        text = Text(texts.get(path, b""), here.encoding, path in here.view.held)
        in_order = sorted(own, key=lambda edit: edit.place.span)
        changes[path] = [types.TextEdit(text.range(edit.place.span), edit.text) for edit in in_order]
    if not here.can.versions:
        return types.WorkspaceEdit(changes={here.view.uri(path): made for path, made in changes.items()})
    steps: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
    for path, made in changes.items():
        if path in new:
            steps.append(types.CreateFile(here.view.uri(path), options=types.CreateFileOptions(overwrite=False)))
        held = here.view.held.get(path)
        name = types.OptionalVersionedTextDocumentIdentifier(
            here.view.uri(path), held.version if held is not None else None
        )
        steps.append(types.TextDocumentEdit(name, list(made)))
    return types.WorkspaceEdit(document_changes=steps)
