"""The fixture projects: their expectations, exact both ways, and the compilers that accept them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from slowpath import rulebook, testing
from slowpath.discover import discover

ROOT = Path(__file__).parents[1]
PROJECTS = sorted(path for path in (ROOT / "fixtures").iterdir() if path.is_dir())
WORKSPACES = [project for project in PROJECTS if (project / "Cargo.lock").is_file()]
CLIENTS = [project / "web" for project in PROJECTS if (project / "web/package.json").is_file()]


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT / "fixtures").as_posix() for path in paths]


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Run a tool, and show what it printed where it fails."""
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("project", PROJECTS, ids=names(PROJECTS))
def test_expectations_hold(project: Path) -> None:
    problems = testing.check_project(project, rulebook.load())
    assert not problems, "\n".join(problems)


def test_shop_speaks_for_every_default_rule() -> None:
    texts = {path: source.decode() for path, _, source in discover(ROOT / "fixtures/shop").files}
    expected = testing.expectations(texts, "")
    marked = {site[2] for site in (*expected.found, *expected.missed)}
    shipped = {rule.id for rule in rulebook.load() if rule.enabled and rule.group != "slowpath"}
    assert shipped <= marked, f"no site for {sorted(shipped - marked)}"


@pytest.mark.parametrize("project", WORKSPACES, ids=names(WORKSPACES))
def test_cargo_accepts_the_service(project: Path, cargo: str, tmp_path: Path) -> None:
    # pq-sys looks for libpq, which only linking needs
    target = os.environ.get("CARGO_TARGET_DIR") or str(user_cache_path("slowpath-fixtures") / "target")
    folders = {"CARGO_TARGET_DIR": target, "PQ_LIB_DIR": str(tmp_path)}
    run(cargo, "check", "--workspace", "--locked", "--quiet", cwd=project, **folders)


@pytest.mark.parametrize("client", CLIENTS, ids=names(CLIENTS))
def test_typescript_and_vite_accept_the_client(client: Path, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (client / "node_modules").is_dir():
        pytest.skip("the client's packages are not installed: npm ci --prefix " + client.relative_to(ROOT).as_posix())
    binaries = client / "node_modules/.bin"
    run(str(binaries / "tsc"), "--noEmit", cwd=client)
    run(str(binaries / "vite"), "build", "--outDir", str(tmp_path / "dist"), cwd=client)
