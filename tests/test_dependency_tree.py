"""What leaves the tree of a Cargo.lock: compared with a plain recomputation, on good locks and on damaged ones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from surface import run, scan, write

from slowpath.cache import Cache
from slowpath.crate_lines import CrateSources, counted
from slowpath.model.cargo import Locked
from slowpath.program.cargo import Lock
from slowpath.program.dependency_tree import Cut
from slowpath.program.savings import leaves


def lock(**edges: str) -> Lock:
    """Packages with what they need; in capitals those of the project."""
    packages = [Locked(name, "1.0.0", name.isupper(), tuple(needs.split())) for name, needs in edges.items()]
    return Lock("Cargo.lock", tuple(packages))


def names(gone: Iterable[Locked]) -> list[str]:
    return [package.name for package in gone]


def naive(lock: Lock, cuts: set[Cut]) -> set[str]:
    """All that the project's own packages need."""
    needs = {package.name: package.dependencies for package in lock.packages}
    seen: set[str] = set()
    stack = [package.name for package in lock.packages if package.local]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += [n for n in needs[name] if n in needs and (name, n) not in cuts]
    return seen


def test_what_only_the_cut_leads_to_leaves() -> None:
    tree = lock(SHOP="reqwest serde", WORKER="serde", reqwest="hyper serde", hyper="h2", h2="", serde="")
    assert names(leaves(tree, [("SHOP", "reqwest")])) == ["h2", "hyper", "reqwest"]
    assert names(leaves(tree, [("SHOP", "serde")])) == []
    assert names(leaves(tree, [("SHOP", "reqwest"), ("SHOP", "serde"), ("WORKER", "serde")])) == [
        *("h2", "hyper", "reqwest", "serde")
    ]
    assert names(leaves(tree, [("hyper", "h2")])) == ["h2"]
    assert names(leaves(tree, [("SHOP", "lodash"), ("nobody", "h2"), ("h2", "")])) == []


def test_a_circle_keeps_nothing_alive() -> None:
    tree = lock(SHOP="a", a="b", b="c a", c="b")
    assert names(leaves(tree, [("SHOP", "a")])) == ["a", "b", "c"]
    assert names(leaves(lock(SHOP="a other", other="c", a="b", b="c a", c="b"), [("SHOP", "a")])) == []


