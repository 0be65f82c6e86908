"""docs/configuration.md and docs/slowpath.schema.json say what `slowpath.config` reads, no more and no less."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import config_docs
import jsonschema
import pytest
from surface import project, run, write

from slowpath import config, rulebook
from slowpath.model.limits import MAX_STARS

ROOT = Path(__file__).parents[1]
SCHEMA: dict[str, Any] = json.loads(config_docs.SCHEMA.read_text(encoding="utf-8"))
STARS = "*a" * (MAX_STARS + 1)
VALUES: list[Any] = [
    *(
        "",
        "x",
        "high",
        "note",
        "all",
        "2024-06-01",
        "12_a",
        "-",
        STARS,
        "a\nb",
        0,
        1,
        -1,
        7,
        1 << 63,
        0.5,
        -0.5,
        2.5,
        True,
    ),
    *([], ["x"], ["n-plus-one"], [1], [True], [["x"]], [STARS], [{}], {}, {"x": "y"}, {"x": 1}, {"x": ["y"]}),
    *(
        {"x": []},
        {STARS: ["y"]},
        {"9": "y"},
        {"x": "a\nb"},
        {"x": [STARS]},
        {"x": [1]},
        {"x": {"y": "z"}},
        {"x": {"ignore": ["y"]}},
    ),
]
"""Of every shape that a key may have, and of those that it may not."""


def keys(schema: dict[str, Any], table: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, node in schema.get("properties", {}).items():
        found += [(*table, name), *keys(node, (*table, name))]
    return found


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(own)}" for key, own in value.items()) + "}"
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value)


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def is_read(document: dict[str, Any]) -> bool:
    text = "".join(f"{key} = {toml(value)}\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    try:
        config.parse(text, Path("slowpath.toml"))
    except config.ConfigError as error:
        assert "\n" not in str(error)
        return False
    return True


def is_valid(document: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft7Validator(SCHEMA).is_valid(document))


def test_page_and_schema_are_up_to_date() -> None:
    assert config_docs.PAGE.read_text(encoding="utf-8") == config_docs.page(), "run python bench/config_docs.py"
    assert config_docs.schema() == SCHEMA, "run python bench/config_docs.py"


def test_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert {rule.id for rule in rulebook.load()} < set(SCHEMA["definitions"]["rule"]["anyOf"][0]["enum"])


def test_schema_and_reader_agree() -> None:
    paths = keys(SCHEMA)
    assert len(paths) > 30
    for path in paths:
        verdicts = set()
        for value in VALUES:
            document = nested(path, value)
            verdicts.add(is_read(document))
            assert is_valid(document) == is_read(document), document
        assert verdicts == {True, False}, path


@pytest.mark.parametrize("path", [("fail_on",), ("selected",), ("bundle", "feature"), ("diagnose", "p95_ms")])
def test_unknown_keys_are_refused_by_both(path: tuple[str, ...]) -> None:
    assert not is_valid(nested(path, "x")) and not is_read(nested(path, "x"))


@pytest.mark.parametrize("table", config_docs.tables())
def test_every_table_has_an_example_that_is_read(table: str, tmp_path: Path) -> None:
    example = config_docs.EXAMPLES[table]
    document = tomllib.loads(example)
    assert is_valid(document) and config.parse(example, tmp_path / "slowpath.toml") != config.Config()


def test_every_key_is_explained() -> None:
    for table, kind in config_docs.tables().items():
        texts = config_docs.documented(kind)
        for field in kind.__struct_fields__:
            assert texts.get(field.replace("_", "-"), "").strip(), f"{table} {field}: no text below the field"


def test_flags_win_over_keys(tmp_path: Path) -> None:
    """As the page says of each key with a flag."""
    root = project(tmp_path)
    write(root, {"slowpath.toml": 'fail-on = "error"\nignore = ["react"]\nmin-confidence = "high"\n'})
    assert run("scan", root).returncode == 0
    assert run("scan", root, "--ignore", "sql").returncode == 0
    assert run("scan", root, "--ignore", "sql", "--fail-on", "note").returncode == 1
    rows = config_docs.page().splitlines()
    for key in ("select", "ignore", "min-confidence", "fail-on"):
        assert any(row.startswith(f"| `{key}` |") and f"| `--{key}` |" in row for row in rows), key


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('selekt = ["sql"]', "unknown field `selekt`"),
        ("select = 3", "`$.select`"),
        ('min-confidence = "sure"', "`$.min-confidence`"),
        ('[migrations]\nstart-after = "soon"', "start-after"),
        ("select = [", "slowpath.toml"),
    ],
)
def test_a_bad_file_is_one_clear_line(text: str, line: str, tmp_path: Path) -> None:
    outcome = run("scan", write(project(tmp_path), {"slowpath.toml": text}))
    assert outcome.returncode == 2 and not outcome.stdout
    assert outcome.stderr.count("\n") == 1 and "slowpath.toml" in outcome.stderr and line in outcome.stderr


@pytest.fixture(scope="session")
def taplo() -> str:
    found = shutil.which("taplo", path=f"{ROOT / 'node_modules/.bin'}:{os.environ['PATH']}")
    if found is None:
        pytest.skip("taplo is not installed")
    return found


def test_an_editor_checks_the_file_as_slowpath_does(taplo: str, tmp_path: Path) -> None:
    """taplo is the language server of Even Better TOML; the first line names the schema."""
    shutil.copy(config_docs.SCHEMA, tmp_path)
    texts = {
        "good.toml": "".join(config_docs.EXAMPLES.values()),
        "loud.toml": 'fail-on = "loud"\n',
        "hold.toml": "[diagnose]\nhold = 0\n",
        "unknown.toml": "selekt = []\n",
    }
    write(tmp_path, {name: f"#:schema ./slowpath.schema.json\n{text}" for name, text in texts.items()})
    done = subprocess.run([taplo, "check", *texts], cwd=tmp_path, capture_output=True, text=True)
    refused = {name for name in texts if name in done.stderr}
    assert done.returncode and refused == {"loud.toml", "hold.toml", "unknown.toml"}, done.stderr
