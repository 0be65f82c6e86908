"""Old copies of heavy crates: what is known of releases, and locks that are damaged or huge."""

from __future__ import annotations

import itertools
import resource
from pathlib import Path

import pytest
import series as generator
from surface import scan, write

from slowpath import rulebook
from slowpath.program.series import load, series_of

KNOWN = load(rulebook.PAGES / "cargo" / "series.json")
MANIFEST = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'


def locked(name: str, version: str, *needs: str) -> str:
    source = "" if name == "shop" else 'source = "registry+a"\n'
    listed = "".join(f' "{need}",\n' for need in needs)
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}dependencies = [\n{listed}]\n\n'


def test_series() -> None:
    assert [series_of(v) for v in ("1.2.3", "0.25", "^0.0.3", "*", "", ">=1, <2")] == [
        (1,),
        (0, 25),
        (0, 0, 3),
        *[()] * 3,
    ]
    assert series_of("9" * 5000 + ".1") == (999_999_999,)


def test_what_releases_need() -> None:
    assert KNOWN.needs("hyper-rustls", (0, 24))["hyper"] == ("0.14",)
    assert (1,) in KNOWN.below("hyper-rustls", (0, 27))["hyper"]
    assert KNOWN.needs("unheard-of", (1,)) == {} and not list(KNOWN.after("unheard-of", (0,)))
    for package in ("reqwest", "tonic", "sentry"):
        assert list(KNOWN.after(package, (0, 1))) == sorted(KNOWN.after(package, (0, 1)))


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [
        ("^1.2", "1.2.0 1.9.1", "1.1.9 2.0.0"),
        ("0.4.1", "0.4.1 0.4.9", "0.4.0 0.5.0 1.4.1"),
        (">=0.11", "0.11.0 0.12.0 1.0.0", "0.10.9"),
        ("< 0.13", "0.12.9 0.11.0", "0.13.0 0.13.1"),
        ("<=0.12", "0.12.9", "0.13.0"),
        (">1", "2.0.0", "1.0.0 1.5.0"),
        ("*", "0.0.1 9.9.9", ""),
    ],
)
def test_requirements_as_cargo_reads_them(bound: str, inside: str, outside: str) -> None:
    for text, met in ((inside, True), (outside, False)):
        for version in text.split():
            assert generator.meets(generator.semver(version), bound) == met, (bound, version)


def test_an_old_copy_and_all_that_only_it_needs_are_saved(tmp_path: Path) -> None:
    lock = (
        locked("shop", "0.1.0", "jsonwebtoken", "rustls")
        + locked("jsonwebtoken", "8.3.0", "ring 0.16.20", "simple_asn1")
        + locked("ring", "0.16.20", "untrusted 0.7.1", "spin")
        + locked("rustls", "0.23.1", "ring 0.17.8")
        + locked("ring", "0.17.8", "untrusted 0.9.0")
        + "".join(itertools.starmap(locked, [("untrusted", "0.7.1"), ("untrusted", "0.9.0"), ("spin", "0.5.2")]))
        + locked("simple_asn1", "0.6.2")
    )
    manifest = MANIFEST + 'jsonwebtoken = "8"\nrustls = "0.23"\n'
    root = write(tmp_path, {"Cargo.toml": manifest, "Cargo.lock": lock, "src/lib.rs": "pub use jsonwebtoken as a;"})
    (finding,) = scan(root, "--select", "duplicate-version")["findings"]
    assert (finding["start"]["line"], finding["confidence"]) == (6, "medium")
    assert finding["message"].endswith("bump `jsonwebtoken` to 9.")
    assert [step["path"] for step in finding["flow"]] == ["Cargo.toml", "Cargo.lock"]
    assert [crate["name"] for crate in finding["saves"]["crates"]] == ["ring", "untrusted"]
    assert finding["saves"]["exact"] is False


def test_damaged_locks_are_read_in_time(tmp_path: Path) -> None:
    copies = "".join(locked("hyper", f"0.{n}.0", f"hyper 0.{n + 1}.0", "hyper") for n in range(5_000))
    others = "".join(locked(f"p{n}", "1.0.0", f"p{n + 1}", f"redis 0.{n % 20}.0") for n in range(5_000))
    others += "".join(locked("redis", f"0.{n}.0", f"p{n}") for n in range(20))
    entries = "".join(f'p{n} = "1"\n' for n in range(500)) + 'hyper = "0.3"\nredis = "0.2"\n'
    names = [line.split(" ")[0] for line in entries.splitlines()]
    shop = locked("shop", "0.1.0", *names[:500], "hyper 0.3.0", "redis 0.2.0", "redis 0.7.0")
    root = write(tmp_path, {"Cargo.toml": MANIFEST + entries, "Cargo.lock": shop + copies + others})
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    report = scan(root, "--select", "duplicate-version,unused-dependency")
    assert report["errors"] == []
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 20
