"""What Prometheus recorded over the measured time: `GET /api/v1/query_range`, asked once, at the end.

prometheus.io/docs/prometheus/latest/querying/api: a matrix, each series with its labels and `[seconds, "value"]`; not
more than 11,000 points a series.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from slowpath.model.evidence import Remark, Series
from slowpath.runtime.resources_http import connection, document, get
from slowpath.runtime.sources import SourceError, first_line
from slowpath.runtime.targets import TargetError

POINTS = 11_000
SERIES = 50
"""Kept of one query, the first."""
STEP = 5.0
RATE = re.compile(r"\b(?:rate|irate|increase)\s*\([^()]*\[(\d+)s\]")
SHORT = 60
"""Seconds: with the default scrape every 15 s, a rate over less than this sees fewer than four scrapes."""


def ranges(
    url: str, queries: Mapping[str, str], start: float, end: float, *, owned: bool
) -> tuple[list[Series], list[Remark]]:
    """The series of each named query. What one query cannot give is a remark, and the others go on."""
    found: list[Series] = []
    remarks: list[Remark] = []
    for name, query in queries.items():
        about = f"Prometheus, {name}"
        short = [int(seconds) for seconds in RATE.findall(query) if int(seconds) < SHORT]
        if short:
            words = f"a rate over {short[0]} s sees few scrapes; its window should hold four"
            remarks.append(Remark("note", about, words))
        try:
            found += parsed(name, _asked(url, query, start, end, owned))
        except (SourceError, TargetError) as error:
            remarks.append(Remark("warning", about, f"not measured: {error}"))
    return found, remarks


def _asked(url: str, query: str, start: float, end: float, owned: bool) -> dict[str, Any]:
    step = max(STEP, math.ceil((end - start) / POINTS))
    asked = urlencode({"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"})
    path = f"{urlsplit(url).path.rstrip('/')}/api/v1/query_range?{asked}"
    status, body, _ = get(connection(url, owned=owned, timeout=15.0), path)
    if 300 <= status < 400:
        raise SourceError(f"answers {status}: give the address that it leads to")
    try:
        return document(body)
    except SourceError:
        raise SourceError(f"answers {status}, and no JSON") from None


def parsed(name: str, answer: Mapping[str, Any]) -> Iterator[Series]:
    """Raises SourceError for an answer that tells of an error or holds no matrix."""
    if answer.get("status") != "success":
        raise SourceError(f"{first_line(answer.get('errorType', 'error'))}: {first_line(answer.get('error', ''))}")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
        raise SourceError("the answer holds no matrix")
    if not data["result"]:
        raise SourceError("the query gave nothing for this time")
    for entry in data["result"][:SERIES]:
        if not isinstance(entry, dict):
            continue
        labels = entry.get("metric")
        subject = (
            ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) if isinstance(labels, dict) else ""
        )
        points = list(_points(entry.get("values")))
        if points:
            yield Series(f"prom.{name}", subject[:200], "", tuple(t for t, _ in points), tuple(v for _, v in points))


def _points(values: object) -> Iterator[tuple[float, float]]:
    """Without what is no number: NaN is how a missing value is sent."""
    for point in values if isinstance(values, list) else []:
        try:
            when, value = float(point[0]), float(point[1])
        except (TypeError, ValueError, IndexError, KeyError):
            continue
        if math.isfinite(when) and math.isfinite(value):
            yield when, value
