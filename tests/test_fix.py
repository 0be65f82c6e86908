"""Fixes of a manifest: what stands there before and after; and `slowpath scan --fix` as users run it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from surface import manifest, run, write

from slowpath import engine, fix, fix_files
from slowpath.model.cargo import Scope
from slowpath.model.finding import Edit, Fix, Place, Span
from slowpath.program.cargo import Entry, Package
from slowpath.program.manifest_edits import dropped, moved, with_features, with_profile

HEAD = '[package]\nname = "kiosk"\nversion = "0.1.0"\nedition = "2021"\n\n'
PATH = "Cargo.toml"
ROOT = Path(__file__).parents[1]


def entry(text: str, key: str = "x") -> Entry:
    own = manifest(text)
    declared = next(each for each in (*own.dependencies, *own.shared) if each.key == key)
    return Entry(Package(PATH, own, []), declared, None, None)


def applied(text: str, edits: Iterable[Edit]) -> str:
    new = fix.applied({PATH: text.encode()}, [Fix("", True, tuple(edits))])
    return new[PATH].decode() if new else text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[dependencies]\n# of x\nx = "1" # why\ny = "1"\n', '[dependencies]\n# of x\ny = "1"\n'),
        ('[dependencies]\ny = "1"\nx = "1"', '[dependencies]\ny = "1"\n'),
        ("[dependencies]\r\nx = '1'\r\ny = '1'\r\n", "[dependencies]\r\ny = '1'\r\n"),
        (
            '[dependencies]\nx = { version = "1", features = [\n  "a", # ]\n] } # end\ny = "1"\n',
            '[dependencies]\ny = "1"\n',
        ),
        (
            '[dependencies]\nx.version = "1"\ny = "1"\n"x".features = ["a"]\n# last\n',
            '[dependencies]\ny = "1"\n# last\n',
        ),
        ("[dependencies]\nx.workspace = true\n", "[dependencies]\n"),
        (
            '[dependencies.x]\nversion = "1"\n# of x\nfeatures = ["a"]\n\n# of y\n[dependencies.y]\nversion = "1"\n',
            '# of y\n[dependencies.y]\nversion = "1"\n',
        ),
        ('[dependencies]\ny = "1"\n\n[dependencies.x]\nversion = "1"\n', '[dependencies]\ny = "1"\n'),
        ('[dependencies.x]\nversion = "1"\n[dependencies.x.more]\na = 1\n[features]\n', "[features]\n"),
        (
            "[target.'cfg(unix)'.dependencies]\nx = '1'\n[dependencies]\ny = '1'\n",
            "[target.'cfg(unix)'.dependencies]\n[dependencies]\ny = '1'\n",
        ),
        ("[target.'cfg(unix)'.dependencies.x]\nversion = '1'\n\n[features]", "[features]"),
        ("[dev-dependencies]\n\"x\" = '1'\n", "[dev-dependencies]\n"),
        ("dependencies = { x = '1' }\n", "dependencies = { x = '1' }\n"),
    ],
)
def test_dropped(before: str, after: str) -> None:
    lead, head = ("", HEAD) if before.startswith("dependencies =") else (HEAD, "")
    assert applied(lead + before + head, dropped(entry(lead + before + head))) == lead + after + head


@pytest.mark.parametrize(
    ("scope", "before", "after"),
    [
        (
            "dev",
            '[dependencies]\nx = "1" # why\ny = "1"\n\n[dev-dependencies]\nz = "1" # z\n\n# of features\n[features]\n',
            '[dependencies]\ny = "1"\n\n[dev-dependencies]\nz = "1" # z\nx = "1" # why\n\n# of features\n[features]\n',
        ),
        (
            "dev",
            '[dependencies]\ny = "1"\nx = { version = "1", features = [\n  "a", # a\n] }\n',
            '[dependencies]\ny = "1"\n\n[dev-dependencies]\nx = { version = "1", features = [\n  "a", # a\n] }\n',
        ),
        ("dev", '[dependencies]\nx = "1"', '[dependencies]\n\n[dev-dependencies]\nx = "1"'),
        (
            "build",
            "[dependencies]\r\nx.workspace = true\r\ny = '1'\r\n\r\n[features]\r\n",
            "[dependencies]\r\ny = '1'\r\n\r\n[build-dependencies]\r\nx.workspace = true\r\n\r\n[features]\r\n",
        ),
        (
            "dev",
            '[dependencies]\nx.version = "1"\ny = "1"\nx.features = ["a"]\n[dev_dependencies]\n[features]\n',
            '[dependencies]\ny = "1"\n[dev_dependencies]\nx.version = "1"\nx.features = ["a"]\n[features]\n',
        ),
        (
            "dev",
            '[dependencies.x] # x\nversion = "1"\n\n[dev-dependencies]\ny = "1"\n',
            '[dev-dependencies.x] # x\nversion = "1"\n\n[dev-dependencies]\ny = "1"\n',
        ),
        (
            "dev",
            "[target.'cfg(unix)'.dependencies]\nx = '1'\n\n[dev-dependencies]\ny = '1'\n",
            "[target.'cfg(unix)'.dependencies]\n\n[dev-dependencies]\ny = '1'\n\n"
            "[target.'cfg(unix)'.dev-dependencies]\nx = '1'\n",
        ),
        (
            "build",
            "[target.'cfg(unix)'.dependencies.x]\nversion = '1'\n",
            "[target.'cfg(unix)'.build-dependencies.x]\nversion = '1'\n",
        ),
        (
            "dev",
            "[dependencies]\nx = '1'\n[dev-dependencies.y]\npath = 'y'\n",
            "[dependencies]\n[dev-dependencies.y]\npath = 'y'\n\n[dev-dependencies]\nx = '1'\n",
        ),
        pytest.param("dev", *["[dependencies]\nx = '1'\n[dev-dependencies]\nx = '1'\n"] * 2, id="is there already"),
        pytest.param("dev", *["[dependencies]\nx = { version = '1', optional = true }\n"] * 2, id="optional"),
        pytest.param("dev", *["dev-dependencies.y = '1'\n[dependencies]\nx = '1'\n"] * 2, id="no such table can be"),
    ],
)
def test_moved(scope: Scope, before: str, after: str) -> None:
    lead, head = ("", HEAD) if before.startswith("dev-dep") else (HEAD, "")
    assert applied(lead + before + head, moved(entry(lead + before + head), scope)) == lead + after + head


LONG = 'x = { version = "1", features = [\n  "a", # of a\n  # of b\n  "b",\n  \'c\', "d", # both\n] } # end\n'


@pytest.mark.parametrize(
    ("features", "default", "before", "after"),
    [
        ("b", None, 'x = { version = "1", features = ["a", "b"] }', 'x = { version = "1", features = ["b"] }'),
        ("a", None, 'x = { version = "1", features = ["a", "b"] }', 'x = { version = "1", features = ["a"] }'),
        ("a", None, "x = { version = '1', features = ['a', 'b', ] }", "x = { version = '1', features = ['a', ] }"),
        ("ac", None, 'x = { features = ["a","b","c"], git = "" }', 'x = { features = ["a","c"], git = "" }'),
        ("", None, 'x = { features = ["a"], git = "" }', 'x = { git = "" }'),
        ("", None, 'x = { version = "1", features = ["a"] } # end', 'x = { version = "1" } # end'),
        ("", False, 'x = { version = "1", features = ["a"] }', 'x = { version = "1", default-features = false }'),
        (
            "a",
            False,
            'x = { features = ["a"], version = "1" }',
            'x = { features = ["a"], default-features = false, version = "1" }',
        ),
        ("", False, 'x = { features = ["a"], version = "1" }', 'x = { version = "1", default-features = false }'),
        ("", False, 'x = "1" # why', 'x = { version = "1", default-features = false } # why'),
        ("ab", False, "x = '1'", 'x = { version = \'1\', default-features = false, features = ["a", "b"] }'),
        ("ab", None, 'x = "1"', 'x = { version = "1", features = ["a", "b"] }'),
        ("", None, 'x = "1"', 'x = "1"'),
        ("", True, 'x = { version = "1", default-features = false, features = ["a"] }', 'x = { version = "1" }'),
        (
            "a",
            True,
            'x = { version = "1", default_features = false, features = ["a"] }',
            'x = { version = "1", features = ["a"] }',
        ),
        (
            "a",
            False,
            'x = { version = "1", default_features = true, features = ["a"] }',
            'x = { version = "1", default_features = false, features = ["a"] }',
        ),
        (
            "a",
            False,
            'x = { version = "1", default-features = false, features = ["a"] }',
            'x = { version = "1", default-features = false, features = ["a"] }',
        ),
        ("bc", None, 'x = { version = "1", features = ["full"] }', 'x = { version = "1", features = ["b", "c"] }'),
        (
            "abc",
            None,
            "x = { git = '', features = ['a', 'full', 'd'] }",
            "x = { git = '', features = ['a', 'b', 'c'] }",
        ),
        ("abc", None, 'x = { git = "", features = ["a"] }', 'x = { git = "", features = ["a", "b", "c"] }'),
        ("abc", None, 'x = { git = "", features = ["a",] }', 'x = { git = "", features = ["a", "b", "c",] }'),
        ("a", None, 'x = { git = "", features = [] }', 'x = { git = "", features = ["a"] }'),
        ("ac", None, LONG, 'x = { version = "1", features = [\n  "a", # of a\n  # of b\n  \'c\', # both\n] } # end\n'),
        ("bd", None, LONG, 'x = { version = "1", features = [\n  # of b\n  "b",\n  "d", # both\n] } # end\n'),
        ("ab", None, LONG, 'x = { version = "1", features = [\n  "a", # of a\n  # of b\n  "b",\n] } # end\n'),
        (
            "acde",
            None,
            LONG,
            'x = { version = "1", features = [\n  "a", # of a\n  # of b\n  "e",\n  \'c\', "d", # both\n] } # end\n',
        ),
        ("abcdef", None, LONG, LONG.replace('"d",', '"d", "e", "f",')),
        ("a", None, 'x.version = "1"\ny = ""\nx.features = ["a", "b"]', 'x.version = "1"\ny = ""\nx.features = ["a"]'),
        ("", None, 'x.version = "1"\ny = ""\nx.features = ["a", "b"]\n', 'x.version = "1"\ny = ""\n'),
        ("", False, '"x".version = "1" # v\ny = ""\n', '"x".version = "1" # v\n"x".default-features = false\ny = ""\n'),
        ("a", None, "x.workspace = true", 'x.workspace = true\nx.features = ["a"]'),
        ("", True, "x.default-features = false\nx.version = '1'\n", "x.version = '1'\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("table", ["dependencies", "workspace.dependencies", "target.'cfg(unix)'.dev-dependencies"])
def test_with_features(features: str, default: bool | None, before: str, after: str, newline: str, table: str) -> None:
    before, after = (f"{HEAD}[{table}]\n{text}".replace("\n", newline) for text in (before, after))
    assert applied(before, with_features(entry(before).declared, PATH, features, default)) == after


@pytest.mark.parametrize(
    ("features", "default", "before", "after"),
    [
        ("a", None, 'version = "1" # v\nfeatures = ["a", "b"]\n', 'version = "1" # v\nfeatures = ["a"]\n'),
        ("", None, 'version = "1" # v\nfeatures = [\n  "a",\n]\n# end\n', 'version = "1" # v\n# end\n'),
        ("", False, 'features = ["a"]\nversion = "1" # v', 'version = "1" # v\ndefault-features = false'),
        ("a", None, '  version = "1"\n[features]\n', '  version = "1"\n  features = ["a"]\n[features]\n'),
    ],
)
def test_with_features_in_a_table_of_its_own(features: str, default: bool | None, before: str, after: str) -> None:
    before, after = (f"{HEAD}[dependencies.x]\n{text}" for text in (before, after))
    assert applied(before, with_features(entry(before).declared, PATH, features, default)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[features]\na = []\n", '[features]\na = []\n\n[profile.release]\nlto = "thin"\nstrip = true\n'),
        ("[features]", '[features]\n\n[profile.release]\nlto = "thin"\nstrip = true'),
        (
            "[profile.release] # ours\nlto = false # why\n\n[features]\n",
            '[profile.release] # ours\nlto = "thin" # why\nstrip = true\n\n[features]\n',
        ),
        (
            "[profile.release.package.x]\nopt-level = 3\n",
            '[profile.release.package.x]\nopt-level = 3\n\n[profile.release]\nlto = "thin"\nstrip = true\n',
        ),
    ],
)
def test_with_profile(before: str, after: str) -> None:
    text = HEAD + before
    assert applied(text, with_profile(manifest(text), PATH, {"lto": "thin", "strip": True})) == HEAD + after


class Maker:
    """Manifests of all shapes, with a comment of its own wherever one can stand."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.comments = 0

    def comment(self) -> str:
        if self.random.random() < 0.5:
            return ""
        self.comments += 1
        return f' # ] }} " {self.comments}.'

    def quoted(self, name: str) -> str:
        return self.random.choice([f'"{name}"', f"'{name}'"])

    def key(self, name: str) -> str:
        return self.random.choice([name, self.quoted(name)])

    def listed(self) -> str:
        items = self.random.sample(["full", "a", "b", "c", "d/e"], self.random.randint(0, 5))
        breaks = self.random.random() < 0.5
        text = "["
        for number, item in enumerate(items):
            alone = breaks and self.random.random() < 0.8
            comma = "," if number < len(items) - 1 or self.random.random() < 0.5 else ""
            text += ("\n  " if alone else " ") + self.quoted(item) + comma
            text += self.comment() + "\n" if alone else ""
        return text + "]"

    def options(self) -> list[tuple[str, str]]:
        own = [("version", self.quoted("1"))]
        if self.random.random() < 0.7:
            own.append(("features", self.listed()))
        if self.random.random() < 0.3:
            name = self.random.choice(["default-features", "default_features"])
            own.append((name, self.random.choice(["true", "false"])))
        self.random.shuffle(own)
        return own

    def dependencies(self, name: str, keys: list[str]) -> str:
        text, tables, late = f"[{name}]{self.comment()}\n", "", []
        for key in keys:
            form, said = self.random.choice(["string", "inline", "table", "dotted"]), self.options()
            if form == "string":
                text += f"{self.key(key)} = {self.quoted('1')}{self.comment()}\n"
            elif form == "inline":
                text += f"{self.key(key)} = {{ {', '.join(f'{k} = {v}' for k, v in said)} }}{self.comment()}\n"
            elif form == "dotted":
                lines = [f"{self.key(key)}.{k} = {v}{self.comment()}\n" for k, v in said]
                text, late = text + lines[0], late + lines[1:]
            else:
                tables += f"\n[{name}.{self.key(key)}]{self.comment()}\n"
                tables += "".join(f"{k} = {v}{self.comment()}\n" for k, v in said)
        return text + "".join(late) + tables + self.random.choice(["", "\n", "# of what follows\n"])

    def manifest(self) -> str:
        text = HEAD + self.dependencies("dependencies", ["x", "y", "z"]) + "[features]\nf = []\n"
        if self.random.random() < 0.5:
            text += self.dependencies("dev-dependencies", ["u", "v"])
        text += self.dependencies("target.'cfg(unix)'.dependencies", ["p"])
        text = text if self.random.random() < 0.7 else text.rstrip("\n")
        return text if self.random.random() < 0.7 else text.replace("\n", "\r\n")


