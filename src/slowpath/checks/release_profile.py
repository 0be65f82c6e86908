"""A profile of Cargo that does not fit what is built with it, or that Cargo never reads.

A comment that explains a setting lowers the confidence: somebody meant it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slowpath.model.cargo import Setting
from slowpath.model.finding import Finding, Fix, Place, Step, less_sure
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.cargo import Package, Workspace
from slowpath.program.manifest_edits import with_profile
from slowpath.program.profiles import Product, Value, Values, catches, is_member, product, values

SHIPPED = ("release", "dist")
"""What products are built with: by Cargo's custom, and by cargo-dist's."""
HEADERS = (("profile", "release"), ("package",), ("workspace",))
"""Where a finding about the whole profile stands."""
WHOSE = {"": "all code", "*": "all dependencies"}
SAMPLES = frozenset(["examples", "example", "demo", "demos", "samples"])
"""Folders of programs that nobody deploys."""
FOR_DEVELOPERS = frozenset(["dev", "test", "bench"])
DEFAULTS = {
    "opt-level": ("3",),
    "debug": ("false", "0", "none"),
    "strip": ("none", "false"),
    "debug-assertions": ("false",),
    "overflow-checks": ("false",),
    "lto": ("false",),
    "panic": ("unwind",),
    "incremental": ("false",),
    "codegen-units": ("16",),
    "rpath": ("false",),
    "inherits": ("release",),
}
"""What a release build gets where nothing is said."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per setting, and one per member whose profiles are not read."""
    for workspace in program.cargo.workspaces:
        built = product(workspace, program.rust, rule.settings["serves"], rule.settings["wasm"])
        if built.kind == "library":
            continue
        seen: set[Place] = set()
        for profile in SHIPPED:
            settings = values(workspace, profile)
            for value in settings.values():
                if value.place not in seen:
                    seen.add(value.place)
                    yield from judged(value, settings, built, workspace, program, rule)
        yield from unsaid(built, workspace, rule)
        for package in workspace.packages:
            if is_member(package):
                yield from never_read(package, workspace, rule)


def judged(
    value: Value, profile: Values, built: Product, workspace: Workspace, program: Program, rule: Rule
) -> Iterator[Finding]:
    """What is wrong with one setting."""
    setting = value.setting
    for case in rule.settings["wrong"] if setting.package in WHOSE else ():
        if setting.key != case["key"] or built.kind not in case["kinds"] or not applies(case, setting, profile):
            continue
        steps = [Step(built.serves.place, f"`{built.serves.path}` makes it a server")] if built.serves else []
        if "catches" in case:
            caught = next(catches(workspace, program.rust, case["catches"]), None)
            if caught is None:
                continue
            steps.insert(0, Step(caught, "catches panics, which never come this far"))
        yield rule.finding(
            value.place,
            severity=case["severity"],
            confidence=less_sure(case["confidence"]) if setting.comment else case["confidence"],
            related=steps,
            setting=f"`{written(setting)}` in [{table(setting)}]",
            problem=case["problem"].format(whose=WHOSE[setting.package]),
            advice=case["advice"],
        )
        return


def unsaid(built: Product, workspace: Workspace, rule: Rule) -> Iterator[Finding]:
    """A product that is worth a longer build, and whose profile says nothing about that."""
    case, manifest = rule.settings["unsaid"], workspace.manifest
    said = {key for package, key in values(workspace, "release") if not package}
    if manifest is None or built.kind not in case["kinds"] or said.intersection(case["settings"]):
        return
    if SAMPLES.intersection(workspace.folder.split("/")):
        return
    places = [own.span for path in HEADERS for own in manifest.tables if own.path == path]
    if places:
        start = places[0][0]
        edits = with_profile(manifest, workspace.path, case["settings"])
        yield rule.finding(
            Place(workspace.path, (start, start + 1)),
            severity=case["severity"],
            confidence=case["confidence"],
            related=[Step(built.serves.place, f"`{built.serves.path}` makes it a server")] if built.serves else [],
            fix=Fix("Optimise across crates", False, edits),
            setting=case["setting"],
            problem=case["problem"],
            advice=case["advice"],
        )


def applies(case: dict[str, Any], setting: Setting, profile: Values) -> bool:
    """Whether a setting's value is the wrong one, next to the others of its profile."""
    for key, excuses in case.get("unless", {}).items():
        beside = profile.get((setting.package, key))
        if beside and beside.setting.value in excuses:
            return False
    if "above" in case:
        return setting.value.isdecimal() and int(setting.value[:9]) > case["above"]
    return setting.value in case["values"]


def never_read(package: Package, workspace: Workspace, rule: Rule) -> Iterator[Finding]:
    """Profiles of a member that say something else than what the workspace builds with."""
    lost = [setting for setting in package.manifest.profiles if setting.profile not in FOR_DEVELOPERS]
    for setting in lost:
        own = values(workspace, setting.profile).get((setting.package, setting.key))
        gets = (own.setting.value,) if own else DEFAULTS.get(setting.key, ()) if not setting.package else ()
        if setting.value not in gets:
            yield rule.finding(
                Place(package.path, setting.span),
                related=[Step(Place(workspace.path, (0, 0)), "Cargo reads the profiles of this manifest")],
                setting=f"[{table(setting)}] with `{written(setting)}`",
                problem="does nothing: Cargo reads profiles from the manifest of the workspace alone",
                advice=f"move it to {workspace.path}",
            )
            return


def written(setting: Setting) -> str:
    """The line as a manifest has it."""
    plain = setting.value in ("true", "false") or setting.value.isdigit()
    return f"{setting.key} = {setting.value}" if plain else f'{setting.key} = "{setting.value}"'


def table(setting: Setting) -> str:
    """The table that a setting stands in."""
    if setting.package == "build-override":
        return f"profile.{setting.profile}.build-override"
    return f"profile.{setting.profile}" + (f'.package."{setting.package}"' if setting.package else "")
