"""Every fixer is proven: projects that compile before and after, and run alike. See `proofs.py`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import index_fixes
import postgres
import pytest
import replay
from platformdirs import user_cache_path
from proofs import Proof, disagreements, fixed, proofs, results, type_errors
from surface import write

from slowpath import rulebook, testing
from slowpath.engine import Mended, analyse, scan

ROOT = Path(__file__).parents[1]
PROOFS = proofs()
WEB = [proof for proof in PROOFS if any(path.startswith("src/") and ".ts" in path for path in proof.files)]
CARGO = [proof for proof in PROOFS if "Cargo.toml" in proof.files]
SQL = [proof for proof in PROOFS if any(path.endswith(".sql") for path in proof.files)]


def names(own: list[Proof]) -> list[str]:
    return [proof.name for proof in own]


class Web(NamedTuple):
    """What became of all proofs of the front end: fixes, errors of the type check, values."""

    done: dict[str, Mended]
    errors: dict[str, list[str]]
    values: dict[str, object]


@pytest.fixture(scope="module")
def web(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Web:
    root = tmp_path_factory.mktemp("web")
    done = {proof.name: fixed(proof, root) for proof in WEB}
    return Web(done, type_errors(root, packages), results(root, packages, (proof for proof in WEB if proof.run)))


@pytest.mark.parametrize("proof", WEB, ids=names(WEB))
def test_front_end(proof: Proof, web: Web) -> None:
    assert disagreements(proof, web.done[proof.name]) == []
    assert web.errors.get(proof.name, []) == []
    if proof.run:
        before, after = (web.values[f"{when}/{proof.name}"] for when in ("before", "after"))
        assert before and before == after
    assert proof.run or not proof.safe


@pytest.mark.parametrize("proof", CARGO, ids=names(CARGO))
def test_cargo(proof: Proof, cargo: str, tmp_path: Path) -> None:
    assert disagreements(proof, fixed(proof, tmp_path)) == []
    told = []
    for when in ("before", "after"):
        root = tmp_path / when / proof.name
        shutil.copy(ROOT / "fixtures/shop/Cargo.lock", root)
        runs = ["run", "--release"] if "src/main.rs" in proof.files else ["test"]
        command = [cargo, *runs, "--offline", "--quiet", "--target-dir", str(user_cache_path("slowpath-proofs"))]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, f"{when}: {done.stderr}"
        told.append(re.sub(r"finished in [\d.]+s", "", done.stdout))
    assert told[0] and told[0] == told[1]


@pytest.mark.parametrize("proof", SQL, ids=names(SQL))
def test_migrations(proof: Proof, cluster: postgres.Cluster, tmp_path: Path) -> None:
    done = fixed(proof, tmp_path)
    assert disagreements(proof, done) == []
    root = tmp_path / "before" / proof.name
    ((_, catalogue),) = replay.catalogues(root)
    found = index_fixes.outcomes(root, [each.finding for each in done.fixed], catalogue, cluster.database())
    assert [outcome.failure for outcome in found] == [""] * len(done.fixed)


@cache
def fixers() -> frozenset[tuple[str, bool]]:
    """(rule, safe) of every fix that an example of a page or a fixture shows."""
    rules = rulebook.load()
    return frozenset(_examples()) | {
        (finding.rule, finding.fix.safe)
        for project in sorted((ROOT / "fixtures").iterdir())
        for finding in scan(project, rules, min_confidence="low", jobs=1).findings
        if finding.fix
    }


def _examples() -> Iterator[tuple[str, bool]]:
    rules = rulebook.load()
    for rule in rules:
        for example in testing.examples(rule) if rule.kind != "allow" else ():
            found = testing._texts({path: text.encode() for path, text in example.files.items()})
            for finding in analyse(found, rules, min_confidence="low").findings:
                if finding.fix:
                    yield finding.rule, finding.fix.safe


def test_every_fixer_has_a_proof() -> None:
    """A check that hands a fix over in some way has a page as well, whatever the examples show."""
    proven = {(proof.rule, proof.safe) for proof in PROOFS}
    assert fixers() <= proven
    texts = {
        path.stem.replace("_", "-"): path.read_text("utf-8") for path in (ROOT / "src/slowpath/checks").glob("*.py")
    }
    rules = {rule for rule, _ in proven}
    assert {rule for rule, text in texts.items() if "fix=" in text} <= rules
    assert rules <= texts.keys() | {rule.id for rule in rulebook.load() if rule.kind != "check"}


def test_a_proof_that_does_not_hold_is_told(packages: Path, tmp_path: Path) -> None:
    wrong = {"src/a.ts": "export const a: number = 1;\n", "src/run.ts": "export default async () => 1;\n"}
    proof = Proof("sequential-await", True, "wrong", wrong)
    assert disagreements(proof, fixed(proof, tmp_path)) == ["nothing is fixed"]
    write(tmp_path / "after" / proof.name, {"src/a.ts": 'export const a: number = "";\n'})
    (error,) = type_errors(tmp_path, packages)[proof.name]
    assert error.startswith("after src/a.ts") and "TS2322" in error
    write(tmp_path / "after" / proof.name, {"src/run.ts": "export default async () => 2;\n"})
    assert results(tmp_path, packages, [proof]) == {f"before/{proof.name}": 1, f"after/{proof.name}": 2}
