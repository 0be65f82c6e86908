"""Manifests and lock files that are missing, broken, or contradict each other: one line says what is lost."""

from __future__ import annotations

import time
from pathlib import Path

from surface import scan, write

ONE = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'
LOCKED = '[[package]]\nname = "{name}"\nversion = "{version}"\n'
REGISTRY = 'source = "registry+https://example.org/index"\n'


def member(name: str, dependencies: str = 'csv = "1"\n', code: str = "") -> dict[str, str]:
    """A package whose csv nothing uses."""
    return {f"{name}/Cargo.toml": ONE.format(name=name) + dependencies, f"{name}/src/lib.rs": code}


def lock(*packages: tuple[str, str], needs: str = "") -> str:
    """A lock file; what has a version of 0.1.0 is the project's own."""
    entries = []
    for name, version in packages:
        own = version == "0.1.0"
        tail = f"dependencies = [\n{needs}]\n" if own and needs else ""
        entries.append(LOCKED.format(name=name, version=version) + ("" if own else REGISTRY) + tail)
    return "version = 4\n\n" + "\n".join(entries)


def outcome(root: Path, *arguments: str) -> tuple[list[str], list[str]]:
    """The manifests with a finding, and the troubles."""
    document = scan(root, "--select", "unused-dependency,duplicate-version,unneeded-feature", "--no-cache", *arguments)
    found = [f"{one['path']}:{one['start']['line']}" for one in document["findings"]]
    return found, [f"{error['path']}: {error['message']}" for error in document["errors"]]


def test_globs_excludes_and_nested_workspaces(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["crates/*", "gone", "tools/?x"]\nexclude = ["old"]\n'}
    )
    write(root / "crates", member("api"))
    write(root, member("old"))
    write(root / "nested", {"Cargo.toml": '[workspace]\nmembers = ["own"]\n', **member("own")})
    found, troubles = outcome(root)
    assert found == ["crates/api/Cargo.toml:7", "nested/own/Cargo.toml:7", "old/Cargo.toml:7"]
    assert troubles == ["Cargo.toml: no Cargo.toml was found for the workspace's members `gone`, `tools/?x`"]


