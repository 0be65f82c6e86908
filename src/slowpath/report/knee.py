"""What the load part says around the breaking point."""

from __future__ import annotations

from slowpath.model.evidence import Evidence, LoadPart, LoadStep, Verdict

CURVE = ("smoke", "double", "narrow", "confirm")
"""Phases whose steps belong to the curve over users; the others drive one route, or hold one level."""


def curve(load: LoadPart) -> list[LoadStep]:
    """The steps over users, fewest first, in the order they ran."""
    return sorted((step for step in load.steps if step.phase in CURVE), key=lambda step: (step.vus, step.start))


def levels(load: LoadPart) -> dict[int, list[LoadStep]]:
    """Users → the steps that decide, the latest last: the confirming ones where there are any."""
    found: dict[int, list[LoadStep]] = {}
    for step in curve(load):
        found.setdefault(step.vus, []).append(step)
    confirming = {users: [step for step in steps if step.phase == "confirm"] for users, steps in found.items()}
    return {users: confirming[users] or steps for users, steps in found.items()}


def decisive(load: LoadPart) -> dict[int, LoadStep]:
    """Users → one step: the latest that is good or bad, else the latest."""
    return {
        users: next((step for step in reversed(steps) if step.verdict != "undecided"), steps[-1])
        for users, steps in levels(load).items()
    }


def at_knee(load: LoadPart | None) -> LoadStep | None:
    """The last good step, as confirmed where it was."""
    users = load.breaking_point.last_good if load and load.breaking_point else None
    return _latest(load, users, "good") if load and users is not None else None


def beyond(load: LoadPart) -> LoadStep | None:
    """The first bad step."""
    users = load.breaking_point.first_bad if load.breaking_point else None
    return _latest(load, users, "bad") if users is not None else None


def undecided(load: LoadPart) -> list[int]:
    """Users of the levels around the breaking point that no run decided: those below a good one do not matter."""
    point = load.breaking_point
    good = point.last_good if point is not None and point.last_good is not None else 1
    decided = {step.vus for step in curve(load) if step.verdict != "undecided"}
    return sorted({step.vus for step in curve(load) if step.verdict == "undecided" and step.vus > good} - decided)


def void(evidence: Evidence) -> bool:
    """The load generator was the limit: the system holds at least what was measured, and nobody knows how much more."""
    verdict = evidence.resources.verdict if evidence.resources else None
    return verdict is not None and verdict.limiter == "load-generator"


def _latest(load: LoadPart, users: int, verdict: Verdict) -> LoadStep | None:
    own = [step for step in curve(load) if step.vus == users and step.verdict == verdict]
    return max(own, key=lambda step: (step.phase == "confirm", step.start), default=None)
