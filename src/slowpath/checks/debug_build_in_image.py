"""A Dockerfile whose image runs an unoptimised build, or that compiles the dependencies for a build it never makes.

What reaches the image is followed: a COPY from the stage that compiles, the path of a debug build, or `cargo run` as
what the container starts. Files and stages that are for development say so in their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.docker import Step
from slowpath.model.finding import Confidence, Finding
from slowpath.model.finding import Step as Hop
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.cargo import Workspace
from slowpath.program.images import UNKNOWN, Built, Image, built, images
from slowpath.program.profiles import optimised

MOVES = frozenset(["cp", "mv", "install", "ln", "strip", "upx"])
USED = re.compile(r"^cargo (test|nextest|clippy|check|doc|tarpaulin|llvm-cov|bench)\b|\bdebug/")
"""Commands that debug builds are made for."""
ELSEWHERE = re.compile(r"(.*/)?(make|just|task|cargo-make)$|.*\.sh$")
"""Commands that may compile out of sight."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per command that compiles."""
    for image in images(program):
        if for_developers(image, rule):
            continue
        found = list(unoptimised(image, near(image, program.cargo.workspaces), rule))
        yield from found or in_vain(image, rule)


def for_developers(image: Image, rule: Rule) -> bool:
    """Whether the image is not what users meet, by its name, its last stage's, its head, or what it starts."""
    starts = [word for step in image.steps(image.last) if step.kind == "start" for word in step.words]
    words = re.split(r"[^a-z0-9]+", f"{image.path} {image.stages[-1].name}".lower())
    said = [word for word in re.findall(r"[a-z]+", image.comment.lower()) if word.startswith("dev")]
    return not {*rule.settings["developers"]}.isdisjoint([*words, *said, *starts])


def near(image: Image, workspaces: list[Workspace]) -> list[Workspace]:
    """The workspace that the Dockerfile lies in, or else all that it may be about."""
    around = [w for w in workspaces if not w.folder or image.path.startswith(f"{w.folder}/")]
    return [max(around, key=lambda workspace: len(workspace.folder))] if around else workspaces


def unoptimised(image: Image, workspaces: list[Workspace], rule: Rule) -> Iterator[Finding]:
    """Builds without optimisation that the image runs."""
    reported: set[Step] = set()
    for number, copies in image.reaching().items():
        steps = [step for step in image.steps(number) if not step.guarded and not step.chosen]
        found = [*started(image, number, steps), *delivered(steps, copies), *other_tools(steps, copies, rule)]
        for one, sure, shown in found:
            if one.step not in reported and is_slow(one, workspaces):
                reported.add(one.step)
                yield said(image, one, sure, shown, rule)


Found = tuple[Built, Confidence, list[Step]]


def started(image: Image, number: int, steps: list[Step]) -> Iterator[Found]:
    """`cargo run` as what the container starts."""
    starts = [step for step in steps if step.kind == "start"]
    one = built(starts[-1]) if starts and number == image.last else None
    if one and one.does == "run":
        yield one, "medium", []


def delivered(steps: list[Step], copies: list[Step]) -> Iterator[Found]:
    """The last build before something is taken from the folder of debug builds; and what `install` brings."""
    builds = [one for step in steps if step.kind == "run" and (one := built(step))]
    shown = next((step for step in [*copies, *steps] if takes_debug(step)), None)
    for one in reversed([one for one in builds if one.does == "build"] if shown else []):
        yield one, "high", [shown] if shown else []
        break
    for one in builds:
        if one.does == "install":
            yield one, "medium", copies[:1]


def takes_debug(step: Step) -> bool:
    """Whether a step uses what lies in a folder of debug builds."""
    if step.guarded or step.chosen or not (step.kind != "run" or step.words[0] in MOVES):
        return False
    return any("debug" in word.split("/") for word in step.words)


def other_tools(steps: list[Step], copies: list[Step], rule: Rule) -> Iterator[Found]:
    """Builds by tools that call Cargo, each with flags of its own."""
    for step in steps if copies or any(step.kind == "start" for step in steps) else ():
        for name, flags in rule.settings["tools"].items():
            words = name.split()
            if step.kind != "run" or list(step.words[: len(words)]) != words or any("$" in word for word in step.words):
                continue
            given = {*step.words[len(words) :]}
            release = not given.isdisjoint(flags["debug"]) if "debug" in flags else given.isdisjoint(flags["release"])
            if release:
                yield Built(step, name, "dev", "", ()), "medium", copies[:1]


def is_slow(one: Built, workspaces: list[Workspace]) -> bool:
    """Whether a build is surely not optimised, whichever of the workspaces it is of."""
    if one.profile == UNKNOWN:
        return False
    levels = [optimised(workspace, one.profile) for workspace in workspaces]
    return all(level is False for level in levels) if levels else one.profile == "dev"


def said(image: Image, one: Built, sure: Confidence, shown: list[Step], rule: Rule) -> Finding:
    """A finding at a command that compiles."""
    instead = "install without `--debug`" if one.does == "install" else "add `--release`"
    if one.profile != "dev":
        instead = f"build with another profile than `{one.profile}`"
    return rule.finding(
        image.place(one.step),
        confidence=sure,
        flow=[Hop(image.place(step), "the image takes the debug build") for step in shown],
        command=" ".join(one.step.words),
        problem="compiles without optimisation what the image runs, several times slower than a release build",
        advice=instead,
    )


def in_vain(image: Image, rule: Rule) -> Iterator[Finding]:
    """Dependencies compiled for a profile or target that no later command builds for."""
    seen: set[Step] = set()
    everything = [" ".join(step.words) for stage in image.stages for step in stage.steps if step.kind == "run"]
    if any(USED.search(text) or ELSEWHERE.match(text.partition(" ")[0]) for text in everything):
        return
    for number in image.reaching():
        steps = image.steps(number)
        compiled = [one for step in steps if (one := built(step))]
        if any(one.step.guarded or one.step.chosen or UNKNOWN in (one.profile, one.target) for one in compiled):
            continue
        for at, one in enumerate(compiled):
            later = [other for other in compiled[at + 1 :] if other.does != "chef cook"]
            if not later or one.step in seen or one.does not in ("chef cook", "build"):
                continue
            if all(apart(one, other) for other in later) and (
                one.does == "chef cook" or one.rest in ((), later[-1].rest)
            ):
                seen.add(one.step)
                yield rule.finding(
                    image.place(one.step),
                    severity="note",
                    flow=[Hop(image.place(later[-1].step), f"`{' '.join(later[-1].step.words)}` compiles all again")],
                    command=" ".join(one.step.words),
                    problem=f"compiles the dependencies for {kind(one)}, but the image is built for {kind(later[-1])}",
                    advice="give both commands the same profile and target",
                )


def apart(one: Built, other: Built) -> bool:
    return (one.profile, one.target) != (other.profile, other.target)


def kind(one: Built) -> str:
    """How people say what a command builds for."""
    return f"profile `{one.profile}`" + (f" and target `{one.target}`" if one.target else "")
