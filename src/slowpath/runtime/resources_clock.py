"""How far another host's clock is ahead of ours, by the Date of its answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from slowpath.runtime.resources_http import connection, get
from slowpath.runtime.sources import SourceError

PAUSE = 0.1
ASKED = 12
"""Times: a Date has whole seconds, so it is asked until it changes."""


def offset(url: str, *, owned: bool) -> float:
    """Seconds; 0 where it is less than the second that a Date cannot tell. Raises SourceError and TargetError."""
    return between(lambda: _date(url, owned))


def between(date: Callable[[], float], now: Callable[[], float] = time.time, pause: float = PAUSE) -> float:
    """The answer in which the second changes tells it to a tenth; else the mean of what is possible."""
    first = date()
    ahead = first + 0.5 - now()
    for _ in range(ASKED):
        time.sleep(pause)
        changed = date()
        if changed != first:
            ahead = changed - now()
            break
    return round(ahead, 1) if abs(ahead) >= 1.0 else 0.0


def _date(url: str, owned: bool) -> float:
    _, _, date = get(connection(url, owned=owned), "/")
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        raise SourceError("its answers have no Date") from None
