"""What names in a scope stand for, as its `use` declarations say. Paths come out as `a::b::c`."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.diesel import FILLERS


class Scope:
    """Imports of a block, on top of those around it."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.names: dict[str, str] = dict(outer.names) if outer else {}
        self.globs: tuple[str, ...] = outer.globs if outer else ()

    def add(self, declaration: Node) -> None:
        """Take in one `use` declaration."""
        argument = declaration.child_by_field_name("argument")
        for name, path in _imports(argument, ""):
            if name == "*":
                table = _segments(path)[-1:]
                self.globs += tuple(t for t in table if t not in ("prelude", "schema", *self.globs))
            else:
                self.names[name] = path

    def segments(self, path: str) -> list[str]:
        """A path with its first segment resolved, without the fillers between a table and its columns."""
        first, _, rest = path.partition("::")
        known = self.names.get(first)
        if known:
            path = f"{known}::{rest}" if rest else known
        return _segments(path)

    def column(self, path: str) -> str:
        """A path that may be a column: `table.column`, `.column`, or nothing."""
        parts = self.segments(path)
        if len(parts) == 1:
            return f".{parts[0]}" if self.globs and _lower(parts[0]) else ""
        if not _lower(parts[-1]) or not _lower(parts[-2]) or parts[-2] in ("self", "crate", "super", "schema"):
            return ""
        return f"{parts[-2]}.{parts[-1]}"

    def table(self, path: str) -> str:
        """A path that may be a table: `table`, `.table`, or nothing."""
        parts = self.segments(path)
        if parts[-1] == "table" and len(parts) > 1:
            return parts[-2]
        if not _lower(parts[-1]):
            return ""
        if len(parts) > 1 and (parts[-2] == parts[-1] or path != parts[-1]):
            return parts[-1]
        return f".{parts[-1]}"


def _lower(name: str) -> bool:
    return name[:1].islower() or name[:1] == "_"


def _segments(path: str) -> list[str]:
    parts = path.replace("r#", "").replace(" ", "").split("::")
    return [part for part in parts if part not in FILLERS] or parts


def _imports(node: Node | None, prefix: str) -> Iterator[tuple[str, str]]:
    """(local name, path) of a use tree; a glob's name is `*`."""
    if node is None:
        return
    kind = node.type
    if kind == "use_list":
        for child in node.named_children:
            yield from _imports(child, prefix)
    elif kind == "scoped_use_list":
        path = prefix + text(node.child_by_field_name("path"))
        yield from _imports(node.child_by_field_name("list"), path + "::")
    elif kind == "use_as_clause":
        yield text(node.child_by_field_name("alias")), prefix + text(node.child_by_field_name("path"))
    elif kind == "use_wildcard":
        yield "*", (prefix + text(node).removesuffix("*")).removesuffix("::")
    elif kind == "self":
        path = prefix.removesuffix("::")
        yield path.rsplit("::", 1)[-1], path
    elif kind in ("identifier", "scoped_identifier"):
        path = prefix + text(node)
        yield path.rsplit("::", 1)[-1], path
