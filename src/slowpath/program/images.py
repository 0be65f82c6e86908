"""Container images that the project builds: which stages end up in them, and how their commands compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, cast

from slowpath.model.docker import DockerFacts, Step
from slowpath.model.finding import Place
from slowpath.program import Program

CARGO = re.compile(r"(?:.*/)?(?:cargo|cross|xx-cargo)$")
VALUED = frozenset(["--target", "--profile"])
UNKNOWN = "?"


class Built(NamedTuple):
    """A command that compiles, and with which profile and for which target; `?` where that is not known."""

    step: Step
    does: str
    profile: str
    target: str
    rest: tuple[str, ...]
    """Its other arguments."""


class Image:
    """A Dockerfile."""

    def __init__(self, path: str, facts: DockerFacts) -> None:
        self.path = path
        self.stages = facts.stages
        self.comment = facts.comment

    @property
    def last(self) -> int:
        """The number of the stage that becomes the image."""
        return len(self.stages) - 1

    def place(self, step: Step) -> Place:
        return Place(self.path, step.span)

    def named(self, name: str, before: int) -> int | None:
        """The stage of that name or number that stands before another."""
        for number in reversed(range(before)):
            if self.stages[number].name.lower() == name.lower() != "" or str(number) == name:
                return number
        return None

    def layers(self, number: int) -> Iterator[int]:
        """A stage and those that it is built upon, the lowest first."""
        chain = [number]
        while (below := self.named(self.stages[chain[-1]].base, chain[-1])) is not None:
            chain.append(below)
        return reversed(chain)

    def steps(self, number: int) -> list[Step]:
        """All that is done for a stage, from its lowest layer on."""
        return [step for layer in self.layers(number) for step in self.stages[layer].steps]

    def reaching(self) -> dict[int, list[Step]]:
        """Stages that the final image takes something of, by the COPY steps that do; itself with none."""
        found: dict[int, list[Step]] = {self.last: []}
        waiting = [self.last]
        while waiting:
            number = waiting.pop()
            for layer in self.layers(number):
                for step in self.stages[layer].steps:
                    source = self.named(step.source, layer) if step.source else None
                    if source is not None:
                        if source not in found:
                            waiting.append(source)
                        found.setdefault(source, []).append(step)
        return found


def images(program: Program) -> Iterator[Image]:
    """All Dockerfiles that have a stage."""
    for file in program.of("docker"):
        facts = cast(DockerFacts, file.facts)
        if facts.stages:
            yield Image(file.path, facts)


def built(step: Step) -> Built | None:
    """What a command of Cargo compiles. Installing a tool by its name compiles nothing of the project."""
    words = step.words
    if step.kind == "copy" or not words or not CARGO.match(words[0]):
        return None
    arguments = [word for word in words[1:] if not word.startswith("+")]
    if arguments[:1] == ["auditable"]:
        arguments = arguments[1:]
    does = arguments[0] if arguments else ""
    if arguments[:2] == ["chef", "cook"]:
        does, arguments = "chef cook", arguments[1:]
    does = {"b": "build", "r": "run", "zigbuild": "build", "rustc": "build"}.get(does, does)
    if does not in ("build", "run", "install", "chef cook"):
        return None
    if does == "install" and not any(word == "--path" or word.startswith("--path=") for word in arguments):
        return None
    return read(step, does, arguments[1:])


def read(step: Step, does: str, arguments: list[str]) -> Built:
    """The flags of a command."""
    found = {"--profile": "", "--target": ""}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        flag, equals, value = word.partition("=")
        if flag in VALUED:
            found[flag] = value if equals else next(words, "")
        elif word == "--release" or re.fullmatch(r"-[a-zA-Z]*r[a-zA-Z]*", word):
            found["--profile"] = "release"
        elif word == "--debug" and does == "install":
            found["--profile"] = "dev"
        elif flag == "--config" or word.startswith("$"):
            found["--profile"] = UNKNOWN
        else:
            rest.append(word)
    profile = found["--profile"] or ("release" if does == "install" else "dev")
    known = {name: UNKNOWN if "$" in value else value for name, value in found.items()}
    return Built(step, does, UNKNOWN if "$" in profile else profile, known["--target"], tuple(rest))
