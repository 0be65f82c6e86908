"""Findings that ask for an index, beside the indexes, the plans and the table statistics of the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from slowpath.correlate.bounds import sane
from slowpath.correlate.database import undecided, unseen, weighed
from slowpath.correlate.scene import Scene, cheap, places
from slowpath.correlate.shapes import name
from slowpath.correlate.sought import Hit, Sought, hits
from slowpath.correlate.words import ms, number
from slowpath.model.evidence import PlanScan, TableUse
from slowpath.model.finding import Finding, Measured, Place, Status

RULES = frozenset(["missing-index", "foreign-key-without-index"])
INDEX = re.compile(r"^(?:unique )?(?:hash )?\S+ \((?P<first>(?:[^,()]|\([^()]*(?:\([^()]*\)[^()]*)*\))+)[^;]*\)$")
"""As the schema part writes one: `name (column, column)`; not those that are partial, or for other matches."""
LONGEST = 1_000
SMALL = 1_000
"""Live rows: a table of fewer fits in a few pages, and reading it whole is as fast as an index."""


def judge(scene: Scene, finding: Finding) -> Measured | None:
    """What was measured of a finding that asks for an index."""
    wanted = _wanted(scene, finding)
    if wanted is None:
        return None
    table, column = wanted.table, wanted.column
    served = _served(scene, wanted)
    if served:
        return Measured("contradicted", f"the database has an index that begins with `{column}`: {served}")
    sought = _sought(scene, finding)
    idle = scene.idle([each.entry for each in sought])
    if idle is not None or not any(scene.driven(each.entry) for each in sought):
        return idle
    queries = scene.evidence.queries
    if queries is None:
        return None
    use = next((each for each in queries.tables if name(each.table) == table), None)
    found = list(hits(scene, sought))
    if use is not None and use.rows < SMALL and found:
        words = f"`{table}` has {number(sane(use.rows))} rows in the measured database: an index would not be used"
        return _with(scene, finding, found, words)
    if not found:
        return unseen(scene, sought)
    scans = [scan for scan in queries.scans if name(scan.table) == table and column in _columns(scan)]
    own = [hit for hit in found if any(scan.statement == each.id for scan in scans for each in hit.candidates)]
    if own:
        certain = [_narrowed(hit, scans) for hit in own]
        if any(len(hit.candidates) > 1 for hit in certain):
            return undecided(scene, certain)
        return _confirmed(scene, finding, certain, scans)
    if any(len(hit.candidates) > 1 for hit in found):
        return undecided(scene, found)
    return _by_table(scene, finding, found, use)


class Wanted(NamedTuple):
    """What an index should begin with; `function` around the column, where the query asks by one."""

    table: str
    column: str
    function: str


def _sought(scene: Scene, finding: Finding) -> list[Sought]:
    """The queries that want the index, each with routes of its own."""
    found = (scene.shapes.at(place) for place in places(finding))
    return [Sought(each, each.function) for each in dict.fromkeys(found) if each is not None]


def _wanted(scene: Scene, finding: Finding) -> Wanted | None:
    """What a finding asks for: what its message names of that which stands at its place."""
    found = list(dict.fromkeys(_at(scene, finding.place)))
    named = [each for each in found if re.search(rf"\b{re.escape(each.column)}\b", finding.message)]
    return named[0] if len(named) == 1 else found[0] if len(found) == 1 else None


def _at(scene: Scene, place: Place) -> Iterator[Wanted]:
    view = scene.program.schema
    for placed in view.queries:
        if placed.path != place.path:
            continue
        query = placed.query
        compared = [(p.column, p.function) for p in query.predicates if p.span == place.span]
        for column, function in [*compared, *([(query.order, "")] if query.order_span == place.span else [])]:
            if "." in column:
                table, _, bare = name(column).rpartition(".")
                yield Wanted(table, bare, function.lower())
    for schema in view.schemas:
        for catalogue in schema.catalogues:
            for known in catalogue.tables.values():
                for key, declared in known.foreign():
                    if declared == place and key.columns:
                        yield Wanted(name(known.name), name(key.columns[0]), "")


def _served(scene: Scene, wanted: Wanted) -> str:
    """The index of the database that begins with what is asked for."""
    part = scene.evidence.database
    known = part.indexes if part is not None else {}
    own = next((indexes for table, indexes in known.items() if name(table) == wanted.table), ())
    first = f"{wanted.function}({wanted.column})" if wanted.function else wanted.column
    for written in own:
        found = INDEX.match(written[:LONGEST]) if " where " not in written else None
        if found and name(found["first"]).replace(" ", "").replace("::text", "") in (first, f"({first})"):
            return written
    return ""


def _columns(scan: PlanScan) -> list[str]:
    return [name(column).rpartition(".")[2] for column in scan.columns]


def _narrowed(hit: Hit, scans: list[PlanScan]) -> Hit:
    """The statement of which a plan was seen that reads the table whole."""
    planned = {scan.statement for scan in scans}
    return hit._replace(candidates=tuple(each for each in hit.candidates if each.id in planned))


def _confirmed(scene: Scene, finding: Finding, found: list[Hit], scans: list[PlanScan]) -> Measured:
    """A plan reads the table whole, by a filter on the column."""
    ids = {each.id for hit in found for each in hit.candidates}
    scan = max((scan for scan in scans if scan.statement in ids), key=lambda scan: (scan.rows_removed, scan.statement))
    read = sane(scan.rows_removed) + sane(scan.rows_kept)
    return _told(
        scene,
        finding,
        found,
        f"its plan reads all of `{scan.table}`, {number(read)} rows to keep {number(sane(scan.rows_kept))}",
    )


def _by_table(scene: Scene, finding: Finding, found: list[Hit], use: TableUse | None) -> Measured:
    """No plan was recorded: what the table's own statistics say."""
    measured = weighed(scene, finding, found)
    if measured.status in ("ambiguous", "cheap"):
        return measured
    if use is None:
        return replace(
            measured,
            status="ambiguous",
            summary=f"{measured.summary}; how it is planned was not recorded: turn on auto_explain",
        )
    if use.seq_scans <= 0:
        told = f"`{use.table}` was never read whole: {number(sane(use.index_scans))} index scans"
        return replace(measured, status="contradicted", summary=told)
    ids = {hit.candidates[0].id for hit in found}
    queries = scene.evidence.queries
    others = sum(
        sane(each.calls)
        for each in (queries.statements if queries is not None else ())
        if each.id not in ids and each.shape.verb != "insert" and name(use.table) in map(name, each.shape.tables)
    )
    if use.seq_scans > others:
        return replace(
            measured, summary=f"{measured.summary}; `{use.table}` was read whole {number(use.seq_scans)} times"
        )
    told = (
        f"`{use.table}` was read whole {number(use.seq_scans)} times, perhaps by other statements: turn on auto_explain"
    )
    return replace(measured, status="ambiguous", summary=f"{measured.summary}; {told}")


def _told(scene: Scene, finding: Finding, found: list[Hit], words: str) -> Measured:
    measured = weighed(scene, finding, found)
    if measured.status == "ambiguous":  # how often it comes is not known, what it takes is
        mean = max(sane(each.mean_ms) for hit in found for each in hit.candidates)
        status: Status = "cheap" if cheap(mean, None) else "confirmed"
        return replace(measured, status=status, summary=f"each call takes {ms(mean)}; {words}")
    return replace(measured, summary=f"{measured.summary}; {words}")


def _with(scene: Scene, finding: Finding, found: list[Hit], words: str) -> Measured:
    """Contradicted, with the figures where they are known."""
    if any(len(hit.candidates) > 1 for hit in found):
        return Measured("contradicted", words)
    measured = weighed(scene, finding, found)
    return replace(measured, status="contradicted", summary=words)
