"""`slowpath server`: findings in an editor."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import click

from slowpath.commands import exits, project


@click.command("server")
@click.option("--stdio", is_flag=True, help="Speak over stdin and stdout; it is the only way, and the default.")
def command(stdio: bool) -> None:
    """Speak the Language Server Protocol over stdin and stdout, for an editor to start.

    docs/editors.md says what to paste into yours.
    """
    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        exits.fail("pygls is not installed: pip install 'slowpath[editor]'")
    from slowpath.server.serve import serve

    sys.exit(serve(project.opened))
