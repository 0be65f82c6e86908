"""Facts about a Dockerfile: its stages, with the commands that they run."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.facts import Facts
from slowpath.model.finding import Span

Kind = Literal["run", "copy", "start"]


class Step(msgspec.Struct, array_like=True, frozen=True):
    """A command of a RUN, a COPY, or what the container starts. Variables are filled in as far as they are known."""

    kind: Kind
    words: tuple[str, ...]
    span: Span
    source: str = ""
    """The stage or image that a COPY takes from."""
    guarded: bool = False
    """It runs under some condition."""
    chosen: bool = False
    """Its words depend on an ARG, which whoever builds may set."""


class Stage(msgspec.Struct, array_like=True, frozen=True):
    """What stands between one FROM and the next."""

    name: str
    base: str
    steps: tuple[Step, ...] = ()
    environment: dict[str, str] = {}


class DockerFacts(Facts, array_like=True):
    """Facts of a Dockerfile."""

    stages: tuple[Stage, ...] = ()
    comment: str = ""
    """What is said at its top."""