COPIED = shutil.ignore_patterns("target", "node_modules")


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def changes(old: dict[str, bytes], new: dict[str, bytes]) -> set[str]:
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def test_shop_is_fixed(tmp_path: Path) -> None:
    """Safe fixes, then all of them; a second run changes nothing; what is fixed is gone from the report."""
    root = Path(shutil.copytree(ROOT / "fixtures/shop", tmp_path / "shop", ignore=COPIED))
    before = files(root)
    done = run("scan", root, "--fix", "--format", "json")
    assert done.returncode == 1 and " fixed, " in done.stderr and " more with --unsafe-fixes" in done.stderr
    assert "Cargo.toml" in {Path(path).name for path in changes(before, files(root))}
    left = json.loads(done.stdout)["findings"]
    assert left and not any(finding["fix"] and finding["fix"]["safe"] for finding in left)

    once = files(root)
    shown = run("scan", root, "--diff", "--unsafe-fixes")
    assert files(root) == once and shown.stdout.startswith("--- ") and " would be fixed\n" in shown.stderr
    done = run("scan", root, "--fix", "--unsafe-fixes", "--format", "json")
    twice = files(root)
    assert not any(finding["fix"] for finding in json.loads(done.stdout)["findings"])
    assert {path.rpartition("/")[2] for path in twice.keys() - once.keys()} == {"up.sql", "down.sql", "metadata.toml"}

    again = run("scan", root, "--fix", "--unsafe-fixes")
    assert files(root) == twice and "0 findings fixed" in again.stderr

    for path in changes(once, twice):
        (root / path).unlink()
    write(root, {path: once[path].decode() for path in changes(once, twice) & once.keys()})
    subprocess.run(["git", "apply", "-"], input=shown.stdout, cwd=root, text=True, check=True)
    assert files(root) == twice


