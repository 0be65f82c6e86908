"""`slowpath measure bundle`: what the bundler built, beside what the source lets expect."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slowpath.commands.exits import fail

if TYPE_CHECKING:
    from slowpath.runtime.bundle import Project


@click.command("bundle")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER…", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The part to write.")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The source. Default: here.")
@click.option("--entry", default="", metavar="NAME", help="What the first load begins with, of several entries.")
def command(paths: tuple[Path, ...], output: Path, project: Path, entry: str) -> None:
    """Read what a bundler built: Vite's manifest, rollup-plugin-visualizer's raw data, esbuild's metafile, webpack's
    stats, each known by its content; a folder is searched for them.

    Sizes are those on disk. Code that the first load shall not hold is what [bundle.features] of slowpath.toml names,
    and pages of a router that it imports statically.
    """
    from msgspec.structs import replace

    from slowpath import parts
    from slowpath.runtime import bundle, bundle_read, bundle_text, checkout
    from slowpath.runtime.bundle_shapes import BundleError

    started = time.time()
    for path in paths:
        if not path.exists():
            fail(f"{path}: no such file or directory")
    try:
        part = bundle.part(bundle_read.read(paths), _project(project), entry)
        part = replace(part, started=started, finished=time.time(), commit=checkout.commit(project))
        parts.write(output, part)
    except (BundleError, parts.PartError) as error:
        fail(str(error))
    click.echo(bundle_text.told(part), nl=False)


def _project(path: Path) -> Project:
    from slowpath import config, rulebook
    from slowpath.cache import Cache, directory
    from slowpath.discover import discover
    from slowpath.facts import facts_of
    from slowpath.link import link
    from slowpath.runtime.bundle_project import describe

    try:
        root = config.project_root([path])
        settings = config.load(root)
        found = discover(root, settings.exclude)
    except config.ConfigError as error:
        fail(str(error))
    kept = [file for file in found.files if file[1] in ("typescript", "tsx", "json")]
    files, _, _ = facts_of(found._replace(files=kept), [], 0, Cache(directory()))
    rule = next(rule for rule in rulebook.load_usable([])[0] if rule.id == "eager-route")
    return describe(link(files).web, settings.bundle.features, rule.settings)
