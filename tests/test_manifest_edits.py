"""Where the entries of a manifest stand, and the edits made there."""

from __future__ import annotations

import tomllib

import pytest
from surface import manifest

from slowpath.model.cargo import Dependency

HEAD = '[package]\nname = "kiosk"\n\n'


def entry(text: str, key: str = "x") -> Dependency:
    found = manifest(text)
    return next(own for own in (*found.dependencies, *found.shared) if own.key == key)


@pytest.mark.parametrize(
    ("below", "form", "goes"),
    [
        ('[dependencies]\nx = "1" # why\ny = "1"', "string", ['x = "1" # why\n']),
        ("[dependencies]\n'x' = '1'", "string", ["'x' = '1'"]),
        (
            '[dependencies]\nx = { version = "1", features = [\n  "a", # }]\n  \'b\',\n] }\ny = "1"',
            "inline",
            ['x = { version = "1", features = [\n  "a", # }]\n  \'b\',\n] }\n'],
        ),
        (
            '[dependencies]\nx.version = "1"\ny = "1"\n"x".features = ["a"]\n',
            "dotted",
            ['x.version = "1"\n', '"x".features = ["a"]\n'],
        ),
        ("[dependencies]\r\nx.workspace = true\r\ny = '1'\r\n", "dotted", ["x.workspace = true\r\n"]),
        (
            "[dependencies.\"x\"]\nversion = '1'\n# inside\npath = '../x'\n\n# of what follows\n[features]\n",
            "table",
            ["[dependencies.\"x\"]\nversion = '1'\n# inside\npath = '../x'\n\n"],
        ),
        ("[features]\n\n[dependencies.x]\nversion = '1'\n\n", "table", ["\n[dependencies.x]\nversion = '1'\n\n"]),
        ("[target.'cfg(unix)'.dependencies.x]\nversion = '1'", "table", None),
        ("[target.'cfg(unix)']\ndependencies.x = '1'", "string", ["dependencies.x = '1'"]),
        ("[workspace.dependencies]\nx = { version = '1' }\n", "inline", ["x = { version = '1' }\n"]),
    ],
)
def test_what_goes_with_an_entry(below: str, form: str, goes: list[str] | None) -> None:
    text = HEAD + below
    written = entry(text).written
    assert written is not None and written.form == form
    assert goes is None or [text[start:end] for start, end in written.lines] == goes
    left = text
    for start, end in reversed(written.lines):
        left = left[:start] + left[end:]
    assert all(own.key != "x" for own in manifest(left).dependencies)


def test_where_options_stand() -> None:
    """Bytes, not characters; a byte order mark counts."""
    options = "version = '1', default_features = false, features = [\"a\\u0062\", 'ü' # \"no\"\r\n,]"
    text = f'\ufeff{HEAD}# ü\n[dependencies]\n"x" = {{ {options} }}\n'
    own = entry(text)
    assert own.default_features is False and own.features == ("ab", "ü") and own.written is not None
    features = own.written.key("features")
    assert features is not None and own.written.cut(features.span).startswith('features = ["a')
    assert [own.written.cut(item) for item in features.items] == ['"a\\u0062"', "'ü'"]
    assert text.encode()[slice(*features.items[1])] == "'ü'".encode()
    assert own.written.cut(own.written.value) == f"{{ {options} }}" and own.written.cut(own.written.name) == '"x"'
    assert tomllib.loads(own.written.text.decode()) == {
        "x": tomllib.loads(options.replace(", d", "\nd").replace(", f", "\nf"))
    }


def test_default_features_are_none_where_nothing_is_said() -> None:
    text = HEAD + "[dependencies]\nx = '1'\ny = { version = '1', default-features = true }\n"
    assert entry(text).default_features is None and entry(text, "y").default_features is True
    assert entry("[workspace.dependencies]\nx = { version = '1', default-features = false }").default_features is False


def test_entry_in_a_table_in_one_line_is_left_alone() -> None:
    own = entry('dependencies = { x = "1" }\n' + HEAD)
    assert own.written is None and own.version == "1"
