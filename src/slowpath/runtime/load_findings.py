"""What is wrong with a k6 script by what one user saw, and by what k6 logged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from slowpath.model.evidence import Remark, RouteFigures
from slowpath.runtime.k6_log import Logged, brief
from slowpath.runtime.load_plan import LoadPlan, shown
from slowpath.runtime.load_smoke import Smoke

ITERATIONS = 10
MOST = 5
OURS = "k6 received a 'interrupt' signal"
"""What k6 says where we end a run."""
STACK = re.compile(r"file://(/[^:()\s]+):(\d+):")
BUILT_IN = frozenset(
    "vus vus_max iterations iteration_duration dropped_iterations checks data_sent data_received http_reqs "
    "http_req_duration http_req_failed group_duration".split()
)


def of_smoke(plan: LoadPlan, found: Smoke, options: dict[str, Any]) -> Iterator[Remark]:
    """Answers that fail, iterations that ask for nothing, thresholds without data, levels that are too short."""
    about = shown(plan, plan.script)
    for route in found.step.routes if found.step is not None else ():
        yield from _route(route)
    for (method, path), tally in found.outside.items():
        if tally.errors:
            statuses = ", ".join(f"{count} × {status}" for status, count in sorted(tally.statuses.items()))
            message = f"{tally.errors} of {tally.requests} requests of setup() or teardown() fail ({statuses})"
            yield Remark(
                "warning", f"{method} {path}", message, instead="what the script needs from them may be missing"
            )
    asked, iterations = found.tally.all.requests, found.tally.begun
    if asked < iterations:
        message = f"at least {iterations - asked} of {iterations} iterations make no request, yet count as work"
        yield Remark("error", about, message, instead="an iteration that cannot go on sleeps, and says so: `fail(…)`")
    for metric, limits in sorted((options.get("thresholds") or {}).items()):
        name = metric.partition("{")[0]
        if name not in found.metrics and name not in BUILT_IN:
            message = (
                f"threshold {', '.join(limits)} on `{metric}` passes on no data: no sample in {iterations} iterations"
            )
            yield Remark("warning", about, message)
    hold = plan.soak or plan.hold
    if found.jitter * ITERATIONS > hold:
        message = f"an iteration takes {found.jitter:.1f} s: {hold:g} s hold fewer than {ITERATIONS} of them"
        yield Remark(
            "warning", about, message, instead=f"{'--soak' if plan.soak else '--hold'} {found.jitter * ITERATIONS:.0f}"
        )


def of_log(plan: LoadPlan, log: Iterable[Logged]) -> Iterator[Remark]:
    """Errors with the line of the script; requests that got no answer, by their reason."""
    errors: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for entry in log:
        if OURS in entry.text:
            continue
        if entry.level == "error":
            errors[entry.text] += entry.count
        elif entry.text.startswith("Request Failed"):
            failures[entry.text.rpartition('": ')[2]] += entry.count
    for text, count in errors.most_common(MOST):
        about, line = _place(plan, text)
        message = brief(text)
        yield Remark("error", about, f"{message} ({count} times)" if count > 1 else message, line)
    for text, count in failures.most_common(MOST):
        yield Remark("warning", "k6", f"{count} requests got no answer: {text}")


def _route(route: RouteFigures) -> Iterator[Remark]:
    name, figures = f"{route.method} {route.path}", route.figures
    if figures.limited:
        message = (
            f"{figures.limited} of {figures.requests} answers to one user are 429: a rate limit is in the way of load"
        )
        yield Remark("error", name, message, instead="raise the limit in the system that is measured")
    elif figures.errors:
        wrong = [status for status in route.statuses if not status.startswith(("2", "3"))]
        told = ", ".join(f"{route.statuses[status]} × {status if status != '0' else 'no answer'}" for status in wrong)
        message = f"{figures.errors} of {figures.requests} answers to one user count as failed ({told})"
        meant = [f"--status {status}" for status in wrong if status.startswith("4")]
        instead = f"correct the script, or {' '.join(meant)} if that is meant" if meant else ""
        yield Remark("error" if figures.errors == figures.requests else "warning", name, message, instead=instead)


def _place(plan: LoadPlan, text: str) -> tuple[str, int]:
    """The script's file and line that a stack trace names first; not the wrapper's."""
    for path, line in STACK.findall(text):
        if not path.endswith("/slowpath-load.js"):
            return shown(plan, Path(unquote(path))), int(line)
    return "k6", 0
