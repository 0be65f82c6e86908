"""What an editor's settings ask for: `initializationOptions`, and the section `slowpath` of its configuration."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from slowpath.model.finding import CONFIDENCES


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of the editor. They win over the project's own, as the command line does."""

    enable: bool = True
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: str = ""

    def flags(self) -> dict[str, object]:
        """As `project.opened` takes them."""
        return {"select": self.select, "ignore": self.ignore, "min_confidence": self.min_confidence}


def read(given: object, before: Asked) -> tuple[Asked, list[str]]:
    """`before` with what is given, and what of it cannot be used. A section of its own may stand around it."""
    if isinstance(given, dict) and isinstance(given.get("slowpath"), dict):
        given = given["slowpath"]
    if given is None:
        return before, []
    if not isinstance(given, dict):
        return before, ["the editor's settings are no table"]
    usable = msgspec.to_builtins(before)
    problems = []
    for name, value in given.items():
        problem = next(_problems(name, value), "")
        if problem:
            problems.append(f"the editor's setting {problem}")
        else:
            usable[name] = value
    return msgspec.convert(usable, Asked), problems


def _problems(name: str, value: object) -> Iterator[str]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(Asked)}
    if name not in fields:
        yield f"{name!r} is not known (known: {', '.join(fields)})"
        return
    try:
        msgspec.convert(value, fields[name])
    except msgspec.ValidationError as error:
        yield f"{name}: {error}"
    if name == "minConfidence" and value not in ("", *CONFIDENCES):
        yield f"{name}: {value!r} is none of {', '.join(CONFIDENCES)}"
