"""What `slowpath init` writes into repositories of all kinds, and what it leaves alone."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from surface import CLIENT, project, run, write

from slowpath import config
from slowpath.commands import init_files
from slowpath.config import Config

HOOKS = """# our hooks
default_language_version: {python: python3}

repos:
    - repo: https://github.com/pre-commit/pre-commit-hooks
      rev: v5.0.0 # keep
      hooks:
          - id: check-yaml
          - id: end-of-file-fixer
            # args: [x]

# the service
ci:
    autofix_prs: false
"""


def git(root: Path, *arguments: str) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *names, "-C", root, *arguments], check=True, capture_output=True)


def repository(root: Path, files: dict[str, str] | None = None) -> Path:
    """A project of the tests as a checkout of GitHub."""
    write(project(root), files or {})
    git(root, "init", "-q", "-b", "trunk")
    git(root, "remote", "add", "origin", "https://github.com/a/b.git")
    return root


def texts(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def init(root: Path, *arguments: str | Path) -> str:
    outcome = run("init", *arguments, cwd=root)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def test_a_new_repository_gets_settings_and_workflow_and_sees_its_first_finding(tmp_path: Path) -> None:
    root = repository(tmp_path)
    told = init(root)
    assert "found 2 TypeScript files" in told and "warning[query-client-per-render]" in told
    assert "2 findings (2 warning)" in told
    assert "wrote slowpath.toml\nwrote .github/workflows/slowpath.yml\n" in told
    assert config.load(root) == Config(), "what is so by default is not written"
    workflow = yaml.safe_load((root / ".github/workflows/slowpath.yml").read_text())
    assert workflow[True]["push"]["branches"] == ["trunk"] and "pull_request" in workflow[True]
    assert not (root / ".pre-commit-config.yaml").exists(), "pre-commit is not in use"
    assert run("scan", root).returncode == 1


def test_twice_changes_nothing(tmp_path: Path) -> None:
    root = repository(tmp_path, {".pre-commit-config.yaml": HOOKS})
    init(root)
    before = texts(root)
    told = init(root)
    assert texts(root) == before and "wrote" not in told and "changed" not in told
    assert "slowpath.toml is there already and stays as it is\n" in told
    assert ".pre-commit-config.yaml runs slowpath already" in told


def test_diff_writes_nothing_and_applies(tmp_path: Path) -> None:
    root = repository(tmp_path, {".pre-commit-config.yaml": HOOKS})
    before = texts(root)
    shown = init(root, "--diff", "--no-scan")
    assert texts(root) == before
    patch = shown[shown.index("--- ") :]
    subprocess.run(["git", "-C", root, "apply", "-"], input=patch, text=True, check=True)
    applied = texts(root)
    for name in applied.keys() - before.keys():
        (root / name).unlink()
    write(root, {".pre-commit-config.yaml": HOOKS})
    init(root, "--no-scan")
    assert texts(root) == applied != before


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_hook_goes_to_the_end_of_the_repos_and_all_else_stays(tmp_path: Path, end: str) -> None:
    root = repository(tmp_path)
    old = HOOKS.replace("\n", end).encode()
    (root / ".pre-commit-config.yaml").write_bytes(old)
    init(root, "--no-scan")
    new = (root / ".pre-commit-config.yaml").read_bytes()
    lines = [text.decode().splitlines(keepends=True) for text in (old, new)]
    changes = list(difflib.unified_diff(*lines))[2:]
    assert not [line for line in changes if line.startswith("-")] and new.count(end.encode()) == new.count(b"\n")
    before, after = yaml.safe_load(old), yaml.safe_load(new)
    added = after["repos"].pop()
    assert after == before and added["hooks"] == [{"id": "slowpath"}]
    assert new.index(b"# args: [x]") < new.index(b"slowpath") < new.index(b"# the service")
    command = [sys.executable, "-m", "pre_commit", "validate-config", root / ".pre-commit-config.yaml"]
    subprocess.run(command, check=True)


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n- repo: local\n  hooks:\n  - {id: a, name: a, entry: a, language: system}\n",
        "repos:\n  - hooks: [{id: a}]\n    repo: https://x\n    rev: v1",
        "repos:\n  # first\n\n  - repo: https://x\n    rev: v1\n    hooks:\n      - id: a\n\n\n# the end\n",
        'fail_fast: true\nrepos: # all\n  - "repo": https://x\n    rev: v1\n    hooks:\n      -   id: a\nexclude: b\n',
    ],
)
def test_layouts_of_hooks(text: str) -> None:
    new = init_files.hooked(text, "")
    assert new is not None
    before, after = yaml.safe_load(text), yaml.safe_load(new)
    assert after["repos"].pop()["hooks"] == [{"id": "slowpath"}] and after == before
    assert all(line in new.splitlines() for line in text.splitlines())


@pytest.mark.parametrize("text", ["repos: []\n", "repos: [{repo: meta, hooks: [{id: identity}]}]\n", "", "- a\n"])
def test_hooks_that_cannot_be_edited_by_lines_are_shown(tmp_path: Path, text: str) -> None:
    root = repository(tmp_path, {".pre-commit-config.yaml": text})
    told = init(root, "--no-scan")
    assert (root / ".pre-commit-config.yaml").read_text() == text
    assert yaml.safe_load("repos:\n" + told[told.index("  - repo:") :])["repos"][0]["hooks"] == [{"id": "slowpath"}]


def test_lines_of_a_file_with_hooks_are_those_of_yaml(tmp_path: Path) -> None:
    own = "repos:\r\n- repo: local\r\n  hooks: []\n# a\u2028b\x0cc\n".encode()
    (tmp_path / ".pre-commit-config.yaml").write_bytes(own)
    run("init", "--no-scan", project(tmp_path))
    lines = (tmp_path / ".pre-commit-config.yaml").read_bytes().splitlines(keepends=True)
    assert b"".join(lines[:3] + lines[-1:]) == own and b"slowpath" in lines[3]


def test_hook_and_workflow_on_request(tmp_path: Path) -> None:
    told = init(project(tmp_path), "--no-scan")
    assert "no workflow" in told and list(texts(tmp_path)) == ["slowpath.toml", "src/Basket.tsx", "src/Shelf.tsx"]
    init(tmp_path, "--no-scan", "--pre-commit", "--workflow")
    assert {".pre-commit-config.yaml", ".github/workflows/slowpath.yml"} <= texts(tmp_path).keys()
    other = repository(tmp_path / "other", {".pre-commit-config.yaml": HOOKS})
    init(other, "--no-scan", "--no-pre-commit", "--no-workflow")
    assert texts(other).keys() == texts(tmp_path / "other").keys() - {".github/workflows/slowpath.yml"}
    assert (other / ".pre-commit-config.yaml").read_text() == HOOKS


def test_settings_of_ones_own_stay(tmp_path: Path) -> None:
    own = 'ignore = ["needless-memo"]  # ours\n[per-file-ignores]\n"src/generated/" = ["react"]\n'
    more = {"src/generated/Api.tsx": CLIENT.format(name="Api"), ".gitattributes": "lib/** linguist-vendored\n"}
    root = repository(tmp_path, {"slowpath.toml": own, "lib/Old.tsx": CLIENT.format(name="Old"), **more})
    told = init(root, "--no-scan")
    assert (root / "slowpath.toml").read_text() == own
    assert 'it lacks:\n+exclude = [\n+    "lib/**",  # vendored, says .gitattributes\n+]\n' in told
    assert "generated" not in told


def test_settings_in_pyproject_stay(tmp_path: Path) -> None:
    root = repository(tmp_path, {"pyproject.toml": '[tool.slowpath]\nfail-on = "warning"\n'})
    assert "pyproject.toml is there already" in init(root, "--no-scan")
    assert not (root / "slowpath.toml").exists()


def test_what_nobody_writes_by_hand_is_left_out(tmp_path: Path) -> None:
    files = {
        ".gitattributes": '# comment\nlib/** linguist-vendored=true\n"a b" linguist-generated\nno linguist-generated\n'
        "src/*.pb.ts -diff linguist-generated\n*a*a*a*a*a*a*a*a*a*a linguist-vendored\n",
        "lib/Old.tsx": CLIENT.format(name="Old"),
        "src/shop.pb.ts": "export const a = 1;\n",
        "web/__generated__/Api.tsx": CLIENT.format(name="Api"),
    }
    root = repository(tmp_path, files)
    assert "2 findings (2 warning)" in init(root)
    settings = config.load(root)
    assert settings.exclude == ("lib/**",)
    assert settings.per_file_ignores == {"src/*.pb.ts": ("all",), "web/__generated__/": ("all",)}
    assert run("scan", root, "--format", "concise").stdout.count("query-client-per-render") == 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {
                "Cargo.toml": '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\naxum = "0.8"\n',
                "a/Cargo.toml": '[package]\nname = "a"\n[dependencies]\nsqlx = "0.8"\ntokio = "1"\n',
                "a/src/main.rs": "fn main() {}\n",
                "a/migrations/20240102030405_b.up.sql": "SELECT 1;",
                "a/migrations/20240102030405_b.down.sql": "SELECT 1;",
                "a/migrations/20230102030405_a.up.sql": "SELECT 1;",
                "db/clickhouse/migrations/30_no_rule_speaks_of.sql": "SELECT 1;",
            },
            "found 1 Rust file, 2 TypeScript files, 4 SQL files in 2 crates (axum, tokio, sqlx)\n"
            "found migrations in a/migrations\n",
        ),
        (
            {"package.json": '{"dependencies": {"react": "19", "next": "15"}, "devDependencies": {"vite": "7"}}'},
            "found 2 TypeScript files in 1 package (React, Next.js, Vite)\n",
        ),
        ({"Cargo.toml": "broken = [", "package.json": '{"dependencies": ["a"]}'}, "in 1 crate and 1 package\n"),
    ],
)
def test_what_it_finds(tmp_path: Path, files: dict[str, str], words: str) -> None:
    root = repository(tmp_path, files)
    assert words in init(root, "--no-scan")
    assert tomllib.loads((root / "slowpath.toml").read_text()) == ({"migrations": {}} if "SQL" in words else {})
    assert ('# start-after = "20240102030405_b"' in (root / "slowpath.toml").read_text()) == ("SQL" in words)


@pytest.mark.parametrize(
    ("folder", "name"), [("apps/web", "apps-web"), ("our app's\n #1: [x]", "our-app-s---1---x-"), ("a.b\\c", "a.b-c")]
)
def test_a_project_within_a_larger_checkout(tmp_path: Path, folder: str, name: str) -> None:
    root = repository(tmp_path, {".pre-commit-config.yaml": HOOKS})
    web = project(root / folder)
    init(web, "--no-scan")
    assert (web / "slowpath.toml").exists() and not (root / "slowpath.toml").exists()
    workflow = yaml.safe_load((root / f".github/workflows/slowpath-{name}.yml").read_text())
    inputs = workflow["jobs"]["slowpath"]["steps"][-1]["with"]
    assert inputs == {"working-directory": folder, "category": f"slowpath-{name}"}
    hook = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"][-1]["hooks"][0]
    inside, outside = f"{folder}/src/a.rs", "b/src/a.rs"
    assert re.search(hook["exclude"], outside) and not re.search(hook["exclude"], inside)
    (web / "src/sub").mkdir()
    before = texts(root)
    init(web / "src/sub", "--no-scan")
    assert texts(root) == before, "the project above claims it"


def test_nothing_to_scan(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "# Hello\n"})
    assert init(tmp_path).startswith("slowpath: nothing to scan in .: ")
    assert list(texts(tmp_path)) == ["README.md"]
    assert run("init", tmp_path / "missing").returncode == 2


@pytest.mark.parametrize("name", ["slowpath.toml", ".pre-commit-config.yaml", ".github"])
def test_what_cannot_be_used_costs_one_line_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    root = repository(tmp_path / "here")
    write(tmp_path, {"away/slowpath.toml": "select = 3", "away/.pre-commit-config.yaml": HOOKS, "away/.github/x": ""})
    (root / name).symlink_to(tmp_path / "away" / name)
    before = texts(tmp_path)
    outcome = run("init", "--workflow", "--no-scan", cwd=root)
    assert outcome.returncode == 2 and len(outcome.stderr.splitlines()) == 1, outcome
    assert name in outcome.stderr and texts(tmp_path) == before


def test_a_tree_that_is_read_only(tmp_path: Path) -> None:
    root = repository(tmp_path)
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []  # root may write everything
    if mortal and not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    root.chmod(0o555)
    try:
        command = [*mortal, sys.executable, "-m", "slowpath", "init", "--no-scan"]
        outcome = subprocess.run(command, cwd=root, capture_output=True, text=True)
    finally:
        root.chmod(0o755)
    assert outcome.returncode == 2, outcome
    assert outcome.stderr == "slowpath: .github/workflows/slowpath.yml: cannot be written: Permission denied\n"
    assert list(texts(root)) == ["src/Basket.tsx", "src/Shelf.tsx"]


def test_gitlab_gets_a_snippet(tmp_path: Path) -> None:
    root = write(project(tmp_path), {".gitlab-ci.yml": "stages: [test]\n"})
    told = init(root, "--no-scan")
    snippet = yaml.safe_load(told[told.index("slowpath:\n") :])
    assert snippet["slowpath"]["artifacts"]["reports"]["codequality"] == "gl-code-quality-report.json"
    assert (root / ".gitlab-ci.yml").read_text() == "stages: [test]\n"


def test_other_keepers_of_hooks_are_told(tmp_path: Path) -> None:
    root = write(project(tmp_path), {".husky/pre-commit": "npx lint-staged\n", "lefthook.yml": "pre-commit: {}\n"})
    told = init(root, "--no-scan")
    assert ".husky/pre-commit runs the hooks here: give it `slowpath scan --staged`\nlefthook.yml runs" in told
    assert (root / ".husky/pre-commit").read_text() == "npx lint-staged\n"


def test_many_findings_are_offered_to_a_baseline(tmp_path: Path) -> None:
    root = repository(tmp_path, {f"src/More{n}.tsx": CLIENT.format(name=f"More{n}") for n in range(19)})
    told = init(root)
    assert "21 findings" in told and told.count("warning[query-client-per-render]") == 1, "of a rule each"
    offered = told.partition("from now on: `slowpath ")[2].partition("`")[0]
    assert run(*offered.split(), cwd=root).returncode == 0
    assert run("scan", cwd=root).returncode == 0 and "0 findings" not in told
    assert "21 findings" not in init(root), "what the baseline holds is not offered again"
    (root / "slowpath-baseline.json").unlink()
    (root / "src/More0.tsx").unlink()
    assert "--write-baseline" not in init(root)