def test_cargo_reads_what_fixes_leave(cargo: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT / "fixtures/shop", tmp_path / "shop", ignore=COPIED))
    assert run("scan", root, "--fix", "--unsafe-fixes", "--select", "cargo", "--exit-zero").returncode == 0
    assert changes(files(ROOT / "fixtures/shop"), files(root)) >= {"Cargo.toml", "server/Cargo.toml"}
    command = [cargo, "metadata", "--no-deps", "--offline", "--format-version", "1"]
    assert subprocess.run(command, cwd=root, capture_output=True).returncode == 0


CRATE = {
    "slowpath.toml": "",
    "Cargo.lock": '[[package]]\nname = "kiosk"\nversion = "0.1.0"\n',
    "src/lib.rs": "pub fn a() {}\n#[cfg(test)]\nmod tests { use one::x; use two::y; }\n",
}


def kiosk(root: Path, dependencies: str = "", **more: str) -> Path:
    return write(root, {**CRATE, PATH: f"{HEAD}[dependencies]\n{dependencies}", **more})


def test_fixes_that_meet_take_turns(tmp_path: Path) -> None:
    """Both move to a table that is not there yet; the mode of the file stays, and so do its bytes elsewhere."""
    root = kiosk(tmp_path, 'gone = "1"\none = "1" # é\ntwo = "1"\n')
    (root / PATH).chmod(0o640)
    done = run("scan", root, "--fix", "--unsafe-fixes", "--select", "unused-dependency")
    assert done.returncode == 0 and "slowpath: 3 findings fixed\n" in done.stderr
    wanted = f'{HEAD}[dependencies]\n\n[dev-dependencies]\none = "1" # é\ntwo = "1"\n'
    assert (root / PATH).read_text("utf-8") == wanted
    assert (root / PATH).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("table", ["[dev-dependencies]\nkept = { path = 'kept' }", "[dev-dependencies]"])
