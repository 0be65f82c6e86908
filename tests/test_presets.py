"""Which rules speak where: presets, selections, settings of single paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from surface import project, run, scan, write
from test_command import PAGE

from slowpath import config, rulebook
from slowpath.commands import adopting
from slowpath.commands.project import opened
from slowpath.commands.scan import command as scan_command

RULE = "query-client-per-render"


def running(root: Path, **flags: object) -> set[str]:
    return {rule.id for rule in opened([root], flags).rules}


def found(root: Path, *arguments: str) -> list[str]:
    return [finding["path"] for finding in scan(root, *arguments)["findings"]]


def test_presets(tmp_path: Path) -> None:
    root = project(tmp_path)
    every = {rule.id for rule in rulebook.load()}
    by_default = {rule.id for rule in rulebook.load() if rule.enabled}
    assert by_default < every and list(config.PRESETS) == adopting.PRESETS
    assert running(root) == running(root, preset="default") == by_default
    assert running(root, preset="strict") == running(root, preset="all") == every
    assert [opened([root], {"preset": name}).options["min_confidence"] for name in ("default", "strict", "all")] == [
        "medium",
        "medium",
        "low",
    ]
    write(root, {"slowpath.toml": 'preset = "all"\nmin-confidence = "high"\nselect = ["sql"]\nignore = ["react"]'})
    assert opened([root]).options["min_confidence"] == "high"
    assert running(root) == {rule.id for rule in rulebook.load() if rule.group == "sql"}
    assert running(root, preset="strict") == {rule.id for rule in rulebook.load() if rule.group != "react"}
    assert opened([root], {"preset": "strict"}).options["min_confidence"] == "medium"


def test_a_selection_may_be_extended(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": 'select = ["sql"]\nextend-select = ["react"]'})
    assert found(root) == ["src/Basket.tsx", "src/Shelf.tsx"]
    assert found(root, "--select", "sql") == []
    assert len(found(root, "--select", "sql", "--extend-select", RULE)) == 2
    assert found(root, "--extend-select", "sql", "--ignore", "react") == []


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ('[paths."src/Shelf.tsx"]\nignore = ["react"]', ["src/Basket.tsx"]),
        ('ignore = ["react"]\n[paths."Shelf.tsx"]\nextend-select = ["react"]', ["src/Shelf.tsx"]),
        (f'[paths."src/**"]\nselect = ["sql"]\n[paths."**/B*"]\nextend-select = ["{RULE}"]', ["src/Basket.tsx"]),
        ('[paths."src/**"]\nignore = ["all"]\n[paths."Basket.tsx"]\nselect = ["react"]', ["src/Basket.tsx"]),
        ('[per-file-ignores]\n"Basket.tsx" = ["react"]\n[paths."src/"]\nselect = ["react"]', ["src/Shelf.tsx"]),
    ],
)
def test_settings_of_single_paths(tmp_path: Path, settings: str, shown: list[str]) -> None:
    root = write(project(tmp_path), {"slowpath.toml": settings})
    assert found(root) == found(root) == shown  # the second is remembered


def test_confidence_and_exit_code_of_single_paths(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": '[paths."src/"]\nfail-on = "error"'})
    assert run("scan", root).returncode == 0
    write(root, {"slowpath.toml": 'fail-on = "error"\n[paths."Basket.tsx"]\nfail-on = "note"'})
    assert run("scan", root).returncode == 1 and run("scan", root / "src/Shelf.tsx").returncode == 0


def test_how_sure_single_paths_must_be(tmp_path: Path) -> None:
    page = PAGE.replace('confidence = "high"', 'confidence = "medium"')
    source = 'import { shout } from "loud";\nshout(1);\n'
    root = write(tmp_path, {"pages/own/shouting.md": page, "a.ts": source, "b.ts": source})
    write(root, {"slowpath.toml": 'rules = ["pages"]\n[paths."a.ts"]\nmin-confidence = "high"'})
    assert found(root) == ["b.ts"]
    write(root, {"slowpath.toml": 'rules = ["pages"]\nmin-confidence = "high"\n[paths."a.ts"]\nmin-confidence = "low"'})
    assert found(root) == ["a.ts"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('preset = "strikt"', "did you mean strict? known: default, strict, all"),
        ('min-confidence = "hi"', "did you mean high? known: high, medium, low"),
        ('[paths."a"]\nmin-confidense = "high"', "did you mean min-confidence? known: select, extend-select,"),
        (
            '[paths."a"]\nignore = ["n-plus-on"]',
            'paths."a".ignore: n-plus-on: no such rule or group (did you mean n-plus-',
        ),
        ('extend-select = ["reakt"]', "extend-select: reakt: no such rule or group (did you mean react?"),
        ("ekclude = []", "did you mean exclude? known: preset,"),
        ('[migrations]\nstart-aftr = "1"', "did you mean start-after? known: start-after"),
        ('[paths."a*a*a*a*a*a*a*a*a*"]\nignore = ["sql"]', "more than"),
        ('[paths."[z-a]"]\nignore = ["sql"]', ""),
    ],
)
def test_names_that_are_not_known(tmp_path: Path, text: str, words: str) -> None:
    outcome = run("scan", write(project(tmp_path), {"slowpath.toml": text}))
    assert len(outcome.stderr.splitlines()) <= 1 and (
        not words or (outcome.returncode == 2 and words in outcome.stderr)
    )


def test_statistics_say_where_to_begin(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    assert run("scan", root / "src/Shelf.tsx", "--write-baseline").returncode == 0
    said = run("scan", root, "--statistics").stderr.splitlines()
    assert said[0].split() == ["findings", "safe", "fixes", "unsafe", "fixes", "known", "rule"]
    assert said[1].split() == ["1", "0", "0", "1", RULE] and said[2].startswith("2 files (")
    write(root, {"web/app/Door.tsx": (root / "src/Basket.tsx").read_text()})
    said = run("scan", root, "--statistics").stderr.splitlines()
    assert said[2:5] == ["findings  folder", "       1  src", "       1  web/app"]


def test_the_page_names_options_that_are_there() -> None:
    page = (Path(__file__).parents[1] / "docs/adopting.md").read_text()
    flags = set(re.findall(r"--[a-z][a-z-]+", page))
    assert len(flags) > 8 and flags <= {option for own in scan_command.params for option in own.opts}


def test_the_command_line_wins_over_the_settings_of_a_path(tmp_path: Path) -> None:
    root = project(tmp_path)
    write(root, {"slowpath.toml": '[paths."src/**"]\nfail-on = "error"\nmin-confidence = "high"\nselect = ["sql"]'})
    assert run("scan", root).returncode == 0 and found(root) == []
    assert found(root, "--select", RULE) == ["src/Basket.tsx", "src/Shelf.tsx"]
    assert run("scan", root, "--select", RULE).returncode == 0
    assert run("scan", root, "--select", RULE, "--fail-on", "note").returncode == 1
