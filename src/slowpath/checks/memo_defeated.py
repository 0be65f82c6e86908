"""A memo() component that gets a prop which every render makes anew, so the memo never holds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import count

from slowpath.model.finding import Edit, Finding, Fix, Place, Step
from slowpath.model.react import Fresh, Memo, Site
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    taken: dict[str, set[str]] = defaultdict(set)
    shallow = frozenset(rule.settings["shallow"])
    for key, memo in react.memos.items():
        if memo.wrapper != "memo" or (memo.comparator and memo.comparator not in shallow):
            continue
        sites = [(path, site) for path, site in react.sites(key) if site.owner]
        defeated = [(path, site) for path, site in sites if site.fresh and not react.compiles(path, site.owner)]
        if len(sites) > 1 and len(defeated) == len(sites):
            yield _everywhere(rule, key[0], memo, defeated)
        else:
            for path, site in defeated:
                wrapper = Step(Place(key[0], memo.span), f"`{site.tag}` is memoised here")
                yield _once(rule, path, site, wrapper, _hoist(program, path, site, taken[path]))


def _once(rule: Rule, path: str, site: Site, wrapper: Step, fix: Fix | None) -> Finding:
    first, *others = sorted(site.fresh, key=lambda fresh: (fresh.sometimes, fresh.span))
    return rule.finding(
        Place(path, first.span),
        function=site.owner,
        confidence="medium" if first.sometimes else None,
        what=f"`{first.name}` gets {_value(first)} on every render",
        tag=site.tag,
        fix=fix,
        related=[wrapper, *(_step(path, site, fresh) for fresh in others)],
    )


def _hoist(program: Program, path: str, site: Site, taken: set[str]) -> Fix | None:
    """Objects and arrays of literals become constants of the module, if that makes all props stable."""
    declared = {declared.name for declared in program.web.modules[path].declared}
    edits: list[Edit] = []
    for fresh in site.fresh:
        if not fresh.constant or "-" in fresh.name:
            return None
        name = _name(f"{site.tag}_{fresh.name}", declared | taken)
        taken.add(name)
        constant = f"const {name}{_type(path, site, fresh)} = {fresh.constant};\n\n"
        edits.append(Edit(Place(path, (fresh.home, fresh.home)), constant))
        edits.append(Edit(Place(path, fresh.value), name))
    return Fix("Make it a constant of the module", False, tuple(edits)) if edits else None


def _name(words: str, taken: set[str]) -> str:
    """`Card_rowStyle` → CARD_ROW_STYLE, with a number where that is taken."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|\W", "_", words).upper()
    return next(name for number in count(1) if (name := plain + (f"_{number}" if number > 1 else "")) not in taken)


def _type(path: str, site: Site, fresh: Fresh) -> str:
    """The prop's own type, so that the literals keep theirs. React's types are global, though its values are not."""
    return f': React.ComponentProps<typeof {site.tag}>["{fresh.name}"]' if path.endswith(".tsx") else ""


def _everywhere(rule: Rule, path: str, memo: Memo, defeated: list[tuple[str, Site]]) -> Finding:
    certain = any(not fresh.sometimes for _, site in defeated for fresh in site.fresh)
    return rule.finding(
        Place(path, memo.span),
        function=memo.name if memo.name != "default" else defeated[0][1].tag,
        confidence=None if certain else "medium",
        what=f"each of its {len(defeated)} call sites hands over a value made anew by every render",
        tag=defeated[0][1].tag,
        related=[_step(there, site, fresh) for there, site in defeated for fresh in site.fresh],
    )


def _step(path: str, site: Site, fresh: Fresh) -> Step:
    return Step(Place(path, fresh.span), f"`{fresh.name}` of `{site.tag}` gets {_value(fresh)}")


def _value(fresh: Fresh) -> str:
    made = "new children" if fresh.kind == "children" else f"a new {fresh.kind}"
    return f"{made} (`{fresh.local}`)" if fresh.local else made