def test_many_lines_go_to_one_table(tmp_path: Path, table: str) -> None:
    """More than there are rounds, in the order that they had; the profile behind them stays one."""
    names = [f"n{number:02}" for number in range(engine.MAX_ROUNDS + 2)]
    lines = "".join(f'{name} = "1"\n' for name in names)
    code = "#[cfg(test)]\nmod tests { " + " ".join(f"use {name}::x;" for name in [*names, "kept"]) + " }\n"
    end = "\n[profile.release]\nlto = true\n"
    root = kiosk(tmp_path, f"{lines}{table}\n{end}", **{"src/lib.rs": code})
    done = run("scan", root, "--fix", "--unsafe-fixes", "--select", "unused-dependency")
    assert done.returncode == 0 and f"{len(names)} findings fixed" in done.stderr
    assert (root / PATH).read_text() == f"{HEAD}[dependencies]\n{table}\n{lines}{end}"


def test_marks_and_line_ends_stay(tmp_path: Path) -> None:
    root = kiosk(tmp_path, 'gone = "1"\nkept = "1"\n')
    write(root, {"src/lib.rs": "pub use kept::x;\n"})
    text = (root / PATH).read_text("utf-8")
    (root / PATH).write_bytes(f"\ufeff{text}".replace("\n", "\r\n").encode())
    assert run("scan", root, "--fix", "--select", "unused-dependency").returncode == 0
    kept = text.replace('gone = "1"\n', "")
    assert (root / PATH).read_bytes() == f"\ufeff{kept}".replace("\n", "\r\n").encode()


