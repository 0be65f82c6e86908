"""Whether a level of users is good, bad or undecided. Pure."""

from __future__ import annotations

from typing import NamedTuple

from slowpath.model.evidence import Figures, Limits, LoadStep, Verdict

ENOUGH = 72
"""Samples from which on p95 has an upper bound, if they are independent."""
UNFINISHED = 0.05
"""Share of users that may still be at work when the time after a level is over."""
GENERATOR = "k6 itself"
SATURATED = 0.85
"""Share of all cores that k6 may use."""
BUSY = 0.25
"""Cores from which on k6 may be slow by its own work, where other programs leave it no more."""
SLOWED, SLACK_MS = 1.5, 20.0
"""Pauses and the script's own work take as long whatever the load: a generator that keeps up shows no growth."""


class Generator(NamedTuple):
    """How k6 itself did: cores that it used and there are, and milliseconds of an iteration outside of its requests."""

    cpu: float | None = None
    cores: int = 1
    own: float | None = None
    alone: float | None = None
    """The same with one user."""

    @property
    def trouble(self) -> str:
        """Why it may be what is slow; empty where it is not."""
        if self.cpu is None:
            return ""
        if self.cpu > SATURATED * self.cores:
            return f"{GENERATOR} used {self.cpu:.1f} of {self.cores} cores: it may be what is slow"
        if self.own is None or self.alone is None or self.cpu < BUSY or self.own < SLOWED * self.alone + SLACK_MS:
            return ""
        grown = f"{self.own:.0f} ms of an iteration instead of {self.alone:.0f} ms"
        return f"{GENERATOR} is slow: what is outside of requests takes {grown}, at {self.cpu:.1f} cores"


def generator_bound(step: LoadStep) -> bool:
    return step.verdict == "undecided" and step.reason.startswith(GENERATOR)


def judged(
    figures: Figures,
    limits: Limits,
    *,
    vus: int,
    unfinished: int = 0,
    generator: Generator | None = None,
    iteration: float = 0.0,
) -> tuple[Verdict, str]:
    """Bad only where a lower bound is over its limit, good only where both upper bounds are under theirs. `iteration`:
    seconds that one takes alone; a user who rests as long as the level lasts is not one who gets no answer."""
    if generator is not None and generator.trouble:
        return "undecided", generator.trouble
    if not figures.requests:
        hung = f"no request of {vus} users was answered in {figures.seconds:.0f} s"
        certain = unfinished >= vus and figures.seconds > iteration + limits.p95_ms / 1000
        return ("bad", hung) if certain else ("undecided", hung)
    (slow_low, slow_high), (wrong_low, wrong_high) = figures.p95_interval, figures.error_interval
    over = [
        told
        for low, limit, told in (
            (slow_low, limits.p95_ms, f"{_latency(figures)} is over {limits.p95_ms:g} ms"),
            (wrong_low, limits.error_rate, f"{_failures(figures)}, over {_percent(limits.error_rate)}"),
        )
        if low is not None and low > limit
    ]
    if over:
        return "bad", "; ".join(over)
    if unfinished > max(1.0, UNFINISHED * vus):
        return (
            "undecided",
            f"{unfinished} of {vus} users were not done long after the level had ended: requests may hang",
        )
    unsure = []
    if slow_high is None:
        few = f"{figures.requests} requests are too few for an upper bound of p95"
        unsure.append(few if figures.requests < ENOUGH else f"{_latency(figures)}: slow answers came in bursts")
    elif slow_high > limits.p95_ms:
        unsure.append(f"{_latency(figures)} may lie on either side of {limits.p95_ms:g} ms")
    if wrong_high is None or wrong_high > limits.error_rate:
        unsure.append(f"{_failures(figures)}, which may lie on either side of {_percent(limits.error_rate)}")
    return ("undecided", "; ".join(unsure)) if unsure else ("good", f"{_latency(figures)}, {_failures(figures)}")


def _latency(figures: Figures) -> str:
    low, high = figures.p95_interval
    if figures.p95 is None:
        return "no answer"
    bounds = f" ({'?' if low is None else f'{low:.0f}'} to {'?' if high is None else f'{high:.0f}'})"
    return f"p95 {figures.p95:.0f} ms{bounds}"


def _failures(figures: Figures) -> str:
    low, high = figures.error_interval
    bounds = f" ({_percent(low)} to {_percent(high)})" if low is not None and high is not None else ""
    limited = f", {figures.limited} of {figures.errors} a rate limit (429)" if figures.limited else ""
    return f"{_percent(figures.error_rate)} failed{bounds}{limited}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
