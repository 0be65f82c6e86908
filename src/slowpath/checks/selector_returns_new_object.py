"""Selectors of a store that return another object each time, so their component renders after every change of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slowpath.model.finding import Edit, Finding, Fix, Place
from slowpath.model.react import Selector
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for path, facts in react.facts.items():
        for selector in facts.selectors:
            made = react.maker(path, selector.callee)
            store = rule.settings["stores"].get(made[0]) if made is not None else None
            if made is None or store is None or made[1] not in store["makers"]:
                continue
            if selector.whole:
                if store["whole"]:
                    yield _whole(rule, path, selector)
                continue
            yield rule.finding(
                Place(path, selector.returned),
                function=selector.owner,
                confidence="medium" if selector.sometimes else None,
                fix=_fix(program, path, selector, store),
                hook=selector.callee,
                kind=selector.kind,
                when="where it falls back to it" if selector.sometimes else "each time it runs",
                instead=store["instead"],
            )


def _whole(rule: Rule, path: str, selector: Selector) -> Finding:
    return rule.finding(
        Place(path, selector.span),
        function=selector.owner,
        confidence="low",
        message="`{hook}()` without a selector makes `{function}` render after every change of the store. Select what "
        "it needs.",
        hook=selector.callee,
    )


def _fix(program: Program, path: str, selector: Selector, store: dict[str, Any]) -> Fix | None:
    """Compare the parts instead of the whole: that helps where the parts stay the same."""
    imports = program.web.modules[path].imports
    if not imports or selector.sometimes:
        return None
    start, end = selector.argument
    name = store["compare"]
    edits = [Edit(Place(path, (end, end)), f", {name}")]
    if store["wrap"]:
        edits = [Edit(Place(path, (start, start)), f"{name}("), Edit(Place(path, (end, end)), ")")]
    if not program.web.imports_name(path, name):
        at = imports[0].span[0]
        edits.append(Edit(Place(path, (at, at)), f'import {{ {name} }} from "{store["from"]}";\n'))
    return Fix(f"Compare the parts with {name}", False, tuple(edits))
