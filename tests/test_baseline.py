"""A baseline: what an old product has is not shown, what is new is."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import repos
from surface import CLIENT, PACKAGE, project, run, scan, write

NAME = "slowpath-baseline.json"
PAGE = """use crate::disk::load;

pub async fn page() -> String {
    load()
}
"""
SERVER = {
    "Cargo.toml": PACKAGE.format("kiosk") + '\n[dependencies]\naxum = "0.7"\ntokio = "1"\n',
    "src/main.rs": "mod disk;\nmod page;\nuse axum::{routing::get, Router};\n\n#[tokio::main]\nasync fn main() {\n"
    '    let app = Router::new().route("/", get(page::page));\n    axum::serve(listener(), app).await;\n}\n',
    "src/disk.rs": 'pub fn load() -> String {\n    std::fs::read_to_string("a").unwrap()\n}\n',
    "src/page.rs": PAGE,
    "slowpath.toml": 'ignore = ["cargo"]',
}


def held(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / NAME).read_text())["findings"]
    return found


def adopted(root: Path) -> Path:
    outcome = run("scan", root, "--write-baseline")
    assert outcome.returncode == 0 and held(root), outcome
    return root


def new(root: Path, *arguments: str) -> list[tuple[str, int]]:
    """Where what is new stands."""
    return [(finding["path"], finding["start"]["line"]) for finding in scan(root, *arguments)["findings"]]


def at_a_terminal(*arguments: str | Path, before: list[str] = [], **env: str) -> str:  # noqa: B006
    """What a scan says to people who sit before it."""
    mine, theirs = pty.openpty()
    command = [*before, sys.executable, "-m", "slowpath", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PRE_COMMIT", "GIT_INDEX_FILE")}
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, env={**kept, **env})
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(mine, 65536)
        except OSError:  # Linux says so at the end
            part = b""
        if not part:
            os.close(mine)
            return said.decode().replace("\r\n", "\n")
        said += part


def test_what_is_there_is_not_shown_and_counted(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    assert new(root) == []
    assert "No new slow paths found; 2 files scanned; 2 known findings not shown." in run("scan", root).stdout
    assert len(new(root, "--no-baseline")) == 2
    assert json.loads(run("scan", root, "--format", "sarif").stdout)["runs"][0]["results"] == []
    write(root, {"src/Till.tsx": CLIENT.format(name="Till")})
    assert new(root) == [("src/Till.tsx", 4)] and run("scan", root).returncode == 1


def test_a_baseline_that_the_settings_name(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": 'baseline = "ci/known.json"', "ci/a": ""})
    assert run("scan", root).returncode == 2
    assert run("scan", root, "--write-baseline").returncode == 0 and (root / "ci/known.json").is_file()
    assert run("scan", root).returncode == 0 and new(root / "src") == []
    elsewhere = tmp_path / "elsewhere.json"
    assert run("scan", root, "--write-baseline", "--baseline", elsewhere).returncode == 0
    assert elsewhere.read_bytes() == (root / "ci/known.json").read_bytes()


def test_an_entry_is_a_line_that_people_can_read(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    lines = (root / NAME).read_text().splitlines()
    assert lines[0] == '{"version": 1, "findings": [' and lines[-1] == "]}" and len(lines) == 4
    assert lines[1].startswith('{"path":"src/Basket.tsx","rule":"query-client-per-render","function":"Basket",')
    before = (root / NAME).read_bytes()
    assert run("scan", root, "--write-baseline", "--jobs", "2", "--no-cache").returncode == 0
    assert (root / NAME).read_bytes() == before


def renamed_file(root: Path) -> None:
    (root / "src/Basket.tsx").rename(root / "src/Cart.tsx")


def moved_folder(root: Path) -> None:
    (root / "web/app").mkdir(parents=True)
    (root / "src").rename(root / "web/app/screens")


def shifted_lines(root: Path) -> None:
    for path in root.glob("src/*.tsx"):
        path.write_text("// a\n\n" + path.read_text().replace("  const", "\n      const"))


def renamed_function(root: Path) -> None:
    basket = root / "src/Basket.tsx"
    basket.write_text(basket.read_text().replace("function Basket", "function Cart"))


def moved_function(root: Path) -> None:
    basket, shelf = root / "src/Basket.tsx", root / "src/Shelf.tsx"
    shelf.write_text(shelf.read_text() + basket.read_text().partition("\n\n")[2])
    basket.write_text('export { Basket } from "./Shelf";\n')


def saved_on_windows(root: Path) -> None:
    for path in root.glob("src/*.tsx"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


CHANGES = [renamed_file, moved_folder, shifted_lines, renamed_function, moved_function, saved_on_windows]


@pytest.mark.parametrize("change", CHANGES)
def test_what_only_moved_stays_known(tmp_path: Path, change: Any) -> None:
    root = adopted(project(tmp_path))
    change(root)
    assert new(root) == [] and len(new(root, "--no-baseline")) == 2
    write(root, {"src/Till.tsx": CLIENT.format(name="Till")})
    assert new(root) == [("src/Till.tsx", 4)]


def test_a_copy_is_new(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    shutil.copytree(root / "src", root / "web")
    assert new(root) == [("web/Basket.tsx", 4), ("web/Shelf.tsx", 4)]


def test_one_more_of_equal_ones_is_one_new(tmp_path: Path) -> None:
    text = CLIENT.format(name="Basket")
    line = "  const client = new QueryClient();\n"
    root = adopted(write(tmp_path, {"src/Basket.tsx": text.replace(line, line * 2)}))
    assert [entry["count"] for entry in held(root)] == [2]
    write(root, {"src/Basket.tsx": text.replace(line, line * 3)})
    assert len(new(root)) == 1
    write(root, {"src/Basket.tsx": text})
    assert new(root) == []


def test_a_new_call_of_an_old_helper_is_new_where_it_stands(tmp_path: Path) -> None:
    root = adopted(write(tmp_path, SERVER))
    assert [(entry["path"], entry["function"]) for entry in held(root)] == [("src/page.rs", "page")]
    write(root, {"src/page.rs": PAGE + "\npub async fn other() -> String {\n    load()\n}\n"})
    assert new(root) == [("src/page.rs", 8)]
    write(
        root, {"src/page.rs": PAGE.replace("load()", 'let a = load();\n    a + &std::fs::read_to_string("b").unwrap()')}
    )
    finding = scan(root)["findings"][0]
    assert finding["start"]["line"] == 5 and "new, beside what the baseline holds" in finding["message"]
    assert [step["line"] for step in finding["related"]][:1] == [4]


def test_a_helper_that_a_new_call_makes_reachable(tmp_path: Path) -> None:
    quiet = PAGE.replace("load()\n", "String::new()\n")
    root = write(tmp_path, SERVER | {"src/page.rs": quiet, "web/src/a.tsx": CLIENT.format(name="A")})
    adopted(root)
    write(root, {"src/page.rs": PAGE})
    assert new(root) == [("src/page.rs", 4)]


def test_it_shrinks_by_itself_at_a_terminal(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    (root / "src/Shelf.tsx").unlink()
    before = (root / NAME).read_bytes()
    for narrowed in (("--select", "react"), ("--ignore", "sql"), ("--min-confidence", "high"), ("--format", "json")):
        at_a_terminal("scan", root, *narrowed)
    at_a_terminal("scan", root / "src")
    at_a_terminal("scan", root, "--diff")
    at_a_terminal("scan", root, CI="true")
    at_a_terminal("scan", root, PRE_COMMIT="1")
    said = run("scan", root).stderr
    assert (root / NAME).read_bytes() == before
    assert "1 place gone (query-client-per-render 1); `slowpath scan --write-baseline` takes them out" in said
    assert run("scan", root).returncode == 0 and run("scan", root, "--strict-baseline").returncode == 1
    assert "1 place gone (query-client-per-render 1), 1 left" in at_a_terminal("scan", root)
    assert [entry["path"] for entry in held(root)] == ["src/Basket.tsx"]
    assert run("scan", root, "--strict-baseline").returncode == 0
    write(root, {"src/Shelf.tsx": CLIENT.format(name="Shelf")})
    assert new(root) == [("src/Shelf.tsx", 4)]


def test_what_cannot_be_judged_stays(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    (root / "src/Shelf.tsx").write_text("export function Shelf( {{{ ]\n")
    at_a_terminal("scan", root)
    assert len(held(root)) == 2


def test_what_a_half_typed_file_proved_stays(tmp_path: Path) -> None:
    """A finding in one file may be proven by another."""
    root = adopted(write(tmp_path, repos.SERVER))
    write(root, {"src/archive.rs": "pub fn old(name: &str) {\n<<<<<<< HEAD\n    (((\n}}}\n"})
    assert "1 place gone (blocking-in-async 1); `slowpath scan --write-baseline`" in at_a_terminal("scan", root)
    write(root, repos.SERVER)
    assert new(root) == []


def test_in_a_tree_that_cannot_be_written_a_scan_goes_on(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    (root / "src/Shelf.tsx").unlink()
    blocked = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []  # root may write everything
    root.chmod(0o555)
    said = at_a_terminal("scan", root, before=blocked)
    assert said.count("\n") == 1 and "cannot be written: " in said and len(held(root)) == 2
    command = [*blocked, sys.executable, "-m", "slowpath", "scan", str(root), "--write-baseline"]
    outcome = subprocess.run(command, capture_output=True, text=True)
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1, outcome


def test_it_does_not_grow_unless_told_to(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    write(root, {"src/Till.tsx": CLIENT.format(name="Till"), "src/Door.tsx": CLIENT.format(name="Door")})
    (root / "src/Shelf.tsx").unlink()
    outcome = run("scan", root, "--write-baseline")
    assert outcome.returncode == 1 and "holds 1 place, 1 taken out" in outcome.stderr
    assert "2 places not taken in (query-client-per-render 2): fix them, or add --grow" in outcome.stderr
    outcome = run("scan", root, "--write-baseline", "--grow")
    assert outcome.returncode == 0 and "holds 3 places, 2 of them new (query-client-per-render 2)" in outcome.stderr
    assert new(root) == [] and run("scan", root, "--grow").returncode == 2


def test_writing_keeps_what_it_did_not_look_at(tmp_path: Path) -> None:
    root = adopted(write(tmp_path, SERVER | {"web/A.tsx": CLIENT.format(name="A")}))
    before = (root / NAME).read_bytes()
    assert run("scan", root, "--write-baseline", "--select", "react").returncode == 0
    assert run("scan", root / "web", "--write-baseline").returncode == 0
    assert (root / NAME).read_bytes() == before
    assert run("scan", root, "--write-baseline", "--min-confidence", "high").returncode == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no baseline"),
        ("{", "is no baseline"),
        ("[]", "is no baseline"),
        ("[" * 100_000, "is no baseline"),
        ('{"findings": []}', "is no baseline"),
        ('{"version": "1", "findings": []}', "is no baseline"),
        ('{"version": 2, "findings": {}}', "has version 2, and this slowpath reads 1"),
        ('{"version": 1, "findings": [{"path": 3, "rule": "a"}]}', "is no baseline"),
        ('{"version": 1, "findings": [{"path": "a", "rule": "a", "count": -1}]}', "is no baseline"),
        ('{"version": 1, "findings": [{"path": "\ud800", "rule": "a"}]}', "is no baseline"),
        ('{"version": 1, "findings": [\n<<<<<<< HEAD\n=======\n>>>>>>> other\n]}', f"{NAME}:2: a merge left"),
    ],
)
def test_a_baseline_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    root = project(tmp_path)
    (root / NAME).write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = run("scan", root)
    assert outcome.returncode == 2 and len(outcome.stderr.splitlines()) == 1
    assert words in outcome.stderr and NAME in outcome.stderr and outcome.stdout == ""


def test_other_things_in_its_place(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    (root / NAME).mkdir()
    assert "is no file" in run("scan", root).stderr
    (root / NAME).rmdir()
    os.mkfifo(root / NAME)
    assert "is no file" in run("scan", root).stderr
    (root / NAME).unlink()
    with (root / NAME).open("wb") as file:
        file.truncate(60_000_000)
    assert "60 MB, too large" in run("scan", root).stderr
    (root / NAME).unlink()
    (root / NAME).symlink_to(tmp_path / "outside.json")
    assert run("scan", root, "--write-baseline").returncode == 2 and not (tmp_path / "outside.json").exists()
    (root / NAME).unlink()
    write(root, {"slowpath.toml": 'baseline = "../x.json"'})
    assert "leaves the project" in run("scan", root).stderr


def test_a_conflict_is_resolved_by_writing(tmp_path: Path) -> None:
    root = adopted(project(tmp_path))
    first, one, other, last = (root / NAME).read_text().splitlines()
    sides = ["<<<<<<< HEAD", one.rstrip(","), "=======", other, ">>>>>>> branch"]
    (root / NAME).write_text("\n".join([first, *sides, last]))
    assert run("scan", root, "--write-baseline").returncode == 0
    assert (root / NAME).read_text().splitlines() == [first, one, other, last]


MEMO = """import {{ useCallback, useState }} from "react";

export function {name}() {{
  const [open, setOpen] = useState(false);
  const toggle = useCallback(() => setOpen(!open), [open]);
  return <button onClick={{toggle}}>{{String(open)}}</button>;
}}
"""


def test_only_what_is_shown_is_fixed(tmp_path: Path) -> None:
    root = adopted(write(tmp_path, {"src/Old.tsx": MEMO.format(name="Old")}))
    write(root, {"src/New.tsx": MEMO.format(name="New")})
    assert run("scan", root, "--fix").returncode == 0
    assert (
        "useCallback(" in (root / "src/Old.tsx").read_text()
        and "useCallback(" not in (root / "src/New.tsx").read_text()
    )
    assert run("scan", root, "--fix", "--no-baseline").returncode == 0
    assert "useCallback(" not in (root / "src/Old.tsx").read_text()
