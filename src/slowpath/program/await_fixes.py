"""Edits that put awaits together, or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from slowpath.model.awaits import Await, Guard
from slowpath.model.finding import Edit, Fix, Place
from slowpath.program.await_names import verb

TOGETHER = "await them together with Promise.all"


def together(path: str, points: Sequence[Await], *, safe: bool) -> Fix | None:
    """One `Promise.all` in place of statements that follow each other; comments between them stay between its elements.

    Where constants or a guard stand between the first and the second, the first moves down to the second.
    """
    if points[-1].form == "keyed":
        return _before_statement(path, points)
    target = _target(points)
    moved = points[1].move
    if target is None or any(point.move is not None for point in points[2:]):
        return None

    def edit(start: int, end: int, text: str) -> Edit:
        return Edit(Place(path, (start, end)), text)

    head = f"{target}await Promise.all(["
    kept = list(points)
    edits = []
    if moved is not None:
        edits.append(edit(*moved.cut, ""))
        kept = kept[1:]
        head += f"{moved.text}, "
    edits.append(edit(kept[0].statement[0], kept[0].operand[0], head))
    for one, two in pairwise(kept):
        if two.remarked:
            edits.append(edit(one.operand[1], one.statement[1], ","))
            edits.append(edit(two.statement[0], two.operand[0], ""))
        else:
            edits.append(edit(one.operand[1], two.operand[0], ", "))
    edits.append(edit(kept[-1].operand[1], kept[-1].operand[1], "])"))
    plain = moved is None and all(point.steady and not point.remarked for point in points[1:])
    return Fix(TOGETHER, safe and plain, tuple(edits))


def _before_statement(path: str, points: Sequence[Await]) -> Fix | None:
    """Properties that are awaits each: all of them together, right before their statement."""
    inner = [point for point in points if point.form == "keyed"]
    outer = points[: len(points) - len(inner)]
    shown = [point.binding for point in points]
    if len(set(shown)) < len(shown) or any(point.form != "const" or point.annotation for point in outer):
        return None
    if len(outer) > 1 or any(point.statement != inner[0].statement for point in inner):
        return None
    texts = ", ".join(point.text for point in inner)
    head = f"const [{', '.join(shown)}] = await Promise.all(["
    edits = [Edit(Place(path, point.span), point.binding) for point in inner]
    if outer:
        start, end = outer[0].statement[0], outer[0].operand
        edits += [Edit(Place(path, (start, end[0])), head), Edit(Place(path, (end[1], end[1])), f", {texts}])")]
    else:
        start = inner[0].statement[0]
        edits.append(Edit(Place(path, (start, start)), f"{head}{texts}]);\n{inner[0].indent}"))
    return Fix(TOGETHER, False, tuple(edits))


def _target(points: Sequence[Await]) -> str | None:
    """Where the results go: `const [a, , b] = `, or nothing where nobody takes them."""
    forms = {point.form for point in points}
    if not forms <= {"const", "bare"} or len({bool(point.annotation) for point in points}) > 1:
        return None
    if forms == {"bare"}:
        return ""
    shown = [point.binding for point in points]
    while not shown[-1]:
        shown.pop()
    types = [point.annotation for point in points]
    declared = f": [{', '.join(types)}]" if all(types) else ""
    return f"const [{', '.join(shown)}]{declared} = "


def fails(point: Await) -> bool:
    """It matters which of two errors comes first."""
    return point.attempted or verb(point.call.name).endswith("OrThrow")


def below(path: str, guard: Guard, *, safe: bool) -> Fix:
    """The statement that waits, put behind the guard that does not need it."""
    put = f"\n{guard.indent}{guard.text}"
    return Fix(
        "wait only when the guard has let through",
        safe,
        (Edit(Place(path, guard.cut), ""), Edit(Place(path, (guard.end, guard.end)), put)),
    )
