"""Who in the house may know what, beyond the layers of pyproject.toml. Imports inside functions count."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/slowpath"


def imports(folder: str = "") -> Iterator[tuple[str, str]]:
    """(file, imported module) for every import in the package, those inside functions included."""
    for path in sorted((SOURCE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            yield from ((path.relative_to(SOURCE).as_posix(), name) for name in names)


def served_texts() -> list[str]:
    return [path.read_text() for path in sorted((SOURCE / "server").rglob("*.py"))]


def test_trees_never_leave_extract() -> None:
    users = {file for file, name in imports() if name.split(".")[0].startswith("tree_sitter")}
    assert users and {file.split("/")[0] for file in users} == {"extract"}


def test_checks_see_program_rule_and_finding_only() -> None:
    known = {name for _, name in imports("checks") if name.startswith("slowpath")}
    allowed = ("slowpath.program", "slowpath.model")
    assert known and all(name.startswith(allowed) for name in known), known


def test_only_git_and_runtime_start_programs_and_nothing_opens_a_socket() -> None:
    outside = ("subprocess", "multiprocessing.connection", "socket", "ssl", "urllib.request", "http.client", "asyncio")
    outside += ("pygls",)
    risky = {(file, name) for file, name in imports() if name.startswith(outside)}
    # An editor's server: pygls can listen on ports, and asyncio too. It is told to speak over stdin and stdout.
    served = {
        (file, name) for file, name in risky if file.startswith("server/") and name.startswith(("pygls", "asyncio"))
    }
    risky -= served
    assert served and not any(
        word in text for text in served_texts() for word in ("start_tcp", "start_ws", "open_conn")
    )
    assert {file for file, _ in risky if not file.startswith("runtime/")} <= {"git.py"}, risky
    users = {
        file for file, name in imports() if name.startswith("slowpath.runtime") and not file.startswith("runtime/")
    }
    assert {file for file in users if not file.startswith("commands/")} == set()
