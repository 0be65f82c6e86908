"""Whether a level of users is good, bad or undecided. Pure."""

from __future__ import annotations

from slowpath.model.evidence import Figures, Limits, Verdict

ENOUGH = 72
"""Samples from which on p95 has an upper bound, if they are independent."""
UNFINISHED = 0.05
"""Share of users that may still be at work when the time after a level is over."""
SATURATED = 0.85
"""Share of all cores that k6 may use."""


def saturated(cpu: float | None, cores: int) -> bool:
    return cpu is not None and cpu > SATURATED * cores


def judged(
    figures: Figures, limits: Limits, *, vus: int, unfinished: int = 0, cpu: float | None = None, cores: int = 1
) -> tuple[Verdict, str]:
    """Bad only where a lower bound is over its limit, good only where both upper bounds are under theirs."""
    if saturated(cpu, cores):
        return "undecided", f"k6 itself used {cpu:.1f} of {cores} cores: it may be what is slow"
    if not figures.requests:
        hung = f"no request of {vus} users was answered in {figures.seconds:.0f} s"
        return ("bad", hung) if unfinished >= vus and figures.seconds * 1000 > limits.p95_ms else ("undecided", hung)
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
