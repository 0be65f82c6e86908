#!/usr/bin/env python3
"""Writes what is known of crates' features, and checks the evidence tables against the crates' own sources.

usage: feature_tables.py regenerate [CRATE …]  writes graphs.json, for the crates of all tables and CRATEs
       feature_tables.py check [CRATE …]       what no sign of a table covers; exit code 1 where there is something

`check` reads the newest version of each series (1.x, 0.8.x) that had a release since 2021, of the last eight, as cargo
unpacks it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feature_crates
import feature_graphs
from feature_gates import closure
from feature_surface import Names, Public

IN_USE = "2021"
MOST_SERIES = 8
"""Of a crate; of one that shares its table with others, which are generated alike, a quarter."""
Table = dict[str, Any]


def classes(table: Table) -> dict[str, set[str]]:
    """The four classes of features."""
    found = {name: set(table.get(name, ())) for name in ("aggregates", "needs", "silent", "internal")}
    found["aggregates"].add("default")
    return found


def comes_along(feature: str, features: feature_graphs.Features) -> bool:
    """Whether the feature needs no class: nobody asks for it by hand."""
    return feature.startswith("_") or features[feature] == [f"dep:{feature}"]


def judged_by(feature: str, features: feature_graphs.Features, table: Table) -> set[str]:
    """The features of `[needs]` that go when this one goes: itself, or those that bring it while nobody asks for it."""
    kinds = classes(table)
    needs, named = kinds["needs"], kinds["silent"] | kinds["aggregates"]
    if feature in needs:
        return {feature}
    if feature in named:
        return set()
    hidden = {
        name: values
        for name, values in features.items()
        if name in kinds["internal"] or (name not in needs | named and comes_along(name, features))
    }
    return {name for name in needs & features.keys() if feature in closure(hidden | {name: features[name]}, [name])}


def asked_of(public: Public, features: feature_graphs.Features, table: Table) -> set[str]:
    """The features whose signs must know this item, so that they are kept where code uses it."""
    gates = [(clause, closure(features, (name for name in clause if name[0] != "!"))) for clause in public.gate]
    around = [{name for name in clause if name[0] != "!"} for clause in public.around]
    asked: set[str] = set()
    for clause, on in gates:
        if any(other != clause and other <= on for other in public.gate):
            continue
        known = max((outer for outer in around if outer <= on), key=len, default=set())
        rest = {name for name in clause if name[0] != "!"} - closure(features, known)
        for name in rest:
            if not any(name in closure(features, [other]) for other in rest - {name}):
                asked |= judged_by(name, features, table)
    return asked


def covers(sign: str, public: Public) -> bool:
    """Whether code that uses the item shows the sign."""
    if sign.startswith("@"):
        return public.kind == "impl"
    if public.kind == "impl" or sign.startswith("columns>"):
        return False
    if sign.startswith("."):
        words = public.path[-1:] if public.kind == "method" else public.path
        return known_word(sign[1:], set(words))
    if public.kind == "method":
        return False
    path = tuple(sign.split("::"))
    return public.path[: len(path)] == path


def excused(public: Public, feature: str, table: Table) -> bool:
    """Whether the table says why no sign is needed: `name: why`, or `impl Trait: why` for all its types."""
    names = {line.partition(": ")[0] for line in table.get("covered", {}).get(feature, ())}
    trait = public.path[-1].partition(" for ")[0]
    return bool(names & {"::".join(public.path), public.path[-1], f".{public.path[-1]}", trait})


def uncovered(surface: Names, table: Table) -> Iterator[tuple[str, Public]]:
    """(feature, item) where no sign of the feature knows the item; what stands in an uncovered item is left out."""
    told: set[tuple[str, ...]] = set()
    for public in sorted(surface.all(), key=lambda public: (len(public.path), public.path)):
        for feature in sorted(asked_of(public, surface.features, table)) if public.gate != public.around else ():
            signs = table["needs"][feature]
            if any(covers(sign, public) for sign in signs) or excused(public, feature, table):
                continue
            if not any((feature, *public.path[:size]) in told for size in range(1, len(public.path))):
                told.add((feature, *public.path))
                yield feature, public


def as_sign(public: Public) -> str:
    """The item as a sign that can be pasted."""
    return f".{public.path[-1]}" if public.kind == "method" else "::".join(public.path)


def stale(surfaces: list[Names], table: Table) -> Iterator[tuple[str, str]]:
    """Signs that know no item of any checked version; a word may also stand anywhere in the source."""
    items = [public for surface in surfaces for public in surface.all()]
    paths = {public.path[:size] for public in items for size in range(1, len(public.path) + 1)}
    others = {public.path for public in items if public.kind == "use"}
    words = {word for surface in surfaces for word in surface.words} | {word for path in paths for word in path}
    for feature, signs in table.get("needs", {}).items():
        for sign in signs:
            path = tuple(sign.split("::"))
            below_another = any(path[:size] in others for size in range(1, len(path)))
            known = sign[0] == "@" or sign.startswith("columns>") or (sign[0] == "." and known_word(sign[1:], words))
            if not known and path not in paths and not below_another:
                yield feature, sign


def known_word(sign: str, words: set[str]) -> bool:
    """Whether a word of the set fits `word` or `Wor*`."""
    return any(word.startswith(sign[:-1]) for word in words) if sign.endswith("*") else sign in words


def wrong_classes(crate: str, table: Table, versions: list[feature_graphs.Version]) -> Iterator[str]:
    """Features that no version has; those of the newest that stand in no class, or in two; aggregates that are more."""
    known = {name for _, features, _ in versions for name in features}
    kinds = classes(table)
    named = {*table.get("cheap", ()), *table.get("instead", {}), *table.get("instead", {}).values()}
    named |= {name for group in table.get("together", ()) for name in group} | set(table.get("covered", {}))
    if "crates" not in table:
        for name in sorted(named.union(*kinds.values()) - known - {"default"}):
            yield f"{crate}: no known version has the feature {name}"
    version, newest, _ = versions[-1]
    for name in sorted(newest):
        where = sorted(kind for kind, names in kinds.items() if name in names)
        if len(where) > 1 or (not where and not comes_along(name, newest)):
            yield f"{crate}: feature {name} of {version} stands in {' and '.join(where) or 'no class'}"
    for name in sorted(set(table.get("aggregates", ())) - {"default"}):
        if beyond := [value for value in newest.get(name, ()) if value not in newest]:
            yield f"{crate}: aggregate {name} is more than features: {', '.join(beyond)}"


def own_code(crate: str, names: Names, table: Table) -> Iterator[str]:
    """Aggregates that gate an item."""
    for name in table.get("aggregates", ()):
        gated = [
            f"{'::'.join(public.path)} ({public.place})"
            for public in names.all()
            if any(name in clause for clause in public.gate) and not any(name in clause for clause in public.around)
        ]
        if gated:
            yield f"{crate}: aggregate {name} has code of its own, {len(gated)} items: {', '.join(gated[:3])}"


def versions_in_use(crate: str) -> list[str]:
    """The newest version of each series that had a release of late, newest first."""
    newest: dict[str, tuple[tuple[int, int, int], str]] = {}
    for entry in feature_graphs.published(feature_graphs.index_entries(crate)):
        version = entry["vers"]
        if entry.get("pubtime", IN_USE) >= IN_USE:
            key = feature_crates.series(version)
            newest[key] = max(newest.get(key, ((0, 0, 0), "")), (feature_graphs.semver(version), version))
    return [version for _, version in sorted(newest.values(), reverse=True)]


def check(crate: str, table: Table) -> bool:
    """Prints what is wrong with one crate's table; whether there was nothing."""
    start = time.perf_counter()
    versions = list(feature_graphs.versions_of(feature_graphs.index_entries(crate), ()))
    problems = list(wrong_classes(crate, table, versions))
    surfaces: dict[str, Names] = {}
    lines: dict[tuple[str, str], tuple[str, str]] = {}
    for version in versions_in_use(crate)[: MOST_SERIES // 4 if "crates" in table else MOST_SERIES]:
        surface = feature_crates.of_registry(crate, version)
        if surface is None:
            problems.append(f"{crate}: cargo has no source of {version}")
            continue
        surfaces[version] = surface
        problems += own_code(crate, surface, table)
        for feature, public in uncovered(surface, table):
            lines.setdefault((feature, as_sign(public)), (version, public.place))
    for problem in dict.fromkeys(problems):
        print(problem)
    for (feature, sign), (version, place) in sorted(lines.items()):
        print(f"{crate} {feature}: {sign} ({version} {place})")
    for feature in sorted({feature for feature, _ in lines}):
        signs = [sign for name, sign in lines if name == feature and not sign.startswith("impl ")]
        if signs:
            print(f"  {feature} += {', '.join(f'{chr(34)}{sign}{chr(34)}' for sign in signs)}")
    for feature, sign in stale(list(surfaces.values()), table):
        print(f"{crate} {feature}: stale sign {sign} (a warning)")
    counts = f"{len(problems)} problems, {len(lines)} names uncovered"
    print(f"{crate} {' '.join(surfaces)}: {counts}, {time.perf_counter() - start:.1f} s")
    return not problems and not lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["regenerate", "check"])
    parser.add_argument("crates", nargs="*")
    parser.add_argument("--tables", type=Path, default=feature_graphs.TABLES, help="where the tables to check stand")
    options = parser.parse_args()
    if options.command == "regenerate":
        feature_graphs.regenerate(options.crates)
        return
    tables = feature_graphs.load_tables(options.tables)
    chosen = [name for name in tables if not options.crates or {name, tables[name][0]} & set(options.crates)]
    good = [check(crate, tables[crate][1]) for crate in chosen]
    sys.exit(not (good and all(good)))


if __name__ == "__main__":
    main()
