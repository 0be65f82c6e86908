"""What the client says, message by message."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types

from slowpath.discover import SUFFIXES
from slowpath.model.finding import Finding
from slowpath.server.actions import KINDS, Can, Here, actions
from slowpath.server.analyst import View
from slowpath.server.app import Slowpath
from slowpath.server.diagnostics import Shape
from slowpath.server.hover import hover
from slowpath.server.progress import Progress

SECTION = "slowpath"
WATCHED = "**/{" + ",".join(["*" + suffix for suffix in sorted(SUFFIXES)] + ["*.md", "*Dockerfile*"]) + "}"
ANSWER = 2.0
"""Seconds in which a client says its settings; one that does not is taken to have none."""


def initialize(ls: Slowpath, params: types.InitializeParams) -> None:
    """What the client can, and what it opens."""
    can, encoding = params.capabilities, types.PositionEncodingKind(ls.workspace.position_encoding or "utf-16").value
    text, workspace = can.text_document, can.workspace
    published = text.publish_diagnostics if text else None
    ls.shape = Shape(
        encoding,
        related=bool(published and published.related_information),
        data=bool(published and published.data_support),
    )
    edits = workspace.workspace_edit if workspace else None
    action = text.code_action if text else None
    ls.can = Can(
        versions=bool(edits and edits.document_changes),
        create=bool(edits and types.ResourceOperationKind.Create in (edits.resource_operations or ())),
        preferred=bool(action and action.is_preferred_support),
    )
    formats = (text.hover.content_format if text and text.hover else None) or [types.MarkupKind.Markdown]
    ls.links = types.MarkupKind.Markdown in formats
    ls.bar = Progress(ls, shown=bool(can.window and can.window.work_done_progress))
    opened = [folder.uri for folder in params.workspace_folders or ()]
    ls.opening = opened or [uri for uri in [params.root_uri or _uri(params.root_path)] if uri]
    ls.options = params.initialization_options


def initialized(ls: Slowpath, params: types.InitializedParams) -> None:
    """The client is ready: what it sets, then the first analysis."""

    async def begin() -> None:
        ls.configure([ls.options])
        ls.folders_are(ls.opening)
        await _watch(ls)
        await _ask(ls)
        ls.start()

    ls.log(f"server started, Python {platform.python_version()}, positions {ls.shape.encoding}", types.MessageType.Log)
    ls.later(begin())


def did_change_configuration(ls: Slowpath, params: types.DidChangeConfigurationParams) -> None:
    """Settings of the editor: said here, or asked for."""

    async def follow() -> None:
        before = ls.asked
        if isinstance(params.settings, dict) and SECTION in params.settings:
            ls.configure([params.settings])
        await _ask(ls)
        if ls.asked != before:
            ls.follow_all()

    ls.later(follow())


def did_open(ls: Slowpath, params: types.DidOpenTextDocumentParams) -> None:
    """A text to analyse, saved or not."""
    document = params.text_document
    ls.open(document.uri, document.version, document.text)


def did_change(ls: Slowpath, params: types.DidChangeTextDocumentParams) -> None:
    """The same, once pygls has put the change into its document."""
    document = params.text_document
    ls.open(document.uri, document.version, ls.workspace.get_text_document(document.uri).source)


def did_close(ls: Slowpath, params: types.DidCloseTextDocumentParams) -> None:
    """What is on disk counts again."""
    ls.close(params.text_document.uri)


def did_save(ls: Slowpath, params: types.DidSaveTextDocumentParams) -> None:
    """Settings, rule pages and source alike."""
    ls.changed([params.text_document.uri])


def did_change_watched_files(ls: Slowpath, params: types.DidChangeWatchedFilesParams) -> None:
    """Somebody else wrote files: git, a generator, another editor."""
    ls.changed(change.uri for change in params.changes)


def did_change_workspace_folders(ls: Slowpath, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Folders come and go."""
    ls.folders_are(folder.uri for folder in ls.workspace.folders.values())
    ls.follow_all()


async def code_action(ls: Slowpath, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    """What can be done about the findings in the range."""
    known = await ls.current(params.text_document.uri)
    if known is None:
        return None
    at = _findings(ls, *known, params.range)
    return actions(Here(*known, ls.shape.encoding, ls.can, at), params.context.only)


async def show_hover(ls: Slowpath, params: types.HoverParams) -> types.Hover | None:
    """The finding under the pointer and the page of its rule."""
    known = await ls.current(params.text_document.uri)
    if known is None:
        return None
    at = _findings(ls, *known, types.Range(params.position, params.position))
    if not at:
        return None
    text = hover(known[0], [finding for finding, _ in at], links=ls.links)
    kind = types.MarkupKind.Markdown if ls.links else types.MarkupKind.PlainText
    return types.Hover(types.MarkupContent(kind, text), at[0][1].range)


def shutdown(ls: Slowpath, params: None) -> None:
    """The exit that follows is one that was asked for."""
    ls.code = 0


def register(ls: Slowpath) -> None:
    """All of them."""
    handlers: dict[str, Callable[..., Any]] = {
        types.INITIALIZE: initialize,
        types.INITIALIZED: initialized,
        types.SHUTDOWN: shutdown,
        types.TEXT_DOCUMENT_DID_OPEN: did_open,
        types.TEXT_DOCUMENT_DID_CHANGE: did_change,
        types.TEXT_DOCUMENT_DID_CLOSE: did_close,
        types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_watched_files,
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_workspace_folders,
        types.TEXT_DOCUMENT_HOVER: show_hover,
    }
    for method, handler in handlers.items():
        ls.feature(method)(handler)
    ls.feature(types.TEXT_DOCUMENT_DID_SAVE, types.SaveOptions(include_text=False))(did_save)
    ls.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=KINDS))(code_action)


def _findings(ls: Slowpath, view: View, path: str, where: types.Range) -> list[tuple[Finding, types.Diagnostic]]:
    """Those that the editor shows within the range, each with its diagnostic."""
    assert view.report is not None
    own = [finding for finding in view.report.findings if finding.place.path == path]
    shown = zip(own, view.diagnostics.get(path, ()), strict=False)
    start, end = _point(where.start), _point(where.end)
    return [
        (finding, diagnostic)
        for finding, diagnostic in shown
        if _point(diagnostic.range.start) <= end and start <= _point(diagnostic.range.end)
    ]


def _point(position: types.Position) -> tuple[int, int]:
    return position.line, position.character


async def _ask(ls: Slowpath) -> None:
    """The section of the client's configuration, where it has one."""
    workspace = ls.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return
    wanted = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
    try:
        answers = await asyncio.wait_for(ls.workspace_configuration_async(wanted), ANSWER)
    except Exception:
        return
    ls.configure(answers or ())


async def _watch(ls: Slowpath) -> None:
    """Have the client watch the files that slowpath reads, where it offers to."""
    workspace = ls.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(WATCHED)])
    wanted = types.Registration("slowpath-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
    try:
        await asyncio.wait_for(ls.client_register_capability_async(types.RegistrationParams([wanted])), ANSWER)
    except Exception:
        ls.log("the client watches no files: what others write counts after the next save", types.MessageType.Log)


def _uri(path: str | None) -> str | None:
    return Path(path).as_uri() if path else None
