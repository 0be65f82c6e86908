"""A k6 script, unedited, driven by more and more users until a limit is crossed. In: a plan. Out: the load part.

A smoke run with one user tells the routes and the length of an iteration; users double until a level is bad; levels
between narrow the breaking point, and both of its ends are run once more. Each phase is a k6 process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from slowpath.model.evidence import BreakingPoint, LoadPart, LoadStep, Remark, RouteStatements
from slowpath.runtime import (
    checkout,
    k6,
    load_check,
    load_findings,
    load_isolate,
    load_levels,
    load_search,
    load_smoke,
    load_wrapper,
    targets,
)
from slowpath.runtime.load_plan import LoadPlan, Moment, Progress, most_users, shown
from slowpath.runtime.load_run import CutError, Player
from slowpath.runtime.load_steps import Phase
from slowpath.runtime.load_verdict import generator_bound

__all__ = ["LoadError", "LoadPlan", "Moment", "Progress", "check", "run"]

SCHEMA = "slowpath-load/1"
ROUNDS = 3
LONGEST = 4


class LoadError(Exception):
    """Why nothing can be measured; the text is one line."""


def check(plan: LoadPlan, progress: Progress) -> tuple[Remark, ...]:
    """What is wrong with a script: by its text, and by what one user sees. Raises LoadError where it is not there."""
    try:
        binary, options = _loaded(plan)
    except LoadError as error:
        if not plan.script.is_file():
            raise
        return (*load_check.static(plan, {}), Remark("error", shown(plan, plan.script), str(error)))
    remarks = list(load_check.static(plan, options))
    try:
        load_check.refuse(plan, options)
        with Player(binary, plan, load_wrapper.parts(options)) as player:
            remarks += _smoked(plan, player, options, progress)
    except (k6.K6Error, targets.TargetError) as error:
        remarks.append(Remark("error", shown(plan, plan.script), str(error)))
    return tuple(remarks)


def _smoked(plan: LoadPlan, player: Player, options: dict[str, Any], progress: Progress) -> Iterator[Remark]:
    try:
        found = load_smoke.smoke(player, progress)
    except CutError as error:
        yield Remark("error", shown(plan, plan.script), str(error))
    else:
        reason = load_smoke.unfit(found, options.get("hosts") or {}, owned=plan.owned)
        if load_smoke.down(found):
            yield Remark("note", shown(plan, plan.script), f"{reason}: only its text was checked")
            return
        yield from load_findings.of_smoke(plan, found, options)
        if reason:
            yield Remark("error", shown(plan, plan.script), reason)
    yield from load_findings.of_log(plan, player.log)


def run(plan: LoadPlan, progress: Progress) -> LoadPart:
    """Measure. Raises LoadError where nothing can be; what was gathered before an end is always returned."""
    started = time.time()
    binary, options = _loaded(plan)
    remarks = list(load_check.static(plan, options))
    try:
        load_check.refuse(plan, options)
        with Player(binary, plan, load_wrapper.parts(options)) as player:
            measured = _Measured(plan, player, progress, options, remarks)
            measured.go()
    except (k6.K6Error, targets.TargetError) as error:
        raise LoadError(str(error)) from None
    return LoadPart(
        schema=SCHEMA,
        tools={"k6": binary.version},
        commit=checkout.commit(plan.script.parent),
        started=started,
        finished=time.time(),
        complete=measured.complete,
        remarks=tuple(remarks),
        script=shown(plan, plan.script),
        target=measured.target,
        limits=plan.limits,
        steps=tuple(measured.steps),
        breaking_point=measured.point,
        ticks=tuple(player.ticks),
        isolated=measured.isolated,
    )


class _Measured:
    """What is gathered; kept whatever ends the measurement."""

    def __init__(
        self, plan: LoadPlan, player: Player, progress: Progress, options: dict[str, Any], remarks: list[Remark]
    ) -> None:
        self.plan, self.player, self.progress, self.options = plan, player, progress, options
        self.remarks = remarks
        self.steps: list[LoadStep] = []
        self.holds: dict[int, float] = {}
        """Users → seconds, where a level is held longer than planned."""
        self.point: BreakingPoint | None = None
        self.isolated: tuple[RouteStatements, ...] = ()
        self.complete = True
        self.target = ""
        self.smoke: load_smoke.Smoke | None = None

    def go(self) -> None:
        try:
            self._phases()
        except KeyboardInterrupt:
            self._cut("warning", "interrupted: what was gathered until then is kept")
        except CutError as error:
            self._cut("error", str(error))
        self.remarks += load_findings.of_log(self.plan, self.player.log)
        if self.player.broken:
            self.remarks.append(
                Remark("warning", "k6", f"{self.player.broken} lines of its output were not understood")
            )

    def _phases(self) -> None:
        database = load_isolate.Database(self.plan) if self.plan.isolate else None
        try:
            self._measure(database)
        finally:
            if database is not None:
                database.close()

    def _measure(self, database: load_isolate.Database | None) -> None:
        self.smoke = smoke = load_smoke.smoke(self.player, self.progress)
        assert smoke.step is not None
        self.steps.append(smoke.step)
        self.target = max(smoke.hosts, key=lambda host: smoke.hosts[host], default="")
        self.remarks += load_findings.of_smoke(self.plan, smoke, self.options)
        failing = smoke.step.figures.error_interval[0]
        reason = load_smoke.unfit(smoke, self.options.get("hosts") or {}, owned=self.plan.owned)
        if reason:
            self._cut("error", reason)
        elif not self.plan.isolate and failing is not None and failing > self.plan.limits.error_rate:
            told = f"one user alone already sees {smoke.step.reason}: more of them would tell nothing of capacity"
            self.point = BreakingPoint(None, None, False, None, told)
            self._cut("error", told)
        elif database is not None:
            load_isolate.isolate(self.player, smoke, database, self.progress, self._keep)
        elif self.plan.soak is not None:
            vus, (cap, why) = self.plan.vus or self.plan.start_vus, most_users(self.plan)
            if vus > cap:
                raise k6.K6Error(f"{vus} users are more than {cap}: {why}")
            self.holds[vus] = self.plan.soak
            self._hold([vus], "soak")
        else:
            self._search()

    def _search(self) -> None:
        """Double, narrow, decide, confirm."""
        cap, why = most_users(self.plan)
        try:
            self._climb(cap)
            if self._full():
                return
            self._decide(1)
            for _ in range(ROUNDS):
                tried = [step.vus for step in self.steps]
                self._hold(load_search.between(load_search.bracket(self.steps), tried), "narrow")
            self._decide(2)
            for factor in (1, 2):
                levels = load_search.unconfirmed(self.steps)
                self.holds |= {vus: factor * self._seconds(vus) for vus in levels}
                self._hold(levels, "confirm", stop_on_bad=False)
        finally:
            self.point = load_search.breaking_point(self.steps, cap, why)

    def _climb(self, cap: int) -> None:
        """Until a level is bad, or more users would decide nothing."""
        for levels in load_search.ladder(self.plan.start_vus, cap):
            found = load_search.bracket(self.steps).bad is not None
            if found or self._full() or load_search.stuck(self.steps, self.plan.limits):
                break
            self._hold(levels, "double")

    def _full(self) -> bool:
        return generator_bound(self.steps[-1])

    def _decide(self, most: int) -> None:
        """Hold the highest undecided levels longer, and once more."""
        for _ in range(2):
            unsure = load_search.bracket(self.steps).undecided[-most:]
            last = {vus: self.holds.get(vus, self.plan.hold) for vus in unsure}
            self.holds |= {vus: max(self._seconds(vus), 2 * last[vus]) for vus in unsure}
            self._hold(unsure, "narrow")

    def _seconds(self, vus: int) -> float:
        """Longer than planned where else too few requests would be answered to decide."""
        needed = load_search.needed(self.steps, vus, self.plan.limits)
        return self.holds.get(vus) or max(self.plan.hold, min(needed, LONGEST * self.plan.hold))

    def _hold(self, levels: Sequence[int], phase: Phase, *, stop_on_bad: bool = True) -> None:
        assert self.smoke is not None
        held = [(vus, self.plan.hold if phase == "double" else self._seconds(vus)) for vus in levels]
        if held:
            load_levels.hold(
                self.player, held, phase, self.steps.append, self.progress,
                smoke=self.smoke, stop_on_bad=stop_on_bad,
            )  # fmt: skip
            self._alive()

    def _alive(self) -> None:
        """Where a level got no answer at all, one user asks again. Raises CutError where that one gets none either."""
        silent = load_search.silent(self.steps)
        if silent and (reason := load_smoke.gone(self.player, self.progress)):
            self.steps[-len(silent) :] = silent
            raise CutError(f"{reason}: after {load_search.users(silent[0].vus)} not even one user gets an answer")

    def _keep(self, alone: load_isolate.Isolated) -> None:
        self.steps += alone.steps
        self.isolated = alone.statements
        self.remarks += alone.remarks

    def _cut(self, level: Any, message: str) -> None:
        self.complete = False
        self.remarks.append(Remark(level, shown(self.plan, self.plan.script), message))


def _loaded(plan: LoadPlan) -> tuple[k6.Binary, dict[str, Any]]:
    if not plan.script.is_file():
        raise LoadError(f"{plan.script}: no such file")
    try:
        binary = k6.find()
        return binary, k6.inspect(binary, plan.script, k6.environment(plan.env, owned=plan.owned))
    except k6.K6Error as error:
        raise LoadError(str(error)) from None
