"""Figures as sentences say them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 3


def number(value: float) -> str:
    """Three figures at most behind the first: 1,234 · 56.7 · 0.83 · 0.012."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 1:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2g}" if value >= 0.001 else "0" if value <= 0 else "under 0.001"


def ms(value: float) -> str:
    return f"{number(value)} ms"


def percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def times(count: float) -> str:
    return "once" if abs(count - 1) < 0.05 else f"{number(count)} times"


def listed(names: Iterable[object]) -> str:
    """The first few of some names."""
    every: Sequence[str] = list(dict.fromkeys(map(str, names)))
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def size(count: float) -> str:
    """Bytes."""
    return f"{number(count / 1000)} kB" if count >= 1000 else f"{count:.0f} B"
