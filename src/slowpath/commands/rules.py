"""`slowpath rules`: list the rules, or test pages of one's own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from slowpath import rulebook
from slowpath.commands import project
from slowpath.commands.exits import FINDINGS, USAGE, fail
from slowpath.config import ConfigError
from slowpath.model.rule import Rule


def known_here() -> list[Rule]:
    """All rules of the project in the working directory."""
    try:
        return project.opened([Path()]).every
    except ConfigError as error:
        fail(str(error))


@click.group("rules", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the rules, or test pages of your own."""
    if context.invoked_subcommand:
        return
    known = known_here()
    wide = max(len(rule.id) for rule in known)
    for rule in sorted(known, key=lambda rule: (rule.group, rule.id)):
        off = "" if rule.enabled else " (off)"
        click.echo(f"{rule.id:{wide}}  {rule.group:10}  {rule.severity:7}  {rule.title}{off}")


@command.command("test")
@click.argument("directory", type=click.Path(path_type=Path))
def rules_test(directory: Path) -> None:
    """Run the examples of the rule pages in DIRECTORY against what they promise."""
    from slowpath import testing

    if not directory.is_dir():
        fail(f"{directory}: no such directory")
    known, errors = rulebook.load_usable([directory])
    for error in errors:
        click.echo(str(error), err=True)
    own = [rule for rule in known if Path(rule.path).is_relative_to(directory)]
    run = failed = 0
    for rule in own:
        try:
            examples = list(testing.examples(rule))
        except ValueError as error:
            fail(str(error))
        if not examples:
            click.echo(f"{rule.id}: no examples: code fences below `## Examples`, at least one", err=True)
            failed += 1
        for example in examples:
            problems = testing.check_example(example, rule, known)
            run += 1
            failed += bool(problems)
            for problem in problems:
                click.echo(f"{rule.id}: {example.title}: {problem}")
    if not own and not errors:
        fail(f"{directory}: no rule pages (*.md) in it")
    if own:
        click.echo(f"{_counted(len(own), 'rule')}, {_counted(run, 'example')}, {failed} failed")
    sys.exit(USAGE if errors or not own else FINDINGS if failed else 0)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
