"""Quantiles and rates with their 95 % intervals, and how much dependent samples are worth.

No distribution is assumed: intervals of quantiles come from order statistics (Conover 1999, 3.2), those of rates from
Wilson (1927). Samples of one run hang together, so both count with fewer samples where blocks of time differ more than
chance allows (the design effect of Kish 1965).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from slowpath.model.evidence import Range

Z = 1.959964
TAIL = 0.025
EXACT = 2000
"""Up to so many samples ranks come from the binomial distribution, above from its normal approximation."""


def quantile(ordered: Sequence[float], level: float) -> float | None:
    """The smallest value that at least this share of the sorted values does not exceed."""
    return ordered[max(0, math.ceil(level * len(ordered)) - 1)] if ordered else None


def quantile_interval(ordered: Sequence[float], level: float, effective: float | None = None) -> Range:
    """Bounds of a quantile of sorted values that are worth `effective` independent ones."""
    count = len(ordered)
    worth = min(count, int(count if effective is None else effective))
    if worth < 1:
        return None, None
    low, high = _ranks(worth, level)
    lower = ordered[max(0, math.floor(low / worth * count) - 1)] if low >= 1 else None
    upper = ordered[min(count, math.ceil(high / worth * count)) - 1] if high <= worth else None
    return lower, upper


def wilson(hits: int, count: int, effective: float | None = None) -> Range:
    """Bounds of a rate."""
    if not count:
        return None, None
    worth = max(1.0, min(count, count if effective is None else effective))
    rate, square = hits / count, Z * Z
    middle = (rate + square / (2 * worth)) / (1 + square / worth)
    spread = Z / (1 + square / worth) * math.sqrt(rate * (1 - rate) / worth + square / (4 * worth * worth))
    return max(0.0, middle - spread) if hits else 0.0, min(1.0, middle + spread) if hits < count else 1.0


def worth(blocks: Iterable[tuple[int, int]]) -> float:
    """How many independent samples blocks of (hits, samples) are worth for the rate of hits."""
    held = [(hits, count) for hits, count in blocks if count]
    total = sum(count for _, count in held)
    rate = sum(hits for hits, _ in held) / total if total else 0.0
    if len(held) < 2 or rate in (0.0, 1.0):
        return float(total)
    between = sum((hits - rate * count) ** 2 for hits, count in held) * len(held) / (len(held) - 1)
    return total / max(1.0, between / (total * rate * (1 - rate)))


def _ranks(count: int, level: float) -> tuple[int, int]:
    """Ranks, counted from 1, of the sorted values around the quantile; 0 and count + 1 stand for none."""
    if count > EXACT:
        spread = Z * math.sqrt(count * level * (1 - level))
        return math.floor(count * level - spread), math.ceil(count * level + spread)
    low, total = 0, 0.0
    for rank in range(count):  # at most `rank` values lie under the quantile
        total += _binomial(rank, count, level)
        if total <= TAIL:
            low = rank + 1
        if total >= 1 - TAIL:
            return low, rank + 1
    return low, count + 1


def _binomial(hits: int, count: int, level: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(level) + (count - hits) * math.log1p(-level))
