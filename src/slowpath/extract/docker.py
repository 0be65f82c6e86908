"""One Dockerfile → DockerFacts. Variables with plain values are filled in; what is not known keeps its `$`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.extract.shell import Command, commands, plain
from slowpath.model.docker import DockerFacts, Kind, Stage, Step
from slowpath.model.finding import Span

BUILDS = re.compile(rb"cargo|trunk|wasm-pack|maturin|\bdx\b")
INSTRUCTION = re.compile(rb"[ \t]*([A-Za-z]+)[ \t]+")
HEREDOC = re.compile(rb"<<-?[ \t]*([\"']?)([A-Za-z_]\w*)\1")
ESCAPE = re.compile(rb"#[ \t]*escape[ \t]*=[ \t]*`", re.I)
TOP = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\n)+")
FLAG = re.compile(rb"[ \t]*(--[\w-]+(?:=(?:\"[^\"\n]*\"|\S*))?)(?=[ \t])")
FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?", re.I)
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-[^{}]*)?\})")
STARTS = (b"CMD", b"ENTRYPOINT")
MAX_BYTES = 100_000
"""No hand-written Dockerfile is larger."""
MAX_VALUE = 500
MAX_STAGES = 100
"""What comes behind so many is not read."""


def extract(source: bytes) -> DockerFacts:
    """The facts of one file: nothing where it builds nothing that we know."""
    if len(source) > MAX_BYTES or not BUILDS.search(source):
        return DockerFacts()
    found, text = instructions(source)
    reader = Reader(text)
    for instruction in found:
        reader.read(instruction)
    top = TOP.match(source)
    said = b" ".join(line.strip(b"# \t\r") for line in top[0].splitlines()) if top else b""
    return DockerFacts(stages=tuple(reader.done()), comment=said.decode("utf-8", "replace"))


class Instruction(NamedTuple):
    """One instruction, and the range of its arguments."""

    name: bytes
    start: int
    end: int
    body: Span | None = None
    """A here-document."""


def instructions(source: bytes) -> tuple[list[Instruction], bytes]:
    """All instructions, and the source with blanks where lines are continued, and for comments between these."""
    found = []
    escape = b"`" if ESCAPE.match(source) else b"\\"
    text = bytearray(source)
    lines = iter(lines_of(source))
    for start, end in lines:
        head = INSTRUCTION.match(source, start, end)
        if head is None:
            continue
        while source[start:end].rstrip().endswith(escape):
            sign = source.rindex(escape, start, end)
            text[sign:end] = b" " * (end - sign)
            start, end = next(lines, (end, end))
            while source[start:end].lstrip().startswith(b"#"):
                text[start:end] = b" " * (end - start)
                start, end = next(lines, (end, end))
        body = None
        document = HEREDOC.search(text, head.end(), end)
        if document:
            body = (end, end)
            for first, last in lines:
                if source[first:last].strip() == document[2]:
                    break
                body = (body[0], last)
        found.append(Instruction(head[1].upper(), head.end(), end, body))
    return found, bytes(text)


def lines_of(source: bytes) -> Iterator[Span]:
    """Every line with its end."""
    at = 0
    while at < len(source):
        end = source.find(b"\n", at) + 1 or len(source)
        yield at, end
        at = end


class Reader:
    """Collects stages, and knows what the variables are worth at each line."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.stages: list[Stage] = []
        self.steps: list[Step] = []
        self.fixed: dict[str, str] = {}
        """By ENV."""
        self.given: dict[str, str] = {}
        """By ARG, so that whoever builds may say otherwise."""
        self.outer: dict[str, str] = {}
        self.head: tuple[str, str] | None = None

    def done(self) -> list[Stage]:
        """The stages, the one being read among them."""
        if self.head is not None:
            self.stages.append(Stage(*self.head, tuple(self.steps), dict(self.fixed)))
            self.head = None
        return self.stages

    def read(self, found: Instruction) -> None:
        """Take one instruction in."""
        if len(self.stages) > MAX_STAGES:
            return
        if found.name == b"FROM":
            self.begin(found)
        elif found.name in (b"ARG", b"ENV"):
            self.define(found)
        elif self.head is not None:
            self.steps += self.step(found)

    def begin(self, found: Instruction) -> None:
        if self.head is None:
            self.outer = dict(self.given)
        self.done()
        self.given, self.fixed = self.outer, {}
        match = FROM.match(self.text[found.start : found.end].decode("utf-8", "replace").strip())
        base = self.fill(match[1])[0] if match else ""
        self.head = ((match[2] or "") if match else "", base)
        below = next((stage for stage in self.stages if stage.name and stage.name.lower() == base.lower()), None)
        self.steps, self.given, self.fixed = [], {}, dict(below.environment) if below else {}

    def define(self, found: Instruction) -> None:
        line = b"x " + self.text[found.start : min(found.end, found.start + MAX_VALUE)]
        words = [word for part in commands(line, 0, len(line)) for word in part.words[1:]]
        if found.name == b"ENV" and words and b"=" not in words[0]:
            words = [words[0] + b"=" + b" ".join(words[1:])]
        for word in words:
            name, equals, value = word.decode("utf-8", "replace").partition("=")
            text, chosen = self.fill(value)
            if found.name == b"ARG":
                text, chosen = (text, True) if equals else (self.outer.get(name, f"${name}"), True)
            self.fixed.pop(name, None) if chosen else self.given.pop(name, None)
            (self.given if chosen else self.fixed)[name] = text[:MAX_VALUE]

    def step(self, found: Instruction) -> Iterator[Step]:
        """What an instruction does."""
        start, flags = found.start, []
        while flag := FLAG.match(self.text, start, found.end):
            flags.append(flag[1].decode("utf-8", "replace"))
            start = flag.end()
        if found.name in STARTS or found.name == b"RUN":
            kind: Kind = "start" if found.name in STARTS else "run"
            yield from (self.run(kind, one) for one in self.scripts(found, start))
        elif found.name == b"COPY":
            origin = next((flag.partition("=")[2] for flag in flags if flag.startswith("--from=")), "")
            rest = self.text[start : found.end]
            words = exec_form(rest) or [plain(word) for word in rest.split()]
            filled = [self.fill(word.decode("utf-8", "replace")) for word in words]
            yield Step(
                "copy",
                tuple(text for text, _ in filled),
                (found.start, start + len(rest.rstrip())),
                self.fill(origin.strip('"'))[0],
                chosen=any(chosen for _, chosen in filled),
            )

    def scripts(self, found: Instruction, start: int) -> Iterator[Command]:
        """The commands of an instruction, in any of its forms."""
        rest = self.text[start : found.end]
        listed = exec_form(rest)
        if listed:
            quoted = b" ".join(b"'" + word.replace(b"'", b" ") + b"'" for word in listed)
            for one in commands(quoted, 0, len(quoted)):
                yield Command(one.words, (start, start + len(rest.rstrip())), one.guarded)
        elif found.body is None:
            yield from commands(self.text, start, found.end)
        elif not HEREDOC.sub(b"", rest).strip():
            yield from commands(self.text, *found.body)

    def run(self, kind: Kind, one: Command) -> Step:
        """A command with its variables filled in."""
        filled = [self.fill(word.decode("utf-8", "replace")) for word in one.words]
        words = tuple(part for text, _ in filled for part in (text.split() if "$" not in text else [text]))
        return Step(kind, words, one.span, guarded=one.guarded, chosen=any(chosen for _, chosen in filled))

    def fill(self, text: str) -> tuple[str, bool]:
        """The text with its variables' values, and whether one of them may be given otherwise."""
        chosen = False

        def value(match: re.Match[str]) -> str:
            nonlocal chosen
            name = match[1] or match[2]
            if name in self.fixed:
                return self.fixed[name]
            if name in self.given:
                chosen = True
                return self.given[name]
            return match[0]

        return VARIABLE.sub(value, text)[: MAX_VALUE * 4], chosen


def exec_form(text: bytes) -> list[bytes]:
    """The words of `["a", "b"]`, or nothing."""
    text = text.strip()
    if not text.startswith(b"["):
        return []
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [word.encode() for word in words] if all(isinstance(word, str) for word in words) else []
