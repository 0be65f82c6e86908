"""Edits to a manifest. What they do not speak of stays as it was written: comments, order, quotes, line ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from slowpath.model.cargo import SCOPES, Dependency, Key, Manifest, Scope, Written
from slowpath.model.finding import Edit, Place, Span
from slowpath.program.cargo import Entry
from slowpath.program.toml_lists import changed, without

BARE = re.compile(r"[\w-]+", re.A)


def dropped(entry: Entry) -> tuple[Edit, ...]:
    """The entry goes with its lines."""
    written = entry.declared.written
    return tuple(Edit(Place(entry.package.path, span), "") for span in written.lines) if written else ()


def moved(entry: Entry, scope: Scope) -> tuple[Edit, ...]:
    """The entry stands among those of another scope, as it was written. None where that table cannot take it."""
    written, manifest, platform = entry.declared.written, entry.package.manifest, entry.declared.target
    there = [own for own in manifest.dependencies if (own.scope, own.target) == (scope, platform)]
    if written is None or entry.optional or any(own.key == entry.declared.key for own in there):
        return ()
    prefix = ("target", platform) if platform else ()
    table = next(
        (own for own in manifest.tables if own.path[:-1] == prefix and SCOPES.get(own.path[-1]) == scope), None
    )
    if table is None and any(
        own.written is None or (own.written.home and own.written.form != "table") for own in there
    ):
        return ()
    name = next(name for name, meant in SCOPES.items() if meant == scope)
    if written.home:
        return tuple(Edit(Place(entry.package.path, span), name) for span in written.home)
    text = manifest.newline + written.text.decode().rstrip("\r\n")
    if table is None:
        table = [own for own in manifest.tables if not SCOPES.keys().isdisjoint(own.path)][-1]
        text = f"{manifest.newline * 2}[{_header((*prefix, name))}]{text}"
    at = table.span[1]
    lines = list(written.lines)
    last = lines[-1]
    ending = written.text[len(written.text.rstrip(b"\r\n")) :].decode()
    if last[0] <= at < last[1] or (at == last[1] and not ending):  # it is the last line before the new table
        edits = dict.fromkeys(lines[:-1], "") | {last: text.removeprefix(manifest.newline) + ending}
    else:
        edits = dict.fromkeys(lines, "") | {(at, at): text}
    return tuple(Edit(Place(entry.package.path, span), new) for span, new in sorted(edits.items()))


def with_features(
    dependency: Dependency, path: str, features: Iterable[str], default: bool | None = None
) -> tuple[Edit, ...]:
    """The entry has these features, in the order of its list where they stand there already.

    `default` False turns the default features off, True on; None leaves them. Nothing where the entry cannot be edited.
    """
    written = dependency.written
    wanted = list(dict.fromkeys(features))
    listed = written.key("features") if written else None
    if written is None or (listed and len(listed.items) != len(dependency.features)):
        return ()
    said = written.key("default-features", "default_features")
    edits: dict[Span, str] = {}
    gone: list[Key] = []
    added: dict[str, str] = {}
    if default is False and dependency.default_features is not False:
        if said:
            edits[said.value] = "false"
        else:
            added["default-features"] = "false"
    elif default and said and dependency.default_features is False:
        gone.append(said)
    if listed and wanted:
        edits |= changed(written.cut(listed.value).encode(), listed, dependency.features, wanted)
    elif listed:
        gone.append(listed)
    elif wanted:
        added["features"] = f"[{', '.join(map(json.dumps, wanted))}]"
    edits |= _without(written, gone)
    if added:
        kept = [key for key in written.keys if key not in gone]
        if not kept and written.form != "string":
            return ()
        edits |= _with(written, kept, added)
    return tuple(Edit(Place(path, span), text) for span, text in sorted(edits.items()))


def with_profile(
    manifest: Manifest, path: str, values: Mapping[str, str | int | bool], name: str = "release"
) -> tuple[Edit, ...]:
    """`[profile.release]`, or another profile, has these values. Nothing where positions are not known."""
    if not manifest.tables:
        return ()
    table = next((table for table in manifest.tables if table.path == ("profile", name)), None)
    known = {key.name: key for key in table.keys} if table else {}
    edits = {known[key].value: json.dumps(value) for key, value in values.items() if key in known}
    new = [f"{key} = {json.dumps(value)}" for key, value in values.items() if key not in known]
    if new:
        header = [] if table else ["", f"[profile.{name}]"]
        end = (table or manifest.tables[-1]).span[1]
        edits[end, end] = "".join(manifest.newline + line for line in [*header, *new])
    return tuple(Edit(Place(path, span), text) for span, text in sorted(edits.items()))


def _header(path: tuple[str, ...]) -> str:
    quoted = (f"'{name}'" if "'" not in name else json.dumps(name, ensure_ascii=False) for name in path)
    return ".".join(name if BARE.fullmatch(name) else text for name, text in zip(path, quoted, strict=True))


def _without(written: Written, gone: list[Key]) -> dict[Span, str]:
    """Options go: out of the braces, or with their lines."""
    if written.form == "inline":
        spans = [key.span for key in written.keys]
        indexes = {number for number, key in enumerate(written.keys) if key in gone}
        return dict.fromkeys(without(written.cut(written.value).encode(), written.value[0], spans, indexes), "")
    return {_line(written, key.span): "" for key in gone}


def _with(written: Written, kept: list[Key], added: dict[str, str]) -> dict[Span, str]:
    """Options behind the first of those that stay."""
    options = [f"{name} = {value}" for name, value in added.items()]
    if written.form == "string":
        start, end = written.value
        return {(start, start): "{ version = ", (end, end): f", {', '.join(options)} }}"}
    end = kept[0].span[1]
    if written.form == "inline":
        return {(end, end): "".join(f", {option}" for option in options)}
    line = _line(written, kept[0].span)
    text = written.cut(line)
    content = text.rstrip("\r\n")
    end = line[0] + len(content.encode())
    head = written.newline + content[: len(content) - len(content.lstrip())]
    head += f"{written.cut(written.name)}." if written.form == "dotted" else ""
    return {(end, end): "".join(head + option for option in options)}


def _line(written: Written, span: Span) -> Span:
    """The whole lines of an option that has lines of its own."""
    start, end = next(lines for lines in written.lines if lines[0] <= span[0] < lines[1])
    text = written.cut((start, end)).encode()
    after = text.find(b"\n", span[1] - start)
    return start + text.rfind(b"\n", 0, span[0] - start) + 1, end if after < 0 else start + after + 1
