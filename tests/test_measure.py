"""`--measure` against a real cargo, on packages of a few lines; it is never run without the flag."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from surface import PACKAGE, run, workspace, write

from slowpath.runtime import measure

pytestmark = pytest.mark.usefixtures("cargo")

SHOP = (
    PACKAGE.format("shop")
    + '[workspace]\n[dependencies]\n# kept\nheavy = { path = "heavy" }\nlight = { path = "light" }\n'
)
BUILD = 'fn main() {{ std::fs::write("{}", "x").unwrap(); }}\n'


def project(root: Path) -> Path:
    return workspace(root, SHOP, "pub use light::a;\n", "heavy", "light")


def test_before_and_after(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    outcome = run("scan", root, "--measure", "--select", "cargo", "--exit-zero", "--no-cache")
    assert outcome.returncode == 0, outcome.stderr
    title, before, after, saved = outcome.stderr.splitlines()[-4:]
    assert title == "cargo check from scratch in .:"
    counts = [line.split(" crate")[0].split("  ") for line in (before, after, saved)]
    assert [(parts[1], int(parts[-1])) for parts in counts] == [("before", 3), ("with 1 fix", 2), ("saved", 1)]
    assert (root / "Cargo.toml").read_text() == SHOP and not (root / "Cargo.lock").exists()


def test_a_build_script_runs_with_the_flag_alone(tmp_path: Path) -> None:
    root, mark = project(tmp_path / "shop"), tmp_path / "mark"
    write(root, {"build.rs": BUILD.format(mark)})
    run("scan", root, "--select", "cargo")
    assert not mark.exists()
    run("scan", root, "--select", "cargo", "--measure")
    assert mark.exists()


def test_what_cannot_be_measured_is_one_line(tmp_path: Path) -> None:
    root = write(project(tmp_path / "shop"), {"light/src/lib.rs": "pub fn a() { \n"})
    outcome = run("scan", root, "--select", "cargo", "--measure", "--format", "json")
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1
    assert outcome.stderr.startswith("slowpath: not measured: cargo check in . fails, before: error")
    outcome = run("scan", root, "--select", "cargo", "--measure", PATH="/nowhere")
    assert outcome.returncode == 2 and "slowpath: not measured: cargo is not on PATH\n" in outcome.stderr
    assert run("scan", root, "--measure", "--fix").returncode == 2
    write(root, {"Cargo.toml": SHOP.replace('heavy = { path = "heavy" }\n', "")})
    outcome = run("scan", root, "--select", "cargo", "--measure", "--exit-zero")
    assert outcome.returncode == 0 and "nothing to measure" in outcome.stderr


def sleeper(tmp_path: Path) -> Path:
    """A project whose build script says when it starts, and eight seconds later that it still runs."""
    write_begun, write_done = (f'std::fs::write("{tmp_path / name}", "x").unwrap();' for name in ("begun", "done"))
    sleep = "std::thread::sleep(std::time::Duration::from_secs(8));"
    return write(project(tmp_path / "shop"), {"build.rs": f"fn main() {{ {write_begun} {sleep} {write_done} }}\n"})


def test_a_timeout_ends_all_that_runs(tmp_path: Path) -> None:
    root = sleeper(tmp_path)
    with pytest.raises(measure.MeasureError, match="took more than 4 s"):
        measure.compare(root, {"Cargo.toml": SHOP.encode()}, lambda stage: None, timeout=4)
    time.sleep(9)
    assert not (tmp_path / "done").exists()


def test_a_signal_ends_all_that_runs(tmp_path: Path) -> None:
    root, copies = sleeper(tmp_path), tmp_path / "copies"
    copies.mkdir()
    code = "from slowpath.cli import main; main()"
    command = [sys.executable, "-c", code, "scan", str(root), "--select", "cargo", "--measure"]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(copies)}, stdout=subprocess.DEVNULL)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    assert process.wait(20) == 143 and not list(copies.iterdir())
    time.sleep(9)
    assert not (tmp_path / "done").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    write(tmp_path / "away", {"Cargo.toml": PACKAGE.format("away") + "[workspace]\n", "src/lib.rs": ""})
    (root / "linked").symlink_to(tmp_path / "away")
    with pytest.raises(measure.MeasureError):
        measure.compare(root, {"linked/Cargo.toml": b""}, lambda stage: None)
    assert (tmp_path / "away/Cargo.toml").read_text() == PACKAGE.format("away") + "[workspace]\n"
