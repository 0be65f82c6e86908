"""The fixture product `depot`: its fixes, and where cargo and PostgreSQL are, the service itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import depot
import pytest

from slowpath import rulebook, testing
from slowpath.discover import discover

FIXES = sorted((depot.DEPOT / "fixed").glob("*.patch.txt"))
HEADERS = {"Content-Type": "application/json"}


def expected(project: Path) -> dict[str, int]:
    """Rule → markers."""
    texts = {path: source.decode() for path, _, source in discover(project).files}
    found = testing.expectations(texts, "").found
    return {rule: sum(count for site, count in found.items() if site[2] == rule) for rule in {s[2] for s in found}}


def test_each_fix_cures_what_it_is_named_for_and_nothing_else(tmp_path: Path) -> None:
    before = expected(depot.DEPOT)
    cured = set()
    for fix in FIXES:
        project = depot.fixed(tmp_path / fix.name, fix)
        problems = testing.check_project(project, rulebook.load())
        assert not problems, "\n".join([fix.name, *problems])
        after = expected(project)
        gone = {rule for rule, count in before.items() if after.get(rule, 0) < count}
        assert fix.name.removesuffix(".patch.txt") in gone
        cured |= gone
    assert cured == set(before), f"no fix for {sorted(set(before) - cured)}"


@pytest.fixture(scope="module")
def binary(cargo: str, cluster: object) -> Path:
    if shutil.which("ldconfig") and not depot.libpq():
        pytest.skip("libpq is not installed")
    return depot.build()


@pytest.fixture(scope="module")
def running(binary: Path) -> Iterator[depot.Service]:
    with depot.database() as (dsn, _), depot.service(binary, dsn, POOL_SIZE="2", WORKERS="1") as service:
        yield service


def ask(service: depot.Service, path: str, body: object = None) -> str:
    """The answer's body; a body that is given is posted."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(service.url + path, data, HEADERS), timeout=10) as answer:
        return str(answer.read().decode())


def test_the_service_does_what_its_plans_ask(running: depot.Service) -> None:
    assert len(json.loads(ask(running, "/customers/7/orders"))) == 30
    assert len(json.loads(ask(running, "/lots/L000123"))) == 10
    assert len(json.loads(ask(running, "/carriers/2/manifest"))) == 50
    assert json.loads(ask(running, "/carriers/elk"))["name"] == "Elk Haulage"
    assert json.loads(ask(running, "/tracking/T00000077"))["id"] == 77
    assert json.loads(ask(running, "/parts/Schraube-M4-0001"))[0]["name"] == "Part 1"
    assert json.loads(ask(running, "/bins/7/weight")) == 107
    assert json.loads(ask(running, "/orders/7/dispatch", {}))[1] == "B7"
    assert ask(running, "/orders/7/label", {}) == "DEPOT 00000007"
    assert json.loads(ask(running, "/login", {"email": "customer7@depot.test", "password": "pallet"}))[0] == 7


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/carriers/none", None, 404),
        ("/parts/what", None, 422),
        ("/login", {"email": "customer7@depot.test", "password": "crate"}, 401),
    ],
)
def test_the_service_refuses(running: depot.Service, path: str, body: object, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(running, path, body)
    assert refused.value.code == status


def test_a_service_that_cannot_start_says_why_without_its_address(binary: Path) -> None:
    address = "postgresql://me:secret@%2Fnowhere/none"
    with pytest.raises(depot.DepotError) as refused, depot.service(binary, address, POOL_SIZE="0"):
        pass
    assert "did not start" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_patch_that_does_not_apply_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.patch.txt"
    wrong.write_text("--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n")
    with pytest.raises(subprocess.CalledProcessError):
        depot.fixed(tmp_path / "copy", wrong)
