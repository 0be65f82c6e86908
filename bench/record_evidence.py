"""Parts of a live run → `fixtures/depot/evidence`, which the tests read: `python bench/record_evidence.py FOLDER`.

FOLDER is what `diagnose_proof.py --only findings --keep …` leaves. Nothing is left out but what other programs of the
machine did; figures keep six digits.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import depot

PARTS = ("load", "isolated", "resources", "queries", "schema", "bundle")
LONGEST = 1e6
"""What is larger is a time or a size, and keeps milliseconds or bytes."""


def main() -> None:
    folder = Path(sys.argv[1])
    out = depot.DEPOT / "evidence"
    out.mkdir(exist_ok=True)
    for name in PARTS:
        part = json.loads((folder / f"{name}.json").read_text())
        if name == "resources":
            part["series"] = [series for series in part["series"] if not series["name"].startswith("other.")]
        text = json.dumps(_short(part), separators=(",", ":"), ensure_ascii=False)
        (out / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(text) / 1000:.0f} kB")


def _short(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3) if abs(value) >= LONGEST else float(f"{value:.6g}")
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value


if __name__ == "__main__":
    main()
