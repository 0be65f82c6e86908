"""Parts in, evidence out: one part of each kind, checked against the others. What does not fit is said in remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from msgspec.structs import replace

from slowpath.model.evidence import (
    BundlePart,
    Evidence,
    LoadPart,
    QueriesPart,
    Remark,
    ResourcesPart,
    SchemaPart,
)
from slowpath.parts import Part, window
from slowpath.runtime import growth, limiter

KINDS: Mapping[type[Part], str] = {
    LoadPart: "load",
    ResourcesPart: "resources",
    QueriesPart: "queries",
    SchemaPart: "database",
    BundlePart: "bundle",
}
"""Kind of part → its field of the evidence."""
TIMED = ("load", "resources", "queries")
"""What must have been measured at the same time."""
ISOLATED = "isolated load"
COVERED = 0.5
"""Of the load test's time: where less of it lies in another part's window, figures per request are off."""


class JoinError(Exception):
    """Parts that cannot be joined; the text is one line."""


def join(parts: Iterable[tuple[str, Part]]) -> Evidence:
    """The evidence that parts make, each given with the name to call it by. Raises JoinError for two of a kind."""
    found: dict[str, Part] = {}
    names: dict[str, str] = {}
    for name, part in parts:
        kind = ISOLATED if _isolated(part) else KINDS[type(part)]
        if kind in found:
            raise JoinError(f"{names[kind]} and {name} are both {kind} parts: give one of each kind")
        found[kind], names[kind] = part, name
    if not found:
        raise JoinError("no part was given")
    alone, load = found.pop(ISOLATED, None), found.get("load")
    if isinstance(alone, LoadPart):
        found["load"] = _with_isolated(load, alone) if isinstance(load, LoadPart) else alone
    load, resources = found.get("load"), found.get("resources")
    if isinstance(load, LoadPart) and isinstance(resources, ResourcesPart) and resources.verdict is None:
        found["resources"] = _judged(resources, load)
    return Evidence(**found, remarks=tuple(_remarks(found)))  # type: ignore[arg-type]


def _with_isolated(load: LoadPart, alone: LoadPart) -> LoadPart:
    """What was searched, with what each route did alone."""
    steps = tuple(step for step in alone.steps if step.phase == "isolate")
    remarks = tuple(dict.fromkeys((*load.remarks, *alone.remarks)))
    return replace(load, steps=(*load.steps, *steps), isolated=alone.isolated, remarks=remarks)


def _judged(resources: ResourcesPart, load: LoadPart) -> ResourcesPart:
    """With the limiter of that load, and how memory grew."""
    return replace(resources, verdict=limiter.judge(resources, load), growth=growth.growth(resources, load))


def _isolated(part: Part) -> bool:
    """Whether it drove routes one by one, after the search for the breaking point or without one."""
    if not isinstance(part, LoadPart) or part.breaking_point is not None:
        return False
    return bool(part.isolated) or any(step.phase == "isolate" for step in part.steps)


def _remarks(parts: Mapping[str, Part]) -> Iterator[Remark]:
    for kind, part in sorted(parts.items()):
        if not part.complete:
            why = next((f": {remark.message}" for remark in part.remarks if remark.level != "note"), "")
            yield Remark("warning", kind, f"the {kind} part is incomplete{why}")
    yield from _commits(parts)
    yield from _windows(parts)
    resources = parts.get("resources")
    verdict = resources.verdict if isinstance(resources, ResourcesPart) else None
    if verdict is not None and verdict.limiter == "load-generator":
        yield Remark(
            "error",
            "load",
            f"the load generator was the limit, so the breaking point says nothing about the system: {verdict.summary}",
            instead="run k6 on another machine, or with fewer users",
        )


def _commits(parts: Mapping[str, Part]) -> Iterator[Remark]:
    commits = {kind: part.commit for kind, part in sorted(parts.items()) if part.commit}
    if len(set(commits.values())) > 1:
        told = ", ".join(f"{kind} of {commit[:12]}" for kind, commit in commits.items())
        yield Remark("warning", "commit", f"the parts were measured at different commits: {told}")


def _windows(parts: Mapping[str, Part]) -> Iterator[Remark]:
    for one, other in combinations([kind for kind in TIMED if kind in parts], 2):
        first, second = window(parts[one]), window(parts[other])
        if first is None or second is None:
            continue
        common = min(first[1], second[1]) - max(first[0], second[0])
        slack = abs(parts[one].clock_offset) + abs(parts[other].clock_offset)
        if common + slack <= 0:
            apart = f"{-common:.0f} s lie between them"
            yield Remark("error", other, f"the {one} and {other} parts were not measured at the same time: {apart}")
        elif one == "load" and common + slack < COVERED * (first[1] - first[0]):
            share = f"{100 * max(common, 0) / (first[1] - first[0]):.0f} %"
            yield Remark("warning", other, f"the {other} part covers only {share} of the load test's time")
