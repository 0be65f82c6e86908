"""Names of rules and groups, as a shell completes them: by the files of the pages, of which none is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

PAGES = Path(__file__).parents[1] / "rulepages"


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
