#!/usr/bin/env python3
"""What each entry or page of a front end loads first, as slowpath estimates it without a build.

usage: first_load.py DIR

In: a directory. Out: a JSON array on stdout, one object per entry:
{"entry": path, "kind": word, "modules": [paths], "packages": {name: kB}, "unknown": [names], "kilobytes": n}.
Kilobytes are of minified JavaScript, not compressed; `packages` holds what they need of each other, and `unknown` names
those that the table of sizes does not know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.program.first_loads import first_load


def main() -> None:
    """Reads one project."""
    found = discover(Path(sys.argv[1]).resolve(), ())
    files, _, _ = facts_of(found, [], 1, None)
    web = link(files).web
    rows = []
    for entry, kind in sorted(web.entries.items()):
        if kind != "library":
            modules, weight = first_load(web, entry)
            packages = {name: round(kilobytes, 1) for name, kilobytes in weight.packages.items()}
            rows.append({
                "entry": entry, "kind": kind, "modules": sorted(modules), "packages": packages,
                "unknown": weight.unknown, "kilobytes": round(weight.kilobytes),
            })  # fmt: skip
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
