"""Features of a dependency that no code of the packages concerned can need.

Which features there are and what they imply is said by the crate's own graph at the locked version, what code of each
looks like by its table. What code cannot show (behaviour, TLS backends, platforms) is never judged and always stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slowpath.model.finding import Confidence, Finding, Fix, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.feature_lists import Proposal, proposals
from slowpath.program.manifest_edits import with_features
from slowpath.program.savings import saving

SHOWN = 12


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per list of features, at the dependency."""
    for proposal in proposals(program, Path(rule.path).parent / "features"):
        yield finding(proposal, rule)


def finding(proposal: Proposal, rule: Rule) -> Finding:
    """The finding of one list: what goes, what stays, and the code that each staying feature has."""
    dependency, crate = proposal.declaration.dependency, proposal.crate
    aggregate = next((name for name in dependency.features if name in proposal.graph.aggregates), "")
    by_default = " by default" if proposal.without_default and not dependency.features else ""
    goes = listing(proposal.goes)
    what = f"`{aggregate}` of `{crate}` switches on {goes}" if aggregate else f"`{crate}` has {goes} on{by_default}"
    sure = sureness(proposal)
    return rule.finding(
        proposal.declaration.place,
        confidence=sure,
        fix=fix(proposal, sure),
        related=list(reasons(proposal)),
        saves=saving(proposal.gone, exact=not proposal.others),
        what=what,
        advice=advice(proposal),
    )


def fix(proposal: Proposal, sure: Confidence) -> Fix | None:
    """The shorter list in the manifest."""
    declaration = proposal.declaration
    default = False if proposal.without_default else None
    edits = with_features(declaration.dependency, declaration.path, proposal.stays, default)
    return Fix(f"Ask for the features of `{proposal.crate}` that code needs", sure == "high", edits) if edits else None


def sureness(proposal: Proposal) -> Confidence:
    """Low where code that cannot be read may use the crate."""
    packages = [entry.package for entry in proposal.declaration.users]
    if any(package.unread for package in packages):
        return "low"
    return "medium" if any(package.generated or package.gaps for package in packages) else "high"


def reasons(proposal: Proposal) -> Iterator[Step]:
    """The code that each staying feature is for."""
    shown = [(name, proposal.needs[name]) for name in proposal.stays if name in proposal.needs]
    for name, why in shown[:SHOWN]:
        if why.place:
            needs = "needs" if "::" in why.what else "may need"  # a word alone does not say whose it is
            yield Step(why.place, f"`{why.what}` {needs} `{name}`")


def advice(proposal: Proposal) -> str:
    """What to write instead."""
    quoted = ", ".join(f'"{name}"' for name in proposal.stays)
    listed = [f"features = [{quoted}]"] if proposal.stays else []
    if proposal.without_default:
        return f"leave `{', '.join(['default-features = false', *listed])}`"
    return f"leave `{listed[0]}`" if listed else "drop the list of features"


def listing(names: list[str]) -> str:
    """`a`, `b` and `c`."""
    shown = [f"`{name}`" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
