"""What a change causes, and nothing else: `--since` and `--staged` on checkouts of every kind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from random import Random

import pytest
from repos import ARCHIVE, BLOCKS, HANDLERS, SERVER, Repo
from surface import PACKAGE

from slowpath import lines

HELPER = "src/archive.rs"
CALLER = "src/handlers.rs:5"
OLD = "src/handlers.rs:10"


def test_what_was_there_is_counted_and_not_shown(server: Repo) -> None:
    assert server.scan().found == [OLD]
    said = server.scan("--since", "HEAD")
    assert (said.code, said.found) == (0, [])
    assert "No new slow paths found; 4 files scanned; 1 known finding not shown." in (
        server.scan("--since", "HEAD", "--format", "full").text
    )


def test_an_unchanged_caller_of_a_helper_that_now_blocks(server: Repo) -> None:
    said = server.write({HELPER: BLOCKS}).scan("--since", "HEAD")
    assert (said.code, said.found) == (1, [CALLER])
    assert said.messages[0].startswith("since the change of src/archive.rs: `load` → `std::fs::read` reads")


def test_an_old_helper_that_a_new_call_reaches_is_reported_on_the_call(server: Repo) -> None:
    said = server.write({"src/handlers.rs": HANDLERS.replace("load(&name)", "old(&name)")}).scan("--since", "HEAD")
    assert said.found == [CALLER] and not said.messages[0].startswith("since")


def test_another_call_in_a_function_that_blocked_before(server: Repo) -> None:
    """A function has one finding: it is shown again, since the change adds to it."""
    more = HANDLERS.replace('    archive::old("x")\n', '    archive::old("x");\n    archive::old("y")\n')
    assert server.write({"src/handlers.rs": more}).scan("--since", "HEAD").found == [OLD]


def test_one_of_two_calls_that_goes_makes_nothing_new(server: Repo) -> None:
    two = HANDLERS.replace('    archive::old("x")\n', '    std::fs::read("a");\n    archive::old("x")\n')
    server.commit({"src/handlers.rs": two})
    assert server.write({"src/handlers.rs": HANDLERS}).scan("--since", "HEAD").found == []
    assert server.scan().found == [OLD]


def test_a_longer_way_below_a_call_that_blocked_before(server: Repo) -> None:
    """The finding stays on its call, while a changed line leads it elsewhere."""
    deeper = ARCHIVE.replace("std::fs::read(name).unwrap_or_default()", "deeper(name)")
    deeper += "fn deeper(name: &str) -> Vec<u8> { std::fs::read(name).unwrap_or_default() }\n"
    said = server.write({HELPER: deeper}).scan("--since", "HEAD")
    assert said.found == [OLD] and "the change of src/archive.rs" in said.messages[0]


def test_a_changed_argument_below_adds_no_call(server: Repo) -> None:
    assert server.write({HELPER: ARCHIVE.replace("read(name)", "read(&name)")}).scan("--since", "HEAD").found == []


def test_a_finding_on_a_changed_line_is_shown_and_one_beside_it_is_not(server: Repo) -> None:
    changed = HANDLERS.replace('    archive::old("x")', '    archive::old("x") // as ever')
    assert server.write({"src/handlers.rs": changed}).scan("--since", "HEAD").found == [OLD]
    beside = HANDLERS.replace('#[get("/old")]', '// as ever\n#[get("/old")]')
    assert server.write({"src/handlers.rs": beside}).scan("--since", "HEAD").found == []


def test_white_space_and_moves_within_a_file_change_nothing(server: Repo) -> None:
    first, second = HANDLERS.removeprefix("use crate::archive;\n\n").split("\n\n")
    moved = f"use crate::archive;\n\n{second}\n\n{first}\n".replace("    ", "\t")
    assert server.write({"src/handlers.rs": moved}).scan("--since", "HEAD").found == []


def test_a_function_that_is_renamed_keeps_its_finding(server: Repo) -> None:
    renamed = HANDLERS.replace("fn report()", "fn overview()")
    files = {"src/handlers.rs": renamed, "src/main.rs": SERVER["src/main.rs"].replace("::report", "::overview")}
    assert server.write(files).scan("--since", "HEAD").found == []


def test_of_equal_snippets_the_one_on_the_changed_line_is_new(server: Repo) -> None:
    one = "  const client = new QueryClient();\n"
    head = 'import { QueryClient } from "@tanstack/react-query";\nexport function Shelf() {\n'
    old = f"{head}  const first = 1;\n{one}  const last = 2;\n}}\n"
    server.commit({"web/Shelf.tsx": old})
    server.write({"web/Shelf.tsx": old.replace(head, f"{head}  const more = 3;\n{one}")})
    assert server.scan(rules="react").found == ["web/Shelf.tsx:4", "web/Shelf.tsx:6"]
    assert server.scan("--since", "HEAD", rules="react").found == ["web/Shelf.tsx:4"]
    server.write({"web/Shelf.tsx": old.replace("last = 2", "last = 4")})
    assert server.scan("--since", "HEAD", rules="react").found == []


@pytest.mark.parametrize("staged", [True, False])
@pytest.mark.parametrize("edited", [True, False])
def test_renamed_files_keep_their_findings(server: Repo, staged: bool, edited: bool) -> None:
    """One that was moved by hand is known by its text, one that was edited too by git once it is staged."""
    (server.root / "src/handlers.rs").rename(server.root / "src/routes.rs")
    main = SERVER["src/main.rs"].replace("handlers", "routes")
    server.write({"src/main.rs": main} | ({"src/routes.rs": f"// Routes.\n{HANDLERS}"} if edited else {}))
    if staged:
        server.git("add", "-A")
    found = server.scan("--since", "HEAD").found
    assert found == (["src/routes.rs:11"] if edited and not staged else [])


def test_deleted_added_and_untracked_files(server: Repo) -> None:
    added = '#[get("/a")]\npub async fn a() { std::fs::read("a"); }\n'
    server.write({"src/added.rs": added, "src/main.rs": f"mod added;\n{SERVER['src/main.rs']}"})
    assert server.scan("--since", "HEAD").found == ["src/added.rs:2"]
    assert server.scan("--staged").found == []
    server.commit()
    (server.root / "src/added.rs").unlink()
    said = server.scan("--since", "HEAD")
    assert (said.found, said.stderr) == ([], "")


def test_commits_since_the_branch_left(server: Repo) -> None:
    """REF... as GitHub shows it: what happened on REF since is not ours."""
    server.git("switch", "-q", "-c", "topic")
    server.commit({HELPER: BLOCKS})
    server.git("switch", "-q", "main")
    server.commit({"src/handlers.rs": HANDLERS.replace('archive::old("x")', "Vec::new()")})
    server.git("switch", "-q", "topic")
    assert server.scan("--since", "main").found == [CALLER]
    server.git("switch", "-q", "--detach", "topic")
    assert server.scan("--since", "main").found == [CALLER]
    assert server.scan("--since", "HEAD~1", "src/archive.rs").found == []
    assert server.scan("--since", "HEAD").found == []


def test_a_partly_staged_file_is_judged_as_staged(server: Repo) -> None:
    server.write({HELPER: BLOCKS}).git("add", "-A")
    server.write({HELPER: ARCHIVE})
    assert server.scan("--staged").found == [CALLER] and server.scan("--since", "HEAD").found == []
    server.git("reset", "-q")
    server.write({HELPER: BLOCKS})
    assert server.scan("--staged").found == [] and server.scan("--since", "HEAD").found == [CALLER]


def test_the_first_commit(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write(SERVER)
    assert repo.scan("--staged").found == []
    repo.git("add", "-A")
    assert repo.scan("--staged").found == [OLD]
    said = repo.scan("--since", "HEAD")
    assert (said.code, said.stderr) == (2, "slowpath: there is no commit yet\n")


def test_the_index_that_git_commit_hands_its_hook(server: Repo) -> None:
    """`git commit FILE` writes an index of its own, and names it relative to the top."""
    hook = server.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ncd src && echo $GIT_INDEX_FILE >../index.txt\n")
    hook.chmod(0o755)
    server.write({HELPER: BLOCKS}).git("commit", "-qm", "one file", HELPER)
    assert (server.root / "index.txt").read_text().strip()
    server.write({HELPER: ARCHIVE}).commit()
    server.write({HELPER: BLOCKS})
    os.environ["GIT_INDEX_FILE"] = "other-index"
    try:
        server.git("read-tree", "HEAD")
        assert server.scan("--staged").found == []
        subprocess.run(["git", "add", HELPER], cwd=server.root, check=True)
        assert server.scan("--staged").found == [CALLER]
    finally:
        del os.environ["GIT_INDEX_FILE"]
    assert server.scan("--staged").found == []


def test_a_project_in_a_folder_of_the_checkout(tmp_path: Path) -> None:
    files = {f"back/{name}": text for name, text in SERVER.items()}
    repo = Repo(tmp_path).commit(files | {"back/slowpath.toml": "", "other/a.rs": ""})
    repo.write({f"back/{HELPER}": BLOCKS, "other/a.rs": "fn a() {}"})
    assert repo.scan("--since", "HEAD", "back").found == [CALLER]
    assert repo.scan("--since", "HEAD", at="back/src").found == [CALLER]
    repo.git("add", "-A")
    assert repo.scan("--staged", "back").found == [CALLER]
    assert repo.scan("--staged", at="other").found == []


def test_worktrees_and_submodules(server: Repo, tmp_path: Path) -> None:
    server.git("worktree", "add", "-q", tmp_path / "tree", "-b", "side")
    tree = Repo.__new__(Repo)
    tree.root = tmp_path / "tree"
    assert tree.write({HELPER: BLOCKS}).scan("--since", "main").found == [CALLER]
    tree.git("add", "-A")
    assert tree.scan("--staged").found == [CALLER] and server.scan("--staged").found == []
    outer = Repo(tmp_path / "outer").commit({"Cargo.toml": PACKAGE.format("outer")})
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", server.root, "inner")
    outer.commit()
    tree.root = tmp_path / "outer/inner"
    assert tree.write({HELPER: BLOCKS}).scan("--since", "HEAD").found == [CALLER]
    assert outer.scan("--since", "HEAD").found == []


def test_line_ends_and_filters_of_the_checkout(server: Repo, tmp_path: Path) -> None:
    """Nothing is run, and what a checkout holds in another form is not a change."""
    server.commit({".gitattributes": "*.rs eol=crlf\nsrc/archive.rs filter=odd\n"})
    server.git("config", "filter.odd.smudge", f"touch {tmp_path}/ran; sed 's/^/ /'")
    server.git("config", "filter.odd.clean", f"touch {tmp_path}/ran; sed 's/^ //'")
    for name in ("src/handlers.rs", HELPER):
        (server.root / name).unlink()
    server.git("checkout", "--", ".")
    assert b"\r\n" in (server.root / "src/handlers.rs").read_bytes()
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    for option in (["--since", "HEAD"], ["--staged"]):
        assert server.scan(*option).found == []
    text = (server.root / "src/handlers.rs").read_bytes().replace(b"load(&name)", b"old(&name)")
    (server.root / "src/handlers.rs").write_bytes(text)
    assert server.scan("--since", "HEAD").found == [CALLER]
    assert not (tmp_path / "ran").exists()


def test_a_sparse_checkout(server: Repo) -> None:
    server.commit({"web/src/a.ts": "export const a = 1;\n", "src/old.rs": "fn a() {}"})
    server.git("sparse-checkout", "set", "src")
    assert not (server.root / "web").exists()
    said = server.write({HELPER: BLOCKS}).scan("--since", "HEAD")
    assert said.found == [CALLER] and said.stderr == ""
    server.git("add", HELPER)
    said = server.scan("--staged", "--format", "full")
    assert "src/handlers.rs:5:" in said.text and "; 5 files scanned" in said.text


def test_which_lines_a_text_still_has() -> None:
    """Never another line, none twice, all of an equal text; and it stays linear where lines repeat."""
    random = Random(5)
    for _ in range(300):
        old = [random.choice("abcde ") for _ in range(random.randrange(12))]
        new = [line for line in old if random.random() < 0.8] + random.choices("abcde ", k=random.randrange(3))
        kept = lines.kept("\n".join(old).encode(), "\n".join(new).encode())
        assert len(set(kept.values())) == len(kept)
        for now, was in kept.items():
            assert (new or [""])[now - 1].split() == (old or [""])[was - 1].split()
    many = b"{\n}\n" * 50_000
    assert len(lines.kept(many, many.replace(b"}", b" }\r"))) == 100_001
    assert lines.kept(b"a\nb\nc", b"b\nnew\na\nc") == {1: 2, 3: 1, 4: 3}


def test_odd_files(server: Repo) -> None:
    """Names that are no text, links, modes, bytes that are no text."""
    odd = os.fsencode(server.root) + b"/src/\xff\n.rs"
    Path(os.fsdecode(odd)).write_bytes(b"fn a() {}\n")
    (server.root / "src/linked.rs").symlink_to("archive.rs")
    (server.root / "src/binary.rs").write_bytes(b"\xff\xfe\x00")
    server.commit()
    Path(os.fsdecode(odd)).write_bytes(b"fn b() {}\n")
    (server.root / HELPER).chmod(0o755)
    (server.root / "src/binary.rs").write_bytes(b"\xff\xfe\x00\x01")
    assert server.scan("--since", "HEAD").found == []
    (server.root / "src/linked.rs").unlink()
    (server.root / "src/linked.rs").symlink_to("handlers.rs")
    server.git("add", "-A")
    assert server.scan("--staged").found == server.scan("--since", "HEAD").found


def test_a_merge_shows_what_neither_side_had(server: Repo) -> None:
    server.git("switch", "-q", "-c", "theirs")
    server.commit({"src/handlers.rs": HANDLERS.replace('#[get("/old")]', '#[get("/older")]'), HELPER: BLOCKS})
    server.git("switch", "-q", "main")
    server.commit({"src/handlers.rs": HANDLERS.replace('#[get("/old")]', '#[get("/oldest")]')})
    server.git("merge", "-q", "theirs", ok=False)
    server.write({"src/handlers.rs": HANDLERS}).git("add", "-A")
    assert server.scan("--staged").found == [], "`download` blocks since their change, which is not ours"
    server.write({"src/handlers.rs": HANDLERS + '\n#[get("/n")]\npub async fn n() { archive::old("n"); }\n'})
    server.git("add", "-A")
    assert server.scan("--staged").found == ["src/handlers.rs:14"]


def test_fix_leaves_alone_what_is_staged_in_part(tmp_path: Path) -> None:
    manifest = PACKAGE.format("a")
    unused = f'{manifest}\n[dependencies]\nrand = "0.8"\n'
    repo = Repo(tmp_path).commit({"Cargo.toml": manifest, "src/main.rs": "fn main() {}\n"})
    repo.write({"Cargo.toml": unused}).git("add", "-A")
    assert '-rand = "0.8"' in repo.scan("--staged", "--diff", "--unsafe-fixes", rules="cargo").text
    repo.write({"Cargo.toml": f"{unused}# more\n"})
    said = repo.scan("--staged", "--fix", "--unsafe-fixes", rules="unused-dependency")
    assert said.code == 2 and "Cargo.toml: is not in the working tree as it is staged, left alone" in said.stderr
    assert (repo.root / "Cargo.toml").read_text() == f"{unused}# more\n"
    repo.write({"Cargo.toml": unused})
    said = repo.scan("--staged", "--fix", "--unsafe-fixes", rules="unused-dependency")
    assert "rand" not in (repo.root / "Cargo.toml").read_text()
    assert "what is staged is as it was: `git add` the files that are fixed" in said.stderr and said.code == 1


@pytest.mark.parametrize(
    ("revision", "why"),
    [
        ("nope", "nope: git knows no such revision"),
        ("--upload-pack=x", "'--upload-pack=x' is no revision"),
        ("", "'' is no revision"),
        ("HEAD:src/main.rs", "HEAD:src/main.rs is a blob, not a commit"),
        ("HEAD^{tree}", "HEAD^{tree} is a tree, not a commit"),
        ("alien", "alien and HEAD have no commit in common"),
    ],
)
def test_revisions_that_do_not_do(server: Repo, revision: str, why: str) -> None:
    server.git("switch", "-q", "--orphan", "alien")
    server.commit()
    server.git("switch", "-q", "main")
    said = server.scan("--since", revision)
    assert (said.code, said.stderr, said.text) == (2, f"slowpath: {why}\n", "")


def test_checkouts_that_do_not_do(server: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(repo: Repo, *arguments: str) -> str:
        said = repo.scan(*arguments)
        assert said.code == 2 and said.text == "" and said.stderr.count("\n") == 1, said
        return said.stderr.removeprefix("slowpath: ").rstrip("\n")

    server.commit()
    server.git("tag", "old", "HEAD~1")
    shallow = Repo.__new__(Repo)
    shallow.root = tmp_path / "shallow"
    server.git("clone", "-q", "--depth", "1", f"file://{server.root}", shallow.root)
    shallow.git("fetch", "-q", "--depth", "1", "origin", "tag", "old")
    for revision in ("old", "HEAD~1"):
        assert "this clone is shallow: `git fetch --unshallow`" in refused(shallow, "--since", revision)
    assert shallow.scan("--staged").found == []

    outside = Repo.__new__(Repo)
    outside.root = tmp_path / "outside"
    outside.write(SERVER)
    assert refused(outside, "--staged") == f"{outside.root} is in no checkout of git"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "git config --global --add safe.directory" in refused(server, "--staged")
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")

    (server.root / ".git/index.lock").write_text("")
    assert server.scan("--staged").found == []
    index = (server.root / ".git/index").read_bytes()
    (server.root / ".git/index").write_bytes(b"DIRC" + b"\0" * 40)
    assert refused(server, "--staged").startswith("git: ")
    assert refused(server, "--since", "HEAD").startswith("git: ")
    (server.root / ".git/index").write_bytes(index)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(server, "--since", "HEAD") == "git is not on PATH"


def test_a_partial_clone_fetches_nothing(server: Repo, tmp_path: Path) -> None:
    server.git("config", "uploadpack.allowFilter", "true")
    server.commit({HELPER: BLOCKS})
    clone = Repo.__new__(Repo)
    clone.root = tmp_path / "partial"
    server.git("clone", "-q", "--filter=blob:none", f"file://{server.root}", clone.root)
    said = clone.scan("--since", "HEAD~1")
    assert said.code == 2 and "a partial clone does not do" in said.stderr


def test_what_is_new_outside_of_the_paths_is_not_called_known(server: Repo) -> None:
    server.write({"src/archive.rs": BLOCKS})
    said = server.scan("--since", "HEAD", "--format", "concise", "src/main.rs")
    assert said.code == 0 and "known" not in said.text
    assert "1 known finding not shown" in server.scan("--since", "HEAD", "--format", "concise", "src").text
