"""The query that a call sends, with its tables as the migrations know them."""

from __future__ import annotations

from bisect import bisect_right

from slowpath.program import Program
from slowpath.program.rust import Site
from slowpath.program.schema import PlacedQuery

MAX_AROUND = 12
"""Queries that may begin between a chain's head and the one that holds it."""


class Placed:
    """Answers for one program."""

    def __init__(self, program: Program) -> None:
        self._by_file: dict[str, list[PlacedQuery]] = {}
        for placed in program.schema.queries:
            self._by_file.setdefault(placed.path, []).append(placed)
        for queries in self._by_file.values():
            queries.sort(key=lambda placed: placed.query.span)

    def of(self, site: Site) -> PlacedQuery | None:
        """The query whose text or chain lies in the call's own chain, or has the call in it."""
        queries = self._by_file.get(site.function.file, [])
        head, end = site.call.head, site.call.end
        last = bisect_right(queries, end, key=lambda placed: placed.query.span[0])
        for placed in reversed(queries[max(last - MAX_AROUND, 0) : last]):
            start, stop = placed.query.span
            if (start <= head and end <= stop) or (head <= start and stop <= end):
                return placed
        return None

    def tiny(self, site: Site) -> bool:
        """Whether the tables that a query reads have few rows by construction."""
        placed = self.of(site)
        if placed is None or not placed.query.tables:
            return False
        known = [placed.schema.certain(table) for table in placed.query.tables[:1]]
        return all(found and all(catalogue.tiny(table) for catalogue, table in found) for found in known)
