"""The hooks as users have them: the real pre-commit on real checkouts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repos import ARCHIVE, BLOCKS, HANDLERS, SERVER, Repo

from slowpath.discover import language_of

ROOT = Path(__file__).parents[1]
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text()
CONFIG = ".pre-commit-config.yaml"
ADDED = '#[get("/{0}")]\npub async fn {0}() {{ std::fs::read("a"); }}\n'
"""A handler that blocks, in line 2."""


def hooks(arguments: str = "") -> str:
    """A configuration with both hooks as they are published, but started from this interpreter."""
    own = HOOKS.replace("language: python", "language: system")
    own = own.replace("entry: slowpath scan", f"entry: {sys.executable} -m slowpath scan --format concise {arguments}")
    return "repos:\n- repo: local\n  hooks:\n" + "".join(f"  {line}\n" for line in own.splitlines())


class Run:
    """What one run printed."""

    def __init__(self, repo: Repo, command: list[str], **env: str) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "SKIP": "slowpath-all", **env}
        outcome = subprocess.run(command, cwd=repo.root, env=env, capture_output=True, text=True)
        self.code = outcome.returncode
        self.text = outcome.stdout + outcome.stderr
        assert "Traceback" not in self.text, self.text
        self.found = re.findall(r"^(\S+:\d+):\d+: \w+\[", self.text, re.M)
        self.calls = len(re.findall(r"files? scanned", self.text))


class Hooked:
    """A checkout with the hooks, and pre-commit to run them."""

    def __init__(self, repo: Repo, program: str) -> None:
        self.repo = repo
        self.program = program
        repo.commit({CONFIG: hooks()})

    def run(self, *arguments: str, **env: str) -> Run:
        return Run(self.repo, [self.program, "run", "--color=never", *arguments], **env)

    def stage(self, files: dict[str, str]) -> Run:
        self.repo.write(files).git("add", "-A")
        return self.run()


@pytest.fixture
def hooked(server: Repo, pre_commit: str) -> Hooked:
    return Hooked(server, pre_commit)


def test_a_commit_that_makes_an_unchanged_file_slow(hooked: Hooked) -> None:
    """`git commit` is refused, says why, and goes through once that is gone."""
    repo = hooked.repo
    subprocess.run([hooked.program, "install"], cwd=repo.root, check=True, capture_output=True)
    repo.write({"src/archive.rs": BLOCKS})
    refused = Run(repo, ["git", "commit", "-aqm", "slow"])
    assert (refused.code, refused.found) == (1, ["src/handlers.rs:5"])
    assert "hook id: slowpath\n- exit code: 1\n" in refused.text and refused.calls == 1
    assert "since the change of src/archive.rs: `load`" in refused.text
    assert "1 finding (1 warning) in 1 file; 4 files scanned; 1 known finding not shown." in refused.text
    repo.write({"src/archive.rs": f"// Reads archives.\n{ARCHIVE}"})
    done = Run(repo, ["git", "commit", "-aqm", "fine"])
    assert done.code == 0 and re.search(r"^slowpath\.+Passed$", done.text, re.M), done.text
    repo.write({"notes.txt": "nothing to read"}).git("add", "-A")
    assert re.search(r"^slowpath\.+\(no files to check\)Skipped$", hooked.run().text, re.M)


def test_all_of_a_staged_file_is_reported_on(hooked: Hooked) -> None:
    outcome = hooked.stage({"src/handlers.rs": f"// Handlers.\n{HANDLERS}"})
    assert (outcome.code, outcome.found) == (1, ["src/handlers.rs:11"])
    assert hooked.run("--hook-stage", "manual", SKIP="slowpath").found == ["src/handlers.rs:11"], "slowpath-all"
    assert hooked.run(SKIP="slowpath,slowpath-all").code == 0


def test_unstaged_and_untracked_text_does_not_count(hooked: Hooked) -> None:
    repo = hooked.repo
    repo.write({"src/archive.rs": BLOCKS}).git("add", "-A")
    partly = f"// Not staged.\n{ARCHIVE}"
    repo.write(
        {"src/archive.rs": partly, "src/untracked.rs": ADDED.format("untracked"), "src/main.rs": "mod untracked;"}
    )
    assert hooked.run().found == ["src/handlers.rs:5"]
    assert (repo.root / "src/archive.rs").read_text() == partly
    repo.git("restore", "--staged", ".")
    repo.git("add", "src/main.rs")
    assert hooked.run().found == []


def test_renamed_and_deleted_files(hooked: Hooked) -> None:
    repo = hooked.repo
    repo.git("mv", "src/archive.rs", "src/store.rs")
    main, handlers = SERVER["src/main.rs"].replace("archive", "store"), HANDLERS.replace("archive", "store")
    assert hooked.stage({"src/main.rs": main}).found == []
    assert hooked.stage({"src/handlers.rs": handlers}).found == ["src/handlers.rs:10"]
    repo.commit()
    repo.git("rm", "-q", "src/handlers.rs")
    outcome = hooked.stage({"src/main.rs": main.replace("mod handlers;\n", "")})
    assert (outcome.code, outcome.found) == (0, [])
    repo.git("restore", "--staged", "--worktree", ".")
    repo.git("rm", "-q", "src/store.rs")
    assert "(no files to check)Skipped" in hooked.run().text


def test_excluded_ignored_and_generated_files_are_silent(hooked: Hooked) -> None:
    blocks = ADDED.format("a")
    hooked.repo.commit({"slowpath.toml": 'exclude = ["/old/"]\n', "src/main.rs": f"mod gen;\n{SERVER['src/main.rs']}"})
    (hooked.repo.root / "src/link.rs").symlink_to("nowhere.rs")
    outcome = hooked.stage({"old/a.rs": blocks, "src/gen.rs": f"// @generated\n{blocks}", "target/a.rs": blocks})
    assert (outcome.code, outcome.found) == (0, []), outcome.text


def test_what_a_baseline_holds_is_not_asked_about_again(hooked: Hooked) -> None:
    assert hooked.repo.scan("--write-baseline", "--format", "full", rules="").code == 0
    hooked.repo.commit()
    assert hooked.stage({"src/handlers.rs": f"// Handlers.\n{HANDLERS}"}).code == 0
    assert hooked.stage({"src/archive.rs": BLOCKS}).found == ["src/handlers.rs:6"]


def test_only_files_of_the_commit_are_told_to_be_unreadable(hooked: Hooked) -> None:
    hooked.repo.commit({"src/bad.rs": "fn f( {{{\n", "src/main.rs": f"mod bad;\n{SERVER['src/main.rs']}"})
    assert "does not understand" not in hooked.stage({"src/archive.rs": BLOCKS}).text
    outcome = hooked.stage({"src/bad.rs": "fn g( {{{\n"})
    assert outcome.found == ["src/handlers.rs:5"] and "src/bad.rs:1: slowpath's grammar does not" in outcome.text


def test_three_thousand_files_in_two_calls(hooked: Hooked) -> None:
    """Nothing is said twice, and nothing is lost: what is caused elsewhere is said where its cause was passed."""
    names = [f"with_a_name_that_makes_the_arguments_long_{number:04}" for number in range(3000)]
    slow = set(names[::300])
    files = {f"src/{name}.rs": ADDED.format(name) if name in slow else "fn f() {}\n" for name in names}
    mods = "".join(f"mod {name};\n" for name in names)
    outcome = hooked.stage(files | {"src/main.rs": mods + SERVER["src/main.rs"], "src/archive.rs": BLOCKS})
    assert outcome.calls == 2 and outcome.code == 1
    assert sorted(outcome.found) == sorted(["src/handlers.rs:5", *(f"src/{name}.rs:2" for name in slow)])
    everything = hooked.run("--all-files")
    assert everything.calls == 2
    assert sorted(everything.found) == sorted([*outcome.found, "src/handlers.rs:10"])


def test_all_files(hooked: Hooked) -> None:
    """Each file says what is in it; a change that is not committed is nothing special then."""
    hooked.repo.write({"src/archive.rs": BLOCKS})
    outcome = hooked.run("--all-files")
    assert outcome.found == ["src/handlers.rs:5", "src/handlers.rs:10"] and "since the change" not in outcome.text
    assert hooked.run("--files", "src/archive.rs").found == ["src/handlers.rs:5"]
    assert hooked.run("--files", "src/main.rs").found == []


def test_a_file_that_only_got_another_mode(hooked: Hooked) -> None:
    """pre-commit passes it along; what another file of the commit causes elsewhere is told all the same."""
    (hooked.repo.root / "src/main.rs").chmod(0o755)
    outcome = hooked.stage({"src/archive.rs": BLOCKS})
    assert outcome.code == 1 and outcome.found == ["src/handlers.rs:5"]


def test_a_range_of_commits(hooked: Hooked) -> None:
    repo = hooked.repo
    repo.git("switch", "-q", "-c", "topic")
    repo.commit({"src/archive.rs": BLOCKS})
    repo.commit({"src/main.rs": f"// Starts.\n{SERVER['src/main.rs']}"})
    repo.git("switch", "-q", "main")
    repo.commit({"notes.txt": ""})
    repo.git("switch", "-q", "topic")
    assert hooked.run("--from-ref", "main", "--to-ref", "HEAD").found == ["src/handlers.rs:5"]
    assert hooked.run("--from-ref", "HEAD~1", "--to-ref", "HEAD").found == []


def test_a_push(hooked: Hooked, tmp_path: Path) -> None:
    repo = hooked.repo
    repo.git("init", "-q", "--bare", tmp_path / "far.git")
    repo.git("remote", "add", "far", tmp_path / "far.git")
    repo.git("push", "-q", "far", "main")
    subprocess.run(
        [hooked.program, "install", "--hook-type", "pre-push"], cwd=repo.root, check=True, capture_output=True
    )
    repo.commit({"src/archive.rs": BLOCKS})
    refused = Run(repo, ["git", "push", "far", "main"])
    assert refused.code == 1 and refused.found == ["src/handlers.rs:5"], refused.text


def test_a_merge_is_not_blamed_for_what_either_side_had(hooked: Hooked) -> None:
    repo = hooked.repo
    repo.git("switch", "-q", "-c", "theirs")
    repo.commit({"src/archive.rs": BLOCKS, "src/main.rs": f"// Theirs.\n{SERVER['src/main.rs']}"})
    repo.git("switch", "-q", "main")
    repo.commit({"src/main.rs": f"// Ours.\n{SERVER['src/main.rs']}"})
    repo.git("merge", "-q", "theirs", ok=False)
    merged = hooked.stage({"src/main.rs": f"// Both.\n{SERVER['src/main.rs']}"})
    assert (merged.code, merged.found) == (0, []), merged.text
    more = BLOCKS.replace("    std::fs::read(name)", '    std::fs::copy("a", "b");\n    std::fs::read(name)')
    outcome = hooked.stage({"src/archive.rs": more})
    assert outcome.found == ["src/handlers.rs:5", "src/handlers.rs:10"], "a line that neither had adds to both"


def test_the_first_commit(tmp_path: Path, pre_commit: str) -> None:
    repo = Repo(tmp_path / "new").write({**SERVER, CONFIG: hooks()})
    repo.git("add", "-A")
    outcome = Run(repo, [pre_commit, "run", "--color=never"])
    assert (outcome.code, outcome.found) == (1, ["src/handlers.rs:10"])


def test_several_projects_in_one_checkout(server: Repo, pre_commit: str) -> None:
    """Each file is judged by the project that it lies in; arguments are those of `scan`."""
    two = {f"{name}/{path}": text for name in ("one", "two") for path, text in SERVER.items()}
    server.commit(two | {"one/slowpath.toml": "", "two/slowpath.toml": 'ignore = ["blocking-in-async"]\n'})
    hooked = Hooked(server, pre_commit)
    assert hooked.stage({"one/src/archive.rs": BLOCKS, "two/src/archive.rs": BLOCKS}).found == ["src/handlers.rs:5"]
    server.write({CONFIG: hooks("--staged")})
    outcome = hooked.stage({"one/src/handlers.rs": f"// Handlers.\n{HANDLERS}"})
    assert outcome.found == ["src/handlers.rs:6"], "with --staged only what is new, in passed files as well"
    assert outcome.calls == 2


def test_what_is_wrong_is_said_in_a_line(hooked: Hooked) -> None:
    outcome = hooked.stage({"slowpath.toml": "selct = 1\n", "src/archive.rs": BLOCKS})
    assert outcome.code == 1 and "- exit code: 2\n" in outcome.text and "unknown field `selct`" in outcome.text
    said = hooked.repo.scan("--hook", "src/gone.rs")
    assert (said.code, said.stderr) == (2, "slowpath: src/gone.rs: no such file or directory\n")
    said = hooked.repo.scan("--hook")
    assert said.code == 2 and said.stderr.startswith("slowpath: --hook goes with the files of a commit")


def test_the_hook_is_handed_what_is_read() -> None:
    pattern = re.search(r"files: '(.*)'", HOOKS)
    assert pattern
    read = (
        "a.rs a.tsx a.mts a.cjs up.sql schema.patch Cargo.toml x/Cargo.lock diesel.toml .cargo/config.toml "
        "package.json tsconfig.app.json babel.config.json .babelrc app.json "
        "Dockerfile api.dockerfile x/Dockerfile.prod Containerfile"
    )
    other = "a.py README.md poetry.toml my-package.json yarn.lock Cargo.toml.orig"
    for name in read.split():
        assert language_of(name) and re.search(pattern[1], name), name
    for name in other.split():
        assert not re.search(pattern[1], name), name


def test_the_page_names_what_there_is() -> None:
    page = (ROOT / "docs/pre-commit.md").read_text()
    help_text = subprocess.run(
        [sys.executable, "-m", "slowpath", "scan", "--help"], capture_output=True, text=True
    ).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", page)) - {"--all-files", "--from-ref", "--to-ref"}
    assert len(options) > 5 and {option for option in options if f"{option} " not in f"{help_text} "} == set()
    assert set(re.findall(r"- id: (\S+)", page)) == {"slowpath"} and "- id: slowpath-all" in HOOKS


def test_the_line_of_the_readme_installs_it(server: Repo, pre_commit: str, tmp_path: Path) -> None:
    """From a repository, by pip; what it needs comes from the package index."""
    source = Repo(tmp_path / "slowpath")
    for name in ("src", "rules"):
        shutil.copytree(ROOT / name, source.root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, source.root / name)
    source.commit().git("tag", "v0.1.0")
    page = (ROOT / "docs/pre-commit.md").read_text()
    line = re.search(r"```yaml\n(repos:.*?)```", page, re.S)
    assert line
    config = re.sub(r"repo: \S+", f"repo: {source.root}", line[1])
    server.write({CONFIG: config, "src/archive.rs": BLOCKS}).git("add", "-A")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    made = subprocess.run(
        [pre_commit, "install-hooks"],
        cwd=server.root,
        env={**env, "PIP_NO_COMPILE": "1"},
        capture_output=True,
        text=True,
    )
    if made.returncode and re.search("No matching distribution|connection|resolution", made.stdout, re.I):
        pytest.skip("no package index can be reached")
    assert made.returncode == 0, made.stdout
    outcome = subprocess.run([pre_commit, "run"], cwd=server.root, env=env, capture_output=True, text=True)
    assert outcome.returncode == 1 and "since the change of src/archive.rs" in outcome.stdout, outcome.stdout
