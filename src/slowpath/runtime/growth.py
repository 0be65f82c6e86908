"""Whether a process' memory grows under constant load, by Theil and Sen.

The slope is the median of the slopes of all pairs of points; its 95 % interval are those whose ranks lie within
z·√Var(S) of the middle, S being Kendall's statistic, its variance corrected for ties (Sen 1968, J. Am. Stat. Assoc. 63,
1379–1389). Samples of one run hang together, so the points are medians of blocks. On a ramp memory always grows: only
soak steps are looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from statistics import median
from typing import Literal

from slowpath.model.evidence import LoadPart, LoadStep, MemoryGrowth, ResourcesPart, Series
from slowpath.runtime.limiter_facts import window

Point = tuple[float, float]
Said = Literal["grows", "steady", "undecided"]
Z = 1.96
BLOCKS = 60
FEWEST = 8
"""Blocks, and samples in the whole, below which nothing is said."""
LONG = 600.0
"""Seconds of constant load."""
MATTERS = 0.02
"""Share of the memory: what grows by less over the step is steady."""
OVERWHELMING = 0.5
"""Share of the memory that it would gain in ten minutes at least: then a shorter step will do."""
SHORTEST = 120.0
COOL = 10.0
"""Seconds after the load, when memory is looked at again."""
NAMES = ("process.memory", "container.memory")
OURS = ("k6", "reader", "slowpath")


def growth(resources: ResourcesPart, load: LoadPart) -> tuple[MemoryGrowth, ...]:
    """Of each watched program, over the longest soak step."""
    soaks = [step for step in load.steps if step.phase == "soak"]
    if not soaks:
        return ()
    soak = max(soaks, key=lambda step: step.end - step.start)
    end = max(step.end for step in load.steps)
    series = [one for one in resources.series if one.name in NAMES and one.subject not in OURS]
    return tuple(_judged(one, soak, end) for one in series)


def theil_sen(points: Sequence[Point]) -> tuple[float, float, float] | None:
    """Slope with the bounds of its interval; None where no interval exists."""
    slopes = sorted((b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t != s)
    if len(points) < FEWEST or not slopes:
        return None
    spread = Z * math.sqrt(_variance([value for _, value in points]))
    low = round((len(slopes) - spread) / 2)
    high = round((len(slopes) + spread) / 2)
    if low < 0 or high > len(slopes):
        return None
    return median(slopes), slopes[max(0, low - 1)], slopes[min(high, len(slopes) - 1)]


def blocks(points: Sequence[Point], count: int = BLOCKS) -> list[Point]:
    """Medians of stretches of equal numbers of samples."""
    size = max(1, math.ceil(len(points) / count))
    return [
        (median(time for time, _ in part), median(value for _, value in part))
        for part in (points[start : start + size] for start in range(0, len(points), size))
    ]


def _judged(series: Series, soak: LoadStep, end: float) -> MemoryGrowth:
    points = list(window(series, soak))
    seconds = points[-1][0] - points[0][0] if points else 0.0
    thin = blocks(points)
    whole, half = theil_sen(thin), theil_sen(thin[len(thin) // 2 :])
    if whole is None or half is None:
        words = f"{len(points)} samples in {seconds:.0f} s are too few"
        return MemoryGrowth(series.subject, seconds, 0.0, (None, None), "undecided", words)
    slope, low, high = (bound * 60 for bound in whole)
    verdict, reason = _verdict(thin, seconds, (slope, low, high), half[1] > 0)
    after = _after(series, end)
    if after is not None:
        reason += f"; {_size(after)} after the load"
        gained = thin[-1][1] - thin[0][1]
        if verdict == "grows" and after < thin[-1][1] - gained / 2:
            verdict, reason = "undecided", f"{reason}: it gives back what it took, as a cache or an allocator does"
    return MemoryGrowth(series.subject, seconds, slope, (low, high), verdict, reason)


def _verdict(
    points: Sequence[Point], seconds: float, slopes: tuple[float, float, float], still: bool
) -> tuple[Said, str]:
    slope, low, high = slopes
    held = median(value for _, value in points)
    words = f"{_size(slope)} a minute ({_size(low)} to {_size(high)}) over {seconds:.0f} s, of {_size(held)}"
    matters = max(abs(low), abs(high)) * seconds / 60 >= MATTERS * held
    if seconds >= LONG:
        if not matters or low <= 0 <= high:
            return ("steady", words) if not matters else ("undecided", f"{words}: the interval holds 0")
        if low > 0 and slope * seconds / 60 >= MATTERS * held:
            return ("grows", words) if still else ("undecided", f"{words}: it levels off in the second half")
        return "steady", words
    if seconds >= SHORTEST and still and low * LONG / 60 >= OVERWHELMING * held:
        return "grows", f"{words}: overwhelming"
    return "undecided", f"{words}: constant load of {LONG / 60:.0f} minutes is needed"


def _variance(values: Iterable[float]) -> float:
    """Of Kendall's S."""
    counts = Counter(values).values()
    return (_term(sum(counts)) - sum(_term(count) for count in counts if count > 1)) / 18


def _term(count: int) -> float:
    return count * (count - 1) * (2 * count + 5)


def _after(series: Series, end: float) -> float | None:
    values = list(_later(series, end + COOL))
    return median(values) if values else None


def _later(series: Series, when: float) -> Iterator[float]:
    return (value for time, value in zip(series.times, series.values, strict=False) if time >= when)


def _size(count: float) -> str:
    return f"{count / 1e6:.1f} MB" if abs(count) >= 1e5 else f"{count / 1e3:.1f} kB"