def test_only_shown_findings_are_fixed(tmp_path: Path) -> None:
    root = kiosk(tmp_path, 'gone = "1"\n')
    before = files(root)
    for arguments in (["--ignore", "unused-dependency"], ["--diff"], [root / "src"]):
        run("scan", root, "--fix", *arguments) if arguments[0] != root / "src" else run("scan", *arguments, "--fix")
        assert files(root) == before
    assert run("scan", root, "--unsafe-fixes").returncode == 2
    assert files(root) == before


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    root = kiosk(tmp_path, 'gone = "1"\n')
    (root / PATH).chmod(0o444)
    before = files(root)
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []  # root may write everything
    command = [*mortal, sys.executable, "-c", "from slowpath.cli import main; main()", "scan", str(root), "--fix"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "Cargo.toml: cannot be written: Permission denied\n" in done.stderr
    assert "0 findings fixed" in done.stderr and "unused-dependency" in done.stdout and files(root) == before


def test_files_of_one_fix_are_written_all_or_none(tmp_path: Path) -> None:
    """The second of them cannot be: its folder is a file. What has nothing to do with them is written."""
    old = {"a.sql": b"old", "c.sql": b"old"}
    write(tmp_path, {"a.sql": "old", "b": "", "c.sql": "old"})
    before = files(tmp_path)
    together = [edit("a.sql", (0, 3), "new"), edit("deep/new.sql", (0, 0), "new"), edit("b/new.sql", (0, 0), "new")]
    fixes = [Fix("", True, tuple(together)), Fix("", True, (edit("c.sql", (0, 3), "newer"),))]
    left = fix_files.write(tmp_path, old, fix.applied(old, fixes), fixes)
    assert left.keys() == {"a.sql", "deep/new.sql", "b/new.sql"} and "b/new.sql: cannot be written" in left["a.sql"]
    assert files(tmp_path) == before | {"c.sql": b"newer"} and not (tmp_path / "deep").exists()


def test_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"a.sql": "newest", "b.sql": ""})
    fixes = [Fix("", True, (edit("a.sql", (0, 3), "new"),)), Fix("", True, (edit("b.sql", (0, 0), "new"),))]
    left = fix_files.write(tmp_path, {"a.sql": b"old"}, {"a.sql": b"new", "b.sql": b"new"}, fixes)
    assert left == {
        "a.sql": "a.sql: changed since it was read, left alone",
        "b.sql": "b.sql: is there already, left alone",
    }
    assert files(tmp_path) == {"a.sql": b"newest", "b.sql": b""}


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    write(tmp_path, {"project/a.sql": "", "outside/old.sql": "old"})
    (root / "link").symlink_to(outside)
    (root / "old.sql").symlink_to(outside / "old.sql")
    new = dict.fromkeys(("link/new.sql", "link/deep/new.sql", "old.sql", "../new.sql", str(outside / "x")), b"new")
    left = fix_files.write(root, {"old.sql": b"old"}, new, [])
    assert left == {path: f"{path}: leads out of the project, left alone" for path in new}
    assert files(outside) == {"old.sql": b"old"} and not (tmp_path / "new.sql").exists()


