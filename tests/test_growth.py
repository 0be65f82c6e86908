"""Memory that grows under constant load is told from memory that does not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from slowpath.model.evidence import Figures, LoadPart, LoadStep, MemoryGrowth, ResourcesPart, Series
from slowpath.runtime.growth import growth, theil_sen

START = 1000.0


def test_slope_and_interval_are_those_of_the_literature() -> None:
    """The example of Bonett's statpsych: ci.theil(.05, y, x) returns 0.5 and 0.324 to 0.75."""
    y = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
    x = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]
    found = theil_sen([(float(a), float(b)) for a, b in zip(x, y, strict=True)])
    assert found == pytest.approx((0.5, 0.3243243, 0.75), abs=1e-6)


def test_too_few_points_have_no_interval() -> None:
    assert theil_sen([(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]) is None
    assert theil_sen([(1.0, 1.0)] * 20) is None


def memory(at: Callable[[float], float], seconds: int, after: float | None = None) -> MemoryGrowth:
    """Of an app under constant load for some time, with noise; then idle for half a minute."""
    noise = random.Random(7)
    times = [START + second for second in range(seconds)]
    values = [at(time - START) + noise.uniform(-2e6, 2e6) for time in times]
    if after is not None:
        times += [START + seconds + second for second in range(30)]
        values += [after] * 30
    series = (Series("process.memory", "app", "bytes", tuple(times), tuple(values)),)
    step = LoadStep(50, "soak", START, START + seconds, Figures(1, float(seconds), 1.0), "good", "")
    part = ResourcesPart(schema="slowpath-resources/1", series=series)
    (found,) = growth(part, LoadPart(schema="slowpath-load/1", steps=(step,)))
    return found


MB = 1e6


@pytest.mark.parametrize(
    ("what", "at", "seconds", "after", "verdict"),
    [
        ("a leak of 2 MB a minute", lambda t: 200 * MB + 2 * MB * t / 60, 900, None, "grows"),
        ("the same, kept when idle", lambda t: 200 * MB + 2 * MB * t / 60, 900, 230 * MB, "grows"),
        ("the same, given back when idle", lambda t: 200 * MB + 2 * MB * t / 60, 900, 201 * MB, "undecided"),
        ("the same, watched too briefly", lambda t: 200 * MB + 2 * MB * t / 60, 240, None, "undecided"),
        ("a leak that nobody needs to wait for", lambda t: 100 * MB + 60 * MB * t / 60, 180, None, "grows"),
        ("noise", lambda t: 200 * MB, 900, None, "steady"),
        ("a cache that fills", lambda t: 200 * MB + 40 * MB * min(1.0, t / 300), 900, None, "undecided"),
        ("less than matters", lambda t: 200 * MB + 0.1 * MB * t / 60, 900, None, "steady"),
        ("half a minute", lambda t: 200 * MB, 20, None, "undecided"),
    ],
)
def test_growth(what: str, at: Callable[[float], float], seconds: int, after: float | None, verdict: str) -> None:
    found = memory(at, seconds, after)
    assert found.verdict == verdict, f"{what}: {found}"


def test_the_leak_is_measured() -> None:
    found = memory(lambda t: 200 * MB + 2 * MB * t / 60, 900)
    low, high = found.interval
    assert low is not None and high is not None and low < 2 * MB < high
    assert found.slope == pytest.approx(2 * MB, rel=0.1) and "MB a minute" in found.reason


def test_a_ramp_says_nothing() -> None:
    series = (Series("process.memory", "app", "bytes", (1.0, 2.0), (1.0, 2.0)),)
    step = LoadStep(50, "double", 0.0, 900.0, Figures(1, 900.0, 1.0), "good", "")
    part = ResourcesPart(schema="slowpath-resources/1", series=series)
    assert growth(part, LoadPart(schema="slowpath-load/1", steps=(step,))) == ()
