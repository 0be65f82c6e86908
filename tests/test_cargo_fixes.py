"""The proof by compiling, on packages of a few lines: what holds is applied, what breaks is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_fixes import Trial, prove
from surface import PACKAGE, workspace

from slowpath.model.finding import Edit, Finding, Fix, Place

pytestmark = pytest.mark.usefixtures("cargo")

USED = 'used = { path = "used" }\n'
SHOP = PACKAGE.format("shop") + "[workspace]\n[dependencies]\n" + USED + 'spare = { path = "spare" }\n'


def project(root: Path) -> Path:
    return workspace(root, SHOP, "pub use used::a;\n", "used", "spare")


def test_what_holds(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    proof = prove(root, tmp_path / "builds", (), clean=False)
    assert (proof.failure, proof.broken, proof.applied) == ("", [], {"unused-dependency": 1})
    assert (proof.before.all, proof.after.all) == (3, 2)
    assert (root / "Cargo.toml").read_text() == SHOP
    assert "spare" not in (tmp_path / "builds/projects/shop/Cargo.toml").read_text()


def test_what_breaks_is_named(tmp_path: Path) -> None:
    trial = Trial(project(tmp_path / "shop"), tmp_path / "builds", ())
    trial.scan()
    (right,) = trial.fixes
    start = SHOP.index(USED)
    place = Place("Cargo.toml", (start, start + len(USED)))
    wrong = Finding("unused-dependency", place, "warning", "high", "")
    trial.fixes["wrong"] = (wrong, Fix("Drop `used`", True, (Edit(place, ""),)))
    broken = trial.breaking([right, "wrong"])
    assert broken.keys() == {"wrong"}
    assert "used" in broken["wrong"]


def test_a_project_that_does_not_compile(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    (root / "src/lib.rs").write_text("pub use used::b;\n")
    proof = prove(root, tmp_path / "builds", (), clean=False)
    assert "used::b" in proof.failure
    assert proof.applied == {}