def test_link_inside_the_project_stays_a_link(tmp_path: Path) -> None:
    root = kiosk(tmp_path, "")
    (root / PATH).rename(root / "real.toml")
    (root / PATH).symlink_to("real.toml")
    (root / "real.toml").write_text(f'{HEAD}[dependencies]\ngone = "1"\n')
    assert run("scan", root, "--fix", "--select", "unused-dependency").returncode == 0
    assert (root / PATH).is_symlink() and (root / "real.toml").read_text() == f"{HEAD}[dependencies]\n"


def edit(path: str, span: Span, text: str) -> Edit:
    return Edit(Place(path, span), text)


def table_of(values: dict[str, Any], own: Entry, name: str) -> dict[str, Any]:
    found = values.get("target", {}).get(own.declared.target, {}) if own.declared.target else values
    below: dict[str, Any] = found.setdefault(name, {})
    return below


def comments(text: str) -> set[str]:
    return set(re.findall(r"\d+\.(?=\r?$)", text, re.M))


def below(own: Entry, text: str) -> set[str]:
    """Comments on the lines of an entry."""
    assert own.declared.written is not None
    return comments(own.declared.written.text.decode())


@pytest.mark.parametrize("seed", range(150))
def test_only_what_is_meant_changes(seed: int) -> None:
    maker = Maker(seed)
    text = maker.manifest()
    for key in ("x", "y", "p"):
        own = entry(text, key)
        after = applied(text, dropped(own))
        wanted = tomllib.loads(text)
        del table_of(wanted, own, "dependencies")[key]
        assert without_empty(tomllib.loads(after)) == without_empty(wanted)
        assert comments(after) == comments(text) - below(own, text)

        after = applied(text, moved(own, "dev"))
        wanted = tomllib.loads(text)
        table_of(wanted, own, "dev-dependencies")[key] = table_of(wanted, own, "dependencies").pop(key)
        assert without_empty(tomllib.loads(after)) == without_empty(wanted)
        assert comments(after) == comments(text)

        features = maker.random.sample(["a", "b", "c", "d/e", "new"], maker.random.randint(0, 5))
        default = maker.random.choice([None, False, True])
        after = applied(text, with_features(own.declared, PATH, features, default))
        expected = plain(table_of(tomllib.loads(text), own, "dependencies")[key])
        found = tomllib.loads(after)
        now = plain(table_of(found, own, "dependencies")[key])
        assert set(now.pop("features", [])) == set(features)
        expected.pop("features", None)
        said = expected.pop("default", None)
        assert now.pop("default", None) == {None: said, False: False, True: said or None}[default]
        assert now == expected
        rest = tomllib.loads(text)
        for values in (found, rest):
            del table_of(values, own, "dependencies")[key]
        assert found == rest
        assert comments(text) - comments(after) <= below(own, text)
        assert not re.search(r"[^\r]\n" if "\r\n" in text else "\r", after)


def plain(value: Any) -> dict[str, Any]:
    own = dict(value) if isinstance(value, dict) else {"version": value}
    for name in ("default-features", "default_features"):
        if name in own:
            own["default"] = own.pop(name)
    return own


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """A table that has nothing left may be there or not."""
    kept = {name: without_empty(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {name: value for name, value in kept.items() if value != {}}
