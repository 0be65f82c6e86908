"""`slowpath explain RULE`: the page of a rule."""

from __future__ import annotations

import click

from slowpath.commands import names
from slowpath.commands.exits import fail
from slowpath.commands.rules import known_here


@click.command("explain")
@click.argument("rule_id", metavar="RULE", shell_complete=names.rules)
def command(rule_id: str) -> None:
    """Print the page of a rule."""
    for rule in known_here():
        if rule.id == rule_id:
            head = f"{rule.severity}, {rule.confidence} confidence, group {rule.group}"
            title, _, rest = rule.page.partition("\n")
            click.echo(f"{title} ({rule.id})\n\n{head}\n{rest}", nl=False)
            return
    fail(f"{rule_id}: no such rule (`slowpath rules` lists them)")
