"""`slowpath server`: findings in an editor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from slowpath.commands import exits, project
from slowpath.commands.project import Project


@click.command("server")
@click.option("--stdio", is_flag=True, help="Speak over stdin and stdout; it is the only way, and the default.")
def command(stdio: bool) -> None:
    """Speak the Language Server Protocol over stdin and stdout, for an editor to start.

    docs/editors.md says what to paste into yours.
    """
    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        exits.fail("pygls is not installed: pip install 'slowpath[editor]'")
    from slowpath.server.serve import serve

    sys.exit(serve(_opened))


def _opened(paths: list[Path], flags: Mapping[str, object]) -> Project:
    """A project that shows what a scan of it shows: nothing that its baseline holds. Raises ConfigError."""
    from slowpath.baseline_file import BaselineError
    from slowpath.commands import baselines
    from slowpath.config import ConfigError

    own = project.opened(paths, flags)
    try:
        used = baselines.opened(own, None)
    except BaselineError as error:
        raise ConfigError(str(error)) from None
    return own if used is None else own._replace(options=own.options | {"narrow": used.narrow})
