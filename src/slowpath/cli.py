"""The command line. What a command needs is imported when it runs: `--help` answers without loading a grammar."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from slowpath import __version__
from slowpath.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from slowpath.config import Config
    from slowpath.engine import Mended
    from slowpath.model.evidence import Evidence
    from slowpath.model.report import Report
    from slowpath.model.rule import Rule

FINDINGS, USAGE, INTERNAL = 1, 2, 3
LEVELS = ["error", "warning", "note"]
GC_THRESHOLD = 200_000


def main() -> NoReturn:
    """The program. Exit codes: 0 clean, 1 findings, 2 usage, config or I/O, 3 a fault of slowpath's own."""
    try:
        cli.main(prog_name="slowpath", standalone_mode=True)
    except Exception as error:
        from slowpath.workers import blame

        click.echo(f"slowpath: internal error: {blame(error)}", err=True)
        sys.exit(INTERNAL)
    sys.exit(0)


@click.group(
    cls=LazyGroup,
    lazy={
        "report": ("report", "Write the diagnosis as Markdown and as one HTML page, or hold it against a gate."),
        "diagnose": ("diagnose", "Measure all that the configuration names, join it and report."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
def cli() -> None:
    """Find what makes a Rust + TypeScript/React product slow, and show the path that proves it."""


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "style", type=click.Choice(["full", "concise", "json", "sarif"]), default="full")
@click.option("--output-file", type=click.Path(path_type=Path), help="Write the report there, not to stdout.")
@click.option("--sarif-output", type=click.Path(path_type=Path), help="Write SARIF there as well.")
@click.option("--select", multiple=True, metavar="RULES", help="Only these rules or groups, by comma.")
@click.option("--ignore", multiple=True, metavar="RULES", help="Not these rules or groups, by comma.")
@click.option("--min-confidence", type=click.Choice(["low", "medium", "high"]), help="Default: medium.")
@click.option("--fail-on", type=click.Choice(LEVELS), help="Least severity that makes the exit code 1. Default: note.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option("--fix", "fixing", is_flag=True, help="Apply the safe fixes of what would be shown, and show the rest.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also fixes that need a look.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, as a diff, and change nothing.")
@click.option(
    "--measure",
    "measure_builds",
    is_flag=True,
    help="Run `cargo check` from scratch on a copy, before and after the fixes of the Cargo rules that are shown, and "
    "print what they save. This runs the project's build scripts; nothing else does.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    help="What `slowpath measure join` wrote: say of each finding what it costs the running system.",
)
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Worker processes; 0 is one per core.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write cached facts.")
@click.option(
    "--statistics",
    is_flag=True,
    help="Print findings per rule, time per stage and how Rust calls were resolved to stderr.",
)
def scan(
    paths: tuple[Path, ...],
    style: str,
    output_file: Path | None,
    sarif_output: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    min_confidence: str | None,
    fail_on: str | None,
    exit_zero: bool,
    fixing: bool,
    unsafe_fixes: bool,
    diff: bool,
    measure_builds: bool,
    evidence: Path | None,
    jobs: int,
    no_cache: bool,
    statistics: bool,
) -> None:
    """Scan a project and report on PATHS (default: here).

    The whole project is always analysed; PATHS say which findings are shown.
    """
    import gc

    from slowpath import config, engine, fix
    from slowpath.cache import Cache, directory
    from slowpath.commands import project
    from slowpath.model.finding import SEVERITIES, Trouble
    from slowpath.model.report import Stats
    from slowpath.report import text

    if unsafe_fixes and not (fixing or diff):
        _fail("--unsafe-fixes goes with --fix or --diff")
    if measure_builds and fixing:
        _fail("--measure compares with what --fix would do: it goes without it")
    gc.set_threshold(GC_THRESHOLD, 50, 100)
    paths = paths or (Path(),)
    try:
        root = config.project_root(paths)
        settings = config.load(root)
        flags = {
            "min_confidence": min_confidence,
            "fail_on": fail_on,
            "select": _split(select),
            "ignore": _split(ignore),
        }
        settings = _overridden(settings, {name: value for name, value in flags.items() if value})
        every, broken_pages = _rules(root, settings)
        rules = project.selected(every, settings)
        options = project.scan_options(root, settings, every)
    except config.ConfigError as error:
        _fail(str(error))
    joined = _evidence(evidence) if evidence is not None else None
    progress, finish = _progress()
    options |= {
        "jobs": jobs,
        "cache": None if no_cache else Cache(directory()),
        "scope": tuple(entry for entry in (_relative(path, root) for path in paths) if entry != "."),
        "progress": progress,
        "count_calls": statistics,
        "evidence": joined,
    }
    mended = engine.mend(root, rules, unsafe=unsafe_fixes, **options) if fixing or diff else None
    report = mended.before if mended else engine.scan(root, rules, **options)
    measured, failed = _measured(root, report, progress) if measure_builds else ("", False)
    unwritten: dict[str, str] = {}
    if mended and not diff:
        unwritten = fix.write(root, mended.before.sources.texts, mended.texts, mended.fixes)
        report = engine.scan(root, rules, **options) if unwritten else mended.report
    finish()
    import msgspec

    pages = tuple(Trouble(page, 0, message) for page, message in broken_pages)
    report = msgspec.structs.replace(
        report, troubles=(*pages, *report.troubles), prefix=_prefix(config.git_root(root), root)
    )
    terminal = output_file is None and sys.stdout.isatty()
    shown = report
    if not statistics and (style == "json" or not terminal):  # equal input gives equal bytes, whatever cache and jobs
        shown = msgspec.structs.replace(report, stats=Stats(files=report.stats.files))
    if output_file or not diff:
        _write(output_file, _rendered(shown, style, output_file is None and _color(terminal)))
    if mended and diff:
        _write(None, fix.diff(mended.before.sources.texts, mended.texts))
    if sarif_output:
        _write(sarif_output, _rendered(report, "sarif", False))
    if style in ("full", "concise"):
        for line in text.troubles(report):
            click.echo(f"slowpath: {line}", err=True)
    if mended:
        for line in (
            *dict.fromkeys(unwritten.values()),
            _tally(mended, unwritten, "would be fixed" if diff else "fixed"),
            *(() if diff else _locked(mended)),
        ):
            click.echo(f"slowpath: {line}", err=True)
    if statistics:
        click.echo(text.statistics(report), err=True, nl=False)
    if measure_builds:
        click.echo(measured, err=True, nl=False)
    least = SEVERITIES.index(settings.fail_on)
    failing = any(SEVERITIES.index(finding.severity) >= least for finding in report.findings)
    if any(trouble.internal for trouble in report.troubles):
        sys.exit(INTERNAL)
    sys.exit(USAGE if broken_pages or unwritten or failed else FINDINGS if failing and not exit_zero else 0)


@cli.group(
    cls=LazyGroup,
    lazy={
        "load": ("measure_load", "Find the breaking point with your own k6 script."),
        "resources": ("measure_resources", "Watch CPU, memory, disk, network and the database; name the limiter."),
        "queries": ("measure_queries", "Read what PostgreSQL was asked: logs, plans, statistics."),
        "schema": ("measure_schema", "Compare the running database with schema.rs and the migrations."),
        "bundle": ("measure_bundle", "Read what the bundler built: chunks, first load, leaks."),
        "join": ("measure_join", "Join parts into the evidence that `scan --evidence` and `report` read."),
    },
)
def measure() -> None:
    """Measure the running system; each command writes one part, a JSON file."""


@cli.command()
@click.argument("rule_id", metavar="RULE")
def explain(rule_id: str) -> None:
    """Print the page of a rule."""
    for rule in _rules_here():
        if rule.id == rule_id:
            head = f"{rule.severity}, {rule.confidence} confidence, group {rule.group}"
            title, _, rest = rule.page.partition("\n")
            click.echo(f"{title} ({rule.id})\n\n{head}\n{rest}", nl=False)
            return
    _fail(f"{rule_id}: no such rule (`slowpath rules` lists them)")


@cli.group(invoke_without_command=True)
@click.pass_context
def rules(context: click.Context) -> None:
    """List the rules, or test pages of your own."""
    if context.invoked_subcommand:
        return
    known = _rules_here()
    wide = max(len(rule.id) for rule in known)
    for rule in sorted(known, key=lambda rule: (rule.group, rule.id)):
        off = "" if rule.enabled else " (off)"
        click.echo(f"{rule.id:{wide}}  {rule.group:10}  {rule.severity:7}  {rule.title}{off}")


@rules.command("test")
@click.argument("directory", type=click.Path(path_type=Path))
def rules_test(directory: Path) -> None:
    """Run the examples of the rule pages in DIRECTORY against what they promise."""
    from slowpath import rulebook, testing

    if not directory.is_dir():
        _fail(f"{directory}: no such directory")
    known, errors = rulebook.load_usable([directory])
    for error in errors:
        click.echo(str(error), err=True)
    own = [rule for rule in known if Path(rule.path).is_relative_to(directory)]
    run = failed = 0
    for rule in own:
        try:
            examples = list(testing.examples(rule))
        except ValueError as error:
            _fail(str(error))
        if not examples:
            click.echo(f"{rule.id}: no examples", err=True)
            failed += 1
        for example in examples:
            problems = testing.check_example(example, rule, known)
            run += 1
            failed += bool(problems)
            for problem in problems:
                click.echo(f"{rule.id}: {example.title}: {problem}")
    rules = "1 rule" if len(own) == 1 else f"{len(own)} rules"
    click.echo(f"{rules}, {run} examples, {failed} failed")
    sys.exit(USAGE if errors or not own else FINDINGS if failed else 0)


def _tally(mended: Mended, unwritten: Collection[str], done: str) -> str:
    """How many findings are fixed, and how many more could be."""
    count = sum(not any(edit.place.path in unwritten for edit in own.edits) for own in mended.fixes)
    more = sum(own.fix is not None and not own.fix.safe for own in mended.report.findings)
    hint = "" if mended.unsafe or not more else f", {more} more with --unsafe-fixes"
    return f"{count} finding{'' if count == 1 else 's'} {done}{hint}"


def _locked(mended: Mended) -> Iterator[str]:
    """Cargo.lock is cargo's to write: a build with `--locked` would stop at it."""
    locks = any(path.endswith("Cargo.lock") for path in mended.before.sources.texts)
    if locks and any(path.endswith("Cargo.toml") for path in mended.texts):
        yield "Cargo.lock is as it was: cargo brings it up to date at its next build, or `cargo update --workspace` now"


def _fail(message: str) -> NoReturn:
    click.echo(f"slowpath: {message}", err=True)
    sys.exit(USAGE)


def _split(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _overridden(settings: Config, flags: dict[str, object]) -> Config:
    import msgspec

    return msgspec.structs.replace(settings, **flags)


def _rules(root: Path, settings: Config) -> tuple[list[Rule], list[tuple[str, str]]]:
    """All rules, and the pages that cannot be used as (page, why)."""
    from slowpath import rulebook

    known, errors = rulebook.load_usable(root / directory for directory in settings.rules)
    pairs = (str(error).partition(": ") for error in errors)
    return known, [(_shown(Path(page), root), message) for page, _, message in pairs]


def _rules_here() -> list[Rule]:
    from slowpath import config

    try:
        root = config.project_root([Path()])
        return _rules(root, config.load(root))[0]
    except config.ConfigError as error:
        _fail(str(error))


def _relative(path: Path, root: Path) -> str:
    return path.resolve().relative_to(root).as_posix()


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _prefix(checkout: Path, root: Path) -> str:
    return "" if checkout == root else f"{_relative(root, checkout)}/"


def _measured(root: Path, report: Report, progress: Callable[[str], None]) -> tuple[str, bool]:
    """What the fixes of the Cargo rules save, as text; or why that cannot be said, and True."""
    import msgspec

    from slowpath import fix
    from slowpath.report import text
    from slowpath.runtime import measure

    own = [
        (finding, name)
        for finding, name in zip(report.findings, report.fingerprints, strict=True)
        if report.rules[finding.rule].group == "cargo"
    ]
    cargo = msgspec.structs.replace(
        report, findings=tuple(finding for finding, _ in own), fingerprints=tuple(name for _, name in own)
    )
    fixes = fix.chosen(cargo, (), unsafe=True)
    if not fixes:
        return "slowpath: nothing to measure: no finding of a Cargo rule has a fix\n", False
    texts = fix.applied(report.sources.texts, fixes.values())
    try:
        return measure.told(measure.compare(root, texts, progress), len(fixes)), False
    except measure.MeasureError as error:
        return f"slowpath: not measured: {text.clean(str(error))}\n", True


def _evidence(path: Path) -> Evidence:
    from slowpath import parts
    from slowpath.model.evidence import Evidence

    try:
        found = parts.read(path)
    except parts.PartError as error:
        _fail(str(error))
    if not isinstance(found, Evidence):
        _fail(
            f"{path}: is one part ({found.schema}): join it with `slowpath measure join {path} -o evidence.json` first"
        )
    return found


def _color(terminal: bool) -> bool:
    """https://no-color.org, and FORCE_COLOR for those who pipe into a pager."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or terminal


def _progress() -> tuple[Callable[[str], None], Callable[[], None]]:
    """A line on stderr that names the stage, on a terminal only; and what wipes it out."""
    if not sys.stderr.isatty():
        return lambda stage: None, lambda: None
    return (
        lambda stage: print(f"\r\x1b[K{stage} …", end="", file=sys.stderr, flush=True),
        lambda: print("\r\x1b[K", end="", file=sys.stderr, flush=True),
    )


def _rendered(report: Report, style: str, color: bool) -> str:
    if style == "json":
        from slowpath.report import json

        return json.render(report)
    if style == "sarif":
        from slowpath.report import sarif

        return sarif.render(report)
    from slowpath.report import text

    return (text.full if style == "full" else text.concise)(report, color)


def _write(path: Path | None, text: str) -> None:
    if path is None:
        click.echo(text.encode("utf-8", "replace"), nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"{path}: cannot be written: {error.strerror}")
