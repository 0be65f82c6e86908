"""Packages whose library has another name, from the crates that cargo has unpacked here.

Prints the lines that `[data.libraries]` of rules/cargo/unused-dependency.md lacks, and those that the crates' own
manifests contradict; exits with 1 where there are any. `python bench/library_names.py [folder of unpacked crates…]`
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from slowpath import rulebook

Named = tuple[str, str]


def main() -> None:
    """Compare, and say what differs."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    folders = [Path(folder) for folder in sys.argv[1:]] or sorted((home / "registry/src").glob("*"))
    (rule,) = [rule for rule in rulebook.load() if rule.id == "unused-dependency"]
    known: dict[str, str] = rule.settings["libraries"]
    seen = dict(named for folder in folders for named in libraries(folder))
    lacking = {package: library for package, library in seen.items() if known.get(package, plain(package)) != library}
    for package, library in sorted(lacking.items()):
        print(f'"{package}" = "{library}"' + (f"  # the page says {known[package]}" if package in known else ""))
    print(f"{len(seen)} libraries read, {len(lacking)} to mend", file=sys.stderr)
    sys.exit(bool(lacking))


def libraries(folder: Path) -> Iterator[Named]:
    """(package, library) of each unpacked crate; platform bindings are never named by their package."""
    for path in sorted(folder.glob("*/Cargo.toml")):
        try:
            manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        package, library = manifest.get("package", {}).get("name"), manifest.get("lib", {}).get("name")
        if package and library and not package.endswith("-sys"):
            yield package, library


def plain(package: str) -> str:
    """The name that cargo gives a library by itself."""
    return package.replace("-", "_")


if __name__ == "__main__":
    main()
