"""What holds for the whole house: who may know what, and that a scan does not depend on how it is run."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from slowpath import engine, rulebook
from slowpath.cache import Cache

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/slowpath"
SHOP = ROOT / "fixtures/shop"


def imports(folder: str = "") -> Iterator[tuple[str, str]]:
    """(file, imported module) for every import in the package, those inside functions included."""
    for path in sorted((SOURCE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            yield from ((path.relative_to(SOURCE).as_posix(), name) for name in names)


def test_trees_never_leave_extract() -> None:
    users = {file for file, name in imports() if name.split(".")[0].startswith("tree_sitter")}
    assert users and {file.split("/")[0] for file in users} == {"extract"}


def test_checks_see_program_rule_and_finding_only() -> None:
    known = {name for _, name in imports("checks") if name.startswith("slowpath")}
    allowed = ("slowpath.program", "slowpath.model")
    assert known and all(name.startswith(allowed) for name in known), known


def test_model_imports_nothing_of_ours() -> None:
    known = {name for _, name in imports("model") if name.startswith("slowpath")}
    assert all(name.startswith("slowpath.model") for name in known), known


def test_only_discover_starts_a_program_and_nothing_opens_a_socket() -> None:
    outside = ("subprocess", "multiprocessing.connection", "socket", "ssl", "urllib.request", "http.client", "asyncio")
    risky = {(file, name) for file, name in imports() if name.startswith(outside)}
    assert {file for file, _ in risky} <= {"discover.py"}, risky


def test_help_imports_no_tree_sitter() -> None:
    code = (
        "import sys, slowpath.cli; print([m for m in sys.modules if m.startswith(('tree_sitter', 'sqlglot', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_cold_and_warm_one_job_and_two_find_the_same(tmp_path: Path) -> None:
    rules = rulebook.load()
    cold = engine.scan(SHOP, rules, jobs=1, cache=Cache(tmp_path))
    warm = engine.scan(SHOP, rules, jobs=1, cache=Cache(tmp_path))
    two = engine.scan(SHOP, rules, jobs=2, cache=None)
    assert cold.findings and warm.stats.parsed == 0
    assert cold.findings == warm.findings == two.findings
    assert cold.fingerprints == warm.fingerprints == two.fingerprints


def test_code_moved_down_keeps_its_fingerprints(tmp_path: Path) -> None:
    project = tmp_path / "board"
    for path in (ROOT / "fixtures/board").rglob("*"):
        if path.is_file():
            copy = project / path.relative_to(ROOT / "fixtures/board")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    before = sorted(engine.scan(project, rulebook.load()).fingerprints)
    for source in project.rglob("*.rs"):
        source.write_text("// moved\n" + source.read_text())
    assert before and sorted(engine.scan(project, rulebook.load()).fingerprints) == before
