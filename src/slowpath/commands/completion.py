"""`slowpath completion SHELL`: the script by which a shell completes commands, options, rules and groups."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  slowpath completion bash > ~/.local/share/bash-completion/completions/slowpath
    zsh:   slowpath completion zsh > a folder of $fpath, as _slowpath
    fish:  slowpath completion fish > ~/.config/fish/completions/slowpath.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(context.find_root().command, {}, "slowpath", "_SLOWPATH_COMPLETE")
    click.echo(script.source_template % script.source_vars())
