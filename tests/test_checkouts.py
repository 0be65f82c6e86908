"""Paths in reports start where their reader stands: at the root of the checkout, whatever that is like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from repos import SERVER, Repo
from surface import project, write

from slowpath.commands import scan

NAMES = ["src/Basket.tsx", "src/Shelf.tsx"]


def git(folder: Path, *arguments: str) -> None:
    settings = ("user.name=a", "user.email=a@example.invalid", "protocol.file.allow=always", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]
    subprocess.run(["git", "-C", str(folder), *options, *arguments], check=True, capture_output=True)


def checkout(root: Path, project_folder: str = "") -> Path:
    """A repository with a project of two findings, committed."""
    write(project(root / project_folder), {"slowpath.toml": ""})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def uris(target: Path | str, cwd: Path, **env: str) -> list[str]:
    """Of the results, as code scanning resolves them."""
    with chdir(cwd):
        arguments = [str(target), "--format", "sarif", "--exit-zero", "--no-cache", "--jobs", "1"]
        outcome = CliRunner().invoke(scan.command, arguments, env=env)
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)["runs"][0]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in found["results"]]
    assert all(place["uriBaseId"] == "SRCROOT" for place in places) and str(cwd) not in outcome.stdout
    return [unquote(place["uri"]) for place in places]


@pytest.mark.parametrize("folder", ["", "web/app"])
@pytest.mark.parametrize("start", ["outside", "root", "project", "src"])
def test_from_any_folder(start: str, folder: str, tmp_path: Path) -> None:
    root = checkout(tmp_path / "repo", folder)
    cwd = {"outside": tmp_path, "root": root, "project": root / folder, "src": root / folder / "src"}[start]
    target = root / folder if start == "outside" or (start == "root" and folder) else "."
    expected = [f"{folder}/{name}" if folder else name for name in NAMES]
    assert uris(target, cwd) == expected


def test_worktree_and_submodule(tmp_path: Path) -> None:
    """Both have a file `.git`. A submodule is a repository of its own: its paths start at its own root."""
    inner, outer = checkout(tmp_path / "inner", "web"), checkout(tmp_path / "outer", "app")
    git(inner, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert uris("web", tmp_path / "tree") == [f"web/{name}" for name in NAMES]
    git(outer, "submodule", "add", "-q", str(inner), "libs/inner")
    assert uris(outer / "libs/inner/web", tmp_path) == [f"web/{name}" for name in NAMES]
    assert uris("app", outer) == [f"app/{name}" for name in NAMES]


def test_links(tmp_path: Path) -> None:
    """A linked checkout, a linked folder and a linked file are what they point at, and nothing is told twice."""
    root = checkout(tmp_path / "repo", "web")
    (tmp_path / "link").symlink_to(root)
    (root / "short").symlink_to("web/src")
    (root / "web/Other.tsx").symlink_to("src/Shelf.tsx")
    git(root, "add", "-A")
    assert uris("web", tmp_path / "link") == uris("link/web", tmp_path) == [f"web/{name}" for name in NAMES]
    assert uris("short", root) == [f"web/{name}" for name in NAMES]
    assert uris("web/Other.tsx", root) == ["web/src/Shelf.tsx"]


def test_a_folder_that_became_a_link_out_of_the_project(tmp_path: Path) -> None:
    """git still lists what was below it."""
    repo = Repo(tmp_path / "repo").commit(SERVER)
    (repo.root / "src").rename(tmp_path / "outside")
    (repo.root / "src").symlink_to(tmp_path / "outside")
    said = repo.scan()
    assert said.found == [] and "src/handlers.rs" in said.text and "a link that leaves the project" in said.text


@pytest.mark.parametrize(
    "folder", ["pröject", "50% off", "a#b?c", "a b\tc", "ünï/𝒳", "[id]", "a:b", "::error::x", "'\"$(x)"]
)
def test_names_that_need_care(folder: str, tmp_path: Path) -> None:
    root = checkout(tmp_path / "repo", folder)
    assert uris(folder, root) == [f"{folder}/{name}" for name in NAMES]


def test_inside_a_hook(tmp_path: Path) -> None:
    """Git tells a hook where it is; what it says of one folder must not be taken for another."""
    root = checkout(tmp_path / "repo", "web")
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"))
    expected = [f"web/{name}" for name in NAMES]
    for env in (
        {"GIT_DIR": ".git"},
        {"GIT_DIR": str(root / ".git")},
        {"GIT_DIR": str(root / ".git"), "GIT_WORK_TREE": str(root)},
        {"GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": ""},
        {"GIT_DIR": str(root / ".git/worktrees/tree"), "GIT_INDEX_FILE": str(root / ".git/worktrees/tree/index")},
    ):
        assert uris("web", root, **env) == expected, env
        assert uris(".", root / "web", **env) == expected, env
    assert uris("web", tmp_path / "tree", GIT_DIR=str(root / ".git/worktrees/tree")) == expected
    hook = root / ".git/hooks/pre-commit"
    hook.write_text('#!/bin/sh\n"$PY" -c "from slowpath.cli import main; main()" scan web --format concise > "$OUT"\n')
    hook.chmod(0o755)
    (root / "web/slowpath.toml").write_text("# changed\n")
    said = tmp_path / "said"
    os_env = {**os.environ, "PY": sys.executable, "OUT": str(said)}
    command = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "second"]
    assert subprocess.run(command, env=os_env, capture_output=True).returncode
    assert said.read_text().splitlines()[-1].startswith("2 findings")


def test_without_git(tmp_path: Path) -> None:
    """actions/checkout brings files alone where there is no git; GITHUB_WORKSPACE then says where they start."""
    root = write(project(tmp_path / "space/web"), {"slowpath.toml": ""})
    assert uris("web", root.parent) == NAMES
    assert uris("web", root.parent, GITHUB_WORKSPACE=str(root.parent)) == [f"web/{name}" for name in NAMES]
    assert uris("web", root.parent, GITHUB_WORKSPACE=str(tmp_path / "elsewhere")) == NAMES
    checkout(tmp_path / "space")
    assert uris("web", root.parent, PATH="/nonexistent") == [f"web/{name}" for name in NAMES]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_that_another_user_owns(tmp_path: Path) -> None:
    """Git refuses to read it (safe.directory); the files are there all the same."""
    root = checkout(tmp_path / "repo", "web")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert uris("web", root) == [f"web/{name}" for name in NAMES]
