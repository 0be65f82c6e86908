"""Names of rules and groups, as a shell completes them: by the files of the pages, of which none is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

PAGES = Path(__file__).parents[1] / "rulepages"


def option(flag: str, words: str) -> Callable[[Any], Any]:
    """An option that names rules and groups, which a shell completes."""
    return click.option(flag, multiple=True, metavar="RULES", shell_complete=selectors, help=words)


def rules(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Rules that begin as it was typed."""
    return [CompletionItem(name) for name in sorted(set(_pages())) if name.startswith(typed)]


def selectors(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Rules and groups that begin as what was typed behind the last comma."""
    before, comma, last = typed.rpartition(",")
    names = {"all", *_pages(), *(folder.name for folder in PAGES.iterdir() if folder.is_dir())}
    return [CompletionItem(f"{before}{comma}{name}") for name in sorted(names) if name.startswith(last)]


def _pages() -> Iterator[str]:
    """Ids of the shipped rules and those of the project that the shell stands in."""
    from slowpath import config

    folders = [PAGES]
    try:
        root = config.project_root([Path()])
        folders += [root / folder for folder in config.load(root).rules]
    except config.ConfigError:
        pass
    return (page.stem for folder in folders for page in folder.rglob("*.md"))
