"""The files that `slowpath init` proposes, as texts: the configuration, the hook and the workflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath import __version__
from slowpath.commands.init_found import Found, Marked
from slowpath.config import Config
from slowpath.report.shared import HOME

SCHEMA = f"{HOME}/raw/v{__version__}/docs/slowpath.schema.json"


class Setting(NamedTuple):
    """Lines of a slowpath.toml, and the path of the key that they set; none where they only tell."""

    table: str
    key: str
    lines: tuple[str, ...]


def settings(found: Found, own: Config) -> list[Setting]:
    """What is worth setting here, and is not so by default or by what the project says already."""
    vendored = [each for each in found.vendored if each.pattern not in own.exclude]
    generated = [each for each in found.generated if each.pattern not in own.per_file_ignores]
    wanted = []
    if vendored:
        lines = (f"    {_string(each.pattern)},  # {_why(each, 'vendored')}" for each in vendored)
        wanted.append(Setting("", "exclude", ("exclude = [", *lines, "]")))
    wanted += [
        Setting("per-file-ignores", each.pattern, (f'{_string(each.pattern)} = ["all"]  # {_why(each, "generated")}',))
        for each in generated
    ]
    if found.migrations:
        newest = max((name for _, name in found.migrations), key=lambda name: re.sub(r"\D", "", name.split("_")[0]))
        wanted.append(
            Setting(
                "migrations",
                "",
                (
                    "# What ran cannot be helped, so only the newest migration is judged. Name the last one that ran",
                    "# everywhere, and all after it are.",
                    f"# start-after = {_string(newest)}",
                ),
            )
        )
    return wanted


def config(found: Found) -> str:
    """A slowpath.toml."""
    lines = [f"#:schema {SCHEMA}", f"# What can be set: {HOME}/blob/v{__version__}/docs/configuration.md"]
    table = ""
    for setting in settings(found, Config()):
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        elif not table:
            lines.append("")
        lines += setting.lines
    return "\n".join(lines) + "\n"


def _why(each: Marked, word: str) -> str:
    return f"{word}, says {each.source}" if each.source.startswith(".") else f"{word}, {each.source}"


def _string(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def workflow(branch: str, folder: str) -> str:
    """A workflow for GitHub, `folder` being the project's below the checkout."""
    inputs = (
        f"        with:\n          working-directory: {_scalar(folder)}\n          category: {category(folder)}\n"
        if folder
        else ""
    )
    return f"""name: slowpath
on:
  push:
    branches: [{branch}]
  pull_request:

permissions: {{}}

concurrency:
  group: slowpath-${{{{ github.ref }}}}
  cancel-in-progress: ${{{{ github.event_name == 'pull_request' }}}}

jobs:
  slowpath:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read
      security-events: write # code scanning
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          fetch-depth: 2 # a pull request and its base
          persist-credentials: false
      - uses: {HOME.removeprefix("https://github.com/")}@v{__version__}
{inputs}"""


def category(folder: str) -> str:
    """A name for the analysis of one project of several."""
    return "slowpath-" + re.sub(r"[^A-Za-z0-9._-]", "-", folder)


def _scalar(text: str) -> str:
    """A scalar of YAML: as it is where nothing in it has a meaning, else in quotes, which JSON's strings are."""
    return text if re.fullmatch(r"[\w./^][\w./()?!\\-]*", text) else json.dumps(text)


GITLAB = f"""slowpath:
  image: python:3.13
  script:
    - pip install -q git+{HOME}@v{__version__}
    - slowpath scan --exit-zero --output gitlab=gl-code-quality-report.json
  cache:
    key: slowpath
    paths: [.cache/slowpath]
  variables:
    SLOWPATH_CACHE_DIR: $CI_PROJECT_DIR/.cache/slowpath
  artifacts:
    reports:
      codequality: gl-code-quality-report.json
"""


def hook(folder: str, indent: str = "  ", inner: str = "    ") -> Iterator[str]:
    """The lines of .pre-commit-config.yaml below `repos:`."""
    yield f"{indent}- repo: {HOME}"
    yield f"{indent}  rev: v{__version__}"
    yield f"{indent}  hooks:"
    yield f"{indent}{inner}- id: slowpath"
    if folder:
        yield f"{indent}{inner}  exclude: {_scalar(f'^(?!{re.escape(folder)}/)')}"


ENTRY = re.compile(r"^( *)-\s+[\w\"']")
TOP = re.compile(r"^[^\s#-]")


def hooked(text: str, folder: str) -> str | None:
    """A .pre-commit-config.yaml with the hook at the end of its repos, all else as it was; None where that cannot be
    said without understanding more of YAML.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    raw = re.findall(r"[^\n]*\n|[^\n]+", text)  # splitlines() also splits where YAML does not
    lines = [line.rstrip("\r\n") for line in raw]
    start = next((index for index, line in enumerate(lines) if re.match(r"repos:\s*(#.*)?$", line)), None)
    if start is None:
        return None
    stop = next((index for index in range(start + 1, len(lines)) if TOP.match(lines[index])), len(lines))
    entries = [match for line in lines[start + 1 : stop] if (match := ENTRY.match(line))]
    if not entries:
        return None
    indent = entries[0][1]
    last = max(index for index in range(start + 1, stop) if _belongs(lines[index], indent))
    inner = next((match[1][len(indent) :] for match in entries if len(match[1]) > len(indent)), "    ")
    raw[last] = raw[last] if raw[last].endswith("\n") else raw[last] + end
    return "".join([*raw[: last + 1], *(line + end for line in hook(folder, indent, inner)), *raw[last + 1 :]])


def _belongs(line: str, indent: str) -> bool:
    """To the last entry: its own lines, and what is commented out within it."""
    text = line.strip()
    return bool(text) and (not text.startswith("#") or line.startswith(f"{indent}  "))
