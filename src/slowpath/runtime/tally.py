"""Statements of a log, counted by id. Texts lose their values on the way in; nothing else of them is kept."""

from __future__ import annotations

from collections import OrderedDict

from slowpath.model.evidence import Statement
from slowpath.runtime.shapes import shape
from slowpath.runtime.sql_clean import QUERIES, cleaned, fingerprint

MOST = 10_000
"""Statements that are told apart; more are counted together."""
KEPT = 10_000
"""Characters of a text: what is longer is not parsed."""
REST = "fp:rest"
UNREAD = "fp:unread"
"""Those without a query id whose text could not be freed of values."""
RECENT = 8192
"""Texts whose id is remembered."""
SHOWN = 2000


class Tally:
    """Ids, and figures by id."""

    def __init__(self) -> None:
        self._figures: dict[str, list[float]] = {}
        self._texts: dict[str, str] = {}
        self._ids: OrderedDict[int, str] = OrderedDict()
        self.rest = 0

    def identify(self, text: str, query_id: int) -> str:
        """The id of a statement as it was sent. A text is cleaned once for each query id, or each text."""
        if query_id:
            name = str(query_id)
            if name not in self._texts and len(self._texts) < MOST:
                self._texts[name] = cleaned(text)[:KEPT]
            self._remember(hash(text), name)
            return name
        return self.of_text(text) or self._named(text)

    def of_text(self, text: str) -> str:
        """The id that a text had lately, or nothing."""
        return self._ids.get(hash(text), "")

    def add(self, name: str, ms: float) -> None:
        figures = self._figures.get(name)
        if figures is None:
            if len(self._figures) >= MOST:
                self.rest += 1
                name = REST
            figures = self._figures.setdefault(name, [0, 0.0, 0.0])
        figures[0] += 1
        figures[1] += ms
        figures[2] = max(figures[2], ms)

    def text(self, name: str) -> str:
        return self._texts.get(name, "")

    def is_query(self, name: str) -> bool:
        """Not BEGIN, SET and their like."""
        return self.text(name)[:8].upper().lstrip("( ").split(" ", 1)[0] in QUERIES

    def __len__(self) -> int:
        return len(self._figures)

    def statements(self, most: int) -> list[Statement]:
        """Those with most time in total, most first."""
        found = sorted(self._figures.items(), key=lambda item: (-item[1][1], item[0]))[:most]
        return [
            Statement(
                id=name,
                text=self.text(name)[:SHOWN],
                shape=shape(self.text(name)),
                calls=int(calls),
                total_ms=round(total, 3),
                mean_ms=round(total / calls, 4),
                max_ms=longest,
            )
            for name, (calls, total, longest) in found
        ]

    def _named(self, text: str) -> str:
        clean = cleaned(text)
        name = fingerprint(clean) if clean else UNREAD
        if len(self._texts) < MOST:
            self._texts.setdefault(name, clean[:KEPT])
        self._remember(hash(text), name)
        return name

    def _remember(self, key: int, name: str) -> None:
        if key in self._ids:
            return
        self._ids[key] = name
        if len(self._ids) > RECENT:
            self._ids.popitem(last=False)