def test_broken_member_leaves_the_others(tmp_path: Path) -> None:
    root = write(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["*"]\n', **member("api"), **member("bad")})
    write(root, {"bad/Cargo.toml": '[package]\nname = "bad\n'})
    found, troubles = outcome(root)
    assert found == ["api/Cargo.toml:7"]
    assert [line.partition(":")[0] for line in troubles] == ["bad/Cargo.toml"]


def test_broken_root_hides_what_members_inherit(tmp_path: Path) -> None:
    root = write(tmp_path, {"Cargo.toml": "[workspace\n", **member("api", 'csv = "1"\nhex.workspace = true\n')})
    found, troubles = outcome(root)
    assert found == ["api/Cargo.toml:7"]
    assert [line.partition(":")[0] for line in troubles] == ["Cargo.toml"]


def test_wrong_types(tmp_path: Path) -> None:
    root = write(tmp_path, member("api", 'csv = "1"\nhex = 3\nuuid = ["1"]\n[lints]\ncargo = 3\n'))
    write(root, {"mail/Cargo.toml": 'bin = 3\ndependencies = 3\nfeatures = "a"\n[package]\nname = "mail"\n'})
    write(root, {"mail/src/lib.rs": "", "odd/Cargo.toml": 'workspace = 3\npackage = "odd"\n'})
    found, troubles = outcome(root)
    assert found == ["api/Cargo.toml:7"]
    assert troubles == [
        "api/Cargo.toml: `dependencies.hex` is neither a version nor a table, "
        "`dependencies.uuid` is neither a version nor a table: left out, the rest is read",
        "mail/Cargo.toml: `dependencies` is no table, `features` is no table: left out, the rest is read",
        "odd/Cargo.toml: `package` is no table, `workspace` is no table: left out, the rest is read",
    ]


def test_paths_out_of_the_project(tmp_path: Path) -> None:
    away = 'csv = "1"\nfar = { path = "../../far" }\nlost = { path = "../lost" }\nnear = { path = "../near" }\n'
    root = write(tmp_path / "here", member("api", away, "pub fn a() { far::a(); lost::b(); near::c(); }"))
    write(root, member("near", ""))
    found, troubles = outcome(root)
    assert found == ["api/Cargo.toml:7"]
    text = "no Cargo.toml was found for the path dependencies `far`, `lost`: nothing but their names is known"
    assert troubles == [f"api/Cargo.toml: {text}"]


def test_git_dependencies_are_judged_by_name(tmp_path: Path) -> None:
    git = 'store = { git = "https://example.org/store" }\ncsv = { git = "https://example.org/csv", rev = "1" }\n'
    found, troubles = outcome(write(tmp_path, member("api", git, "pub fn a() { store::open(); }")))
    assert (found, troubles) == (["api/Cargo.toml:8"], [])


def test_no_lock_file(tmp_path: Path) -> None:
    root = write(tmp_path, member("api"))
    assert outcome(root) == (["api/Cargo.toml:7"], [])
    (root / "api/src/main.rs").write_text("fn main() {}")
    text = "no Cargo.lock beside it: versions, and what a finding saves, are not known"
    assert outcome(root) == (["api/Cargo.toml:7"], [f"api/Cargo.toml: {text}"])


def test_lock_that_disagrees(tmp_path: Path) -> None:
    root = write(tmp_path, member("api", 'csv = "2"\nhex = "0.4"\n', "pub fn a() { hex::encode([1]); }"))
    write(root, {"api/Cargo.lock": lock(("api", "0.1.0"), ("csv", "1.3.0"), needs=' "csv",\n')})
    text = "disagrees with the manifests about `csv`, `hex`: what it says is taken as is"
    assert outcome(root) == (["api/Cargo.toml:7"], [f"api/Cargo.lock: {text}"])
    write(
        root, {"api/Cargo.lock": lock(("api", "0.1.0"), ("csv", "2.3.0"), ("hex", "0.4.3"), needs=' "csv",\n "hex",\n')}
    )
    assert outcome(root) == (["api/Cargo.toml:7"], [])


def test_lock_with_a_merge_conflict(tmp_path: Path) -> None:
    text = lock(("api", "0.1.0"), ("csv", "1.3.0")) + "\n<<<<<<< HEAD\n=======\n>>>>>>> other\n"
    found, troubles = outcome(write(tmp_path, {**member("api"), "api/Cargo.lock": text}))
    assert found == ["api/Cargo.toml:7"]
    assert troubles == ["api/Cargo.lock: slowpath's grammar does not understand this; the rest of the file is read"]


def test_lock_that_is_none(tmp_path: Path) -> None:
    found, troubles = outcome(write(tmp_path, {**member("api"), "api/Cargo.lock": "[[package]]\nname = 3\n"}))
    assert found == ["api/Cargo.toml:7"]
    assert [line.partition(":")[0] for line in troubles] == ["api/Cargo.lock"]


def test_large_lock_file(tmp_path: Path) -> None:
    needs = "".join(f' "crate-{number} 1.0.{number}",\n' for number in range(50))
    one = LOCKED + REGISTRY + f'checksum = "{"a" * 64}"\ndependencies = [\n{needs}]\n'
    many = "\n".join(one.format(name=f"crate-{number}", version=f"1.0.{number}") for number in range(9000))
    dependencies = 'csv = "1"\nzstd = "1"\n' + "".join(
        f'crate-{number} = {{ version = "1", features = ["a"] }}\n' for number in range(300)
    )
    text = lock(("api", "0.1.0"), ("csv", "1.3.0")) + "\n" + many
    assert len(text) > 10_000_000
    root = write(tmp_path, {**member("api", dependencies), "api/Cargo.lock": text})
    start = time.perf_counter()
    found, troubles = outcome(root)
    assert "api/Cargo.toml:7" in found
    assert troubles == ["api/Cargo.lock: disagrees with the manifests about `zstd`: what it says is taken as is"]
    assert time.perf_counter() - start < 60
