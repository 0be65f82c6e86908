"""`--measure` against a real cargo, on packages of a few lines; it is never run without the flag."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from surface import run, write

from slowpath.runtime import measure

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")

HEAD = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n'
SHOP = (
    HEAD.format("shop")
    + '[workspace]\n[dependencies]\n# kept\nheavy = { path = "heavy" }\nlight = { path = "light" }\n'
)
BUILD = 'fn main() {{ std::fs::write("{}", "x").unwrap(); }}\n'


def project(root: Path) -> Path:
    files = {"Cargo.toml": SHOP, "src/lib.rs": "pub use light::a;\n"}
    for name in ("heavy", "light"):
        files |= {f"{name}/Cargo.toml": HEAD.format(name), f"{name}/src/lib.rs": "pub fn a() {}\n"}
    return write(root, files)


def test_before_and_after(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    outcome = run("scan", root, "--measure", "--select", "cargo", "--exit-zero", "--no-cache")
    assert outcome.returncode == 0, outcome.stderr
    title, before, after, saved = outcome.stderr.splitlines()[-4:]
    assert title == "cargo check from scratch in .:"
    assert "before         3 crates" in before and "with 1 fix     2 crates" in after and "1 crates" in saved
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


def test_a_timeout_ends_all_that_runs(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    mark = tmp_path / "mark"
    sleep = (
        'fn main() {{ std::thread::sleep(std::time::Duration::from_secs(8)); std::fs::write("{}", "x").unwrap(); }}\n'
    )
    write(root, {"build.rs": sleep.format(mark)})
    started = time.monotonic()
    with pytest.raises(measure.MeasureError, match="took more than 4 s"):
        measure.compare(root, {"Cargo.toml": SHOP.encode()}, lambda stage: None, timeout=4)
    time.sleep(max(0.0, 14 - (time.monotonic() - started)))
    assert not mark.exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    write(tmp_path / "away", {"Cargo.toml": HEAD.format("away") + "[workspace]\n", "src/lib.rs": ""})
    (root / "linked").symlink_to(tmp_path / "away")
    with pytest.raises(measure.MeasureError):
        measure.compare(root, {"linked/Cargo.toml": b""}, lambda stage: None)
    assert (tmp_path / "away/Cargo.toml").read_text() == HEAD.format("away") + "[workspace]\n"