def test_versions_of_one_name() -> None:
    packages = (
        Locked("shop", "0.1.0", True, ("hyper 0.14.0", "hyper 1.0.0")),
        Locked("hyper", "0.14.0", False, ("h2",)),
        Locked("hyper", "1.0.0", False, ()),
        Locked("h2", "0.3.0", False),
        Locked("shop", "0.0.9", False, ("h2",)),
    )
    tree = Lock("Cargo.lock", packages)
    gone = leaves(tree, [("shop", "hyper 1.0.0")])
    assert [(package.name, package.version) for package in gone] == [("hyper", "1.0.0")]
    assert {(p.name, p.version) for p in leaves(tree, [("shop", "hyper")])} == {("hyper", "0.14.0"), ("hyper", "1.0.0")}


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_as_recomputed(seed: int) -> None:
    dice = random.Random(seed)
    size = dice.randint(2, 40)
    every = [f"p{n}" for n in range(size)]
    own = set(dice.sample(every, dice.randint(1, max(1, size // 5))))
    packages = [
        Locked(name, "1.0.0", name in own, tuple(dice.choices([*every, "missing"], k=dice.randint(0, 4))))
        for name in every
    ]
    pointed = {need for package in packages for need in package.dependencies}
    packages = [p for p in packages if p.local or p.name in pointed]
    tree = Lock("Cargo.lock", tuple(packages))
    before = naive(tree, set())
    if any(not p.local and all(p.name not in o.dependencies for o in packages) for p in packages):
        return  # what nothing needs counts as needed: its own test
    edges = [(package.name, need) for package in packages for need in package.dependencies]
    smaller: set[Cut] = set()
    seen: set[str] = set()
    for cut in dice.sample(edges, min(len(edges), 6)):
        smaller.add(cut)
        gone = names(leaves(tree, smaller))
        assert set(gone) == before - naive(tree, smaller) and gone == sorted(gone)
        assert seen <= set(gone), "more cuts, yet something came back"
        seen = set(gone)


def test_what_nothing_is_seen_to_need_keeps_what_it_needs() -> None:
    assert names(leaves(lock(SHOP="a", a="b", b="", stray="b"), [("SHOP", "a")])) == ["a"]


def test_damaged_and_huge_locks_take_linear_time() -> None:
    size = 20_000
    chain = [Locked(f"p{n}", "1.0.0", n == 0, (f"p{n + 1}", f"p{n // 2}", "nowhere", "p1 9.9.9")) for n in range(size)]
    copies = [Locked("same", "1.0.0", False, ("same", "same 1.0.0")) for _ in range(size)]
    started = time.process_time()
    tree = Lock("Cargo.lock", (*chain, *copies))
    assert len(leaves(tree, [("p0", "p1")])) == size - 1
    for n in range(size - 20, size):
        assert leaves(tree, [(f"p{n}", f"p{n // 2}")]) == ()
    assert time.process_time() - started < 5


MANIFEST = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nreqwest = "0.12"\n'
ENTRY = '[[package]]\nname = "{}"\nversion = "{}"\nsource = "registry+a"\ndependencies = [{}]\n'
LOCK = '[[package]]\nname = "shop"\nversion = "0.1.0"\ndependencies = ["reqwest"]\n' + "".join(
    ENTRY.format(*entry) for entry in [("reqwest", "0.12.1", '"hyper"'), ("hyper", "1.2.0", ""), ("serde", "1.0.0", "")]
)


def project(root: Path) -> Path:
    return write(root, {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/lib.rs": "pub fn a() {}\n"})


def test_a_finding_says_what_it_saves(tmp_path: Path) -> None:
    root, home = project(tmp_path / "shop"), tmp_path / "home"
    crates = [{"name": "hyper", "version": "1.2.0"}, {"name": "reqwest", "version": "0.12.1"}]
    (finding,) = scan(root, CARGO_HOME=str(home))["findings"]
    assert finding["saves"] == {"crates": crates, "lines": None, "exact": True, "tests_keep": False}
    write(home / "registry/src/index", {"hyper-1.2.0/src/lib.rs": "fn a() {\n\n}\n", "hyper-1.2.0/tests/a.rs": "x\n"})
    write(root / "vendor/reqwest", {"Cargo.toml": 'version = "0.12.1"\n', "src/lib.rs": "// one\n", "a.txt": "x\n"})
    (finding,) = scan(root, CARGO_HOME=str(home))["findings"]
    assert finding["saves"]["lines"] == 3
    text = run("scan", root, "--no-cache", CARGO_HOME=str(home)).stdout
    assert "= saves: 2 crates (hyper, reqwest; 3 lines)\n" in text
    log = run("scan", root, "--format", "sarif", CARGO_HOME=str(home)).stdout
    assert '"saves": {' in log


def test_names_of_a_lock_lead_nowhere_else(tmp_path: Path) -> None:
    """Neither does a link, and what is there but is no folder counts for nothing."""
    home = tmp_path / "home/registry/src"
    write(tmp_path, {"secret-1.0.0/a.rs": "x\n", "home/registry/src/i/plain-1.0.0": "x\n", "vendor/far/a.rs": "x\n"})
    write(home / "i/good-1.0.0", {"a.rs": "x\n", "b/c.rs": "y\nz\n"})
    (home / "i/linked-1.0.0").symlink_to(tmp_path / "secret-1.0.0")
    (home / "i/good-1.0.0/away").symlink_to(tmp_path / "secret-1.0.0")
    (home / "i/good-1.0.0/away.rs").symlink_to(tmp_path / "secret-1.0.0/a.rs")
    (home / "i/good-1.0.0/round").symlink_to(home)
    asked = [("good", "1.0.0"), ("linked", "1.0.0"), ("plain", "1.0.0"), ("../../../secret", "1.0.0"), ("far", "1.0.0")]
    asked += [("", "1.0.0"), (".", "."), ("good", "1.0.0/b"), ("good", ".."), ("a\0", "1.0.0"), ("ü", "1.0.0")]
    sources = CrateSources(tmp_path / "home", tmp_path)
    cache = Cache(tmp_path / "cache")
    assert counted(asked, sources, None) == counted(asked, sources, cache) == {("good", "1.0.0"): 3}
    write(home / "i/good-1.0.0", {"a.rs": ""})
    assert counted(asked, sources, cache) == {("good", "1.0.0"): 3}
    assert counted(asked, sources, None) == {("good", "1.0.0"): 2}
    assert counted(asked, CrateSources(tmp_path / "nowhere", tmp_path / "nowhere"), None) == {}
