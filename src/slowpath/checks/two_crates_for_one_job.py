"""Two dependencies that do one job, both named in code, where the project decides about the one that can go.

What another dependency needs too stays in the tree: then there is nothing to save, and nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from slowpath.model.finding import Confidence, Finding, Saving, Step, less_sure
from slowpath.model.rule import Rule
from slowpath.program import Program, savings, tls
from slowpath.program.cargo import Entry, Lock, Package, Use, Workspace

RUST = re.compile(r"1\.(\d{1,9})")
NEW_EDITION = {"2024": 85}
"""The first Rust 1.x that knows an edition, where that tells anything."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per workspace and crate that can go."""
    for workspace in program.cargo.workspaces:
        for job in rule.settings["jobs"]:
            uses = [(entry, use) for entry in own(workspace, job["drop"]) if (use := used(entry, job.get("code")))]
            kept = [(entry, use) for name in job["keep"] for entry in own(workspace, name) if (use := used(entry))]
            saves = gone(workspace, job["drop"]) if uses else None
            if uses and (saves or not workspace.lock):
                yield from judged(workspace, job, uses, kept, saves, rule)
        if workspace.lock and not tls.chosen_by_feature(workspace):
            yield from two_stacks(workspace, workspace.lock, rule)


def two_stacks(workspace: Workspace, lock: Lock, rule: Rule) -> Iterator[Finding]:
    """OpenSSL and rustls in one tree, where all that brings OpenSSL can do with rustls by a feature."""
    known = rule.settings["tls"]
    native = list(tls.bringing(workspace, lock, "openssl-sys"))
    pure = [entry for entry in tls.bringing(workspace, lock, "rustls") if entry.declared.scope == "normal"]
    if not pure or any(entry.registered not in known or entry.optional or entry.declared.target for entry in native):
        return
    asking = [entry for entry in native if tls.asks_for_openssl(entry, lock, known[entry.registered])]
    if asking and asking[0].declared.scope == "normal":
        first, other = asking[0], next((entry for entry in pure if entry.registered != asking[0].registered), pure[0])
        yield rule.finding(
            first.place,
            related=[
                *(Step(entry.place, f"`{entry.registered}` brings OpenSSL too") for entry in asking[1:]),
                Step(other.place, f"`{other.registered}` brings rustls"),
            ],
            drop=first.registered,
            does=f"brings OpenSSL, and `{other.registered}` brings rustls: two TLS stacks, each with its certificates",
            advice=f"ask `{first.registered}` for rustls: {known[first.registered]['instead']}",
        )


def own(workspace: Workspace, registered: str) -> Iterator[Entry]:
    """The members' entries for a crate that every build of the product compiles."""
    for entry in workspace.entries(registered):
        if entry.declared.scope == "normal" and not entry.optional and not entry.declared.target:
            yield entry


def used(entry: Entry, name: str | None = None) -> Use | None:
    """Where the product names the crate. `md-5` is `md5` in code."""
    names = (name or entry.name, entry.name.replace("_", ""))
    return next((use for name in names for use in entry.package.uses.get(name, ()) if use.role == "normal"), None)


def gone(workspace: Workspace, registered: str) -> Saving | None:
    """What leaves Cargo.lock when no member asks for a crate: nothing where the crate itself stays."""
    cuts = [savings.edge(entry) for entry in workspace.entries(registered)]
    left = savings.leaves(workspace.lock, cuts) if workspace.lock else ()
    return savings.saving(left) if any(package.name == registered for package in left) else None


def judged(
    workspace: Workspace,
    job: dict[str, Any],
    uses: list[tuple[Entry, Use]],
    kept: list[tuple[Entry, Use]],
    saves: Saving | None,
    rule: Rule,
) -> Iterator[Finding]:
    """The finding for one job."""
    sure: Confidence = job.get("sure", "medium") if workspace.lock else less_sure(job.get("sure", "medium"))
    together = [(one, other) for one in uses for other in kept if one[0].package is other[0].package]
    if "std" in job and all(new_enough(entry.package, job["since"]) for entry, _ in uses):
        if any(entry.package.says(word) for entry, _ in uses for word in job.get("unless", ())):
            return
        first, does, advice, others = uses[0], f"does what `{job['std']}` does", "use the standard library's", []
    elif kept:
        first, other = together[0] if together else (uses[0], kept[0])
        does, advice, others = f"and `{other[0].registered}` do one job", f"keep `{other[0].registered}`", [other]
        sure = sure if together else less_sure(sure)
    else:
        return
    shown = [first, *(use for use in uses if use is not first)]
    yield rule.finding(
        first[0].place,
        confidence=sure,
        related=[Step(use.place, f"uses `{use.path}`") for _, use in [*shown[:5], *others]],
        saves=saves,
        drop=job["drop"],
        does=f"{does}: {job['why']}",
        advice=advice,
    )


def new_enough(package: Package, since: int) -> bool:
    """Whether every compiler that the package supports has what came with Rust 1.`since`."""
    manifest, root = package.manifest, package.workspace.manifest
    written = manifest.rust_version
    if written == "workspace":
        written = root.shared_rust_version if root else ""
    version = RUST.match(written)
    if version:
        return int(version[1]) >= since
    edition = manifest.edition or (root.shared_edition if root else "")
    return NEW_EDITION.get(edition, 0) >= since
