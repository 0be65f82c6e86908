"""What users of the command rely on: exit codes, scope, settings, formats."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from surface import project, run, scan, write

from slowpath import rulebook

PAGE = """+++
severity = "error"
confidence = "high"
message = "`{callee}` logs on every call"
language = "typescript"
where = [["resolves-to", "callee", "loud.shout"], ["not-matches", "primary", "*quiet*"]]
+++
# Shouting
It costs.
## Instead
Whisper.
## Limits
None.
```query
(call_expression function: (identifier) @callee) @primary
```
## Examples
```ts
import { shout } from "loud";
shout("a"); //~
shout("b"); //~
shout("quiet");
```
"""
REACH = """+++
severity = "warning"
confidence = "high"
message = "`{sink}` blocks `{function}`"
[reach]
effect = "parses"
sinks = ["heavy::parse"]
context = "async"
+++
# Heavy parsing
It costs.
## Instead
Offload it.
## Limits
None.
## Examples
```rust src/lib.rs
pub async fn page() { helper(); } //~
fn helper() { heavy::parse("x"); }
```
"""


@pytest.mark.parametrize("arguments", [["--help"], ["scan", "--help"]])
def test_help_loads_no_grammar(arguments: list[str]) -> None:
    code = f"import sys\nfrom slowpath.cli import cli\ncli.main({arguments}, standalone_mode=False)\n"
    code += "print([name for name in sys.modules if name.startswith(('tree_sitter', 'msgspec', 'sqlglot'))])"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.endswith("[]\n")


def test_exit_codes(tmp_path: Path) -> None:
    root = project(tmp_path)
    assert run("scan", root).returncode == 1
    assert run("scan", root, "--exit-zero").returncode == 0
    assert run("scan", root, "--fail-on", "error").returncode == 0
    assert run("scan", root, "--select", "n-plus-one").returncode == 0
    assert run("scan", root / "missing").returncode == 2
    assert run("scan", root, "--select", "no-such-rule").returncode == 2
    assert run("scan", root, "--format", "xml").returncode == 2


def test_full_output_shows_code_and_what_to_do(tmp_path: Path) -> None:
    text = run("scan", project(tmp_path)).stdout
    assert "--> src/Basket.tsx:4:18" in text
    assert "4 |     const client = new QueryClient();\n  |                    ^^^^^^^^^^^^^^^^^" in text
    assert "= help: Build the client once" in text and "2 findings (2 warning) in 2 files" in text
    assert "\x1b" not in text and "\x1b[" in run("scan", tmp_path, FORCE_COLOR="1").stdout


def test_concise_is_one_line_a_finding(tmp_path: Path) -> None:
    lines = run("scan", project(tmp_path), "--format", "concise").stdout.splitlines()
    assert len(lines) == 3 and lines[0].startswith("src/Basket.tsx:4:18: warning[query-client-per-render] ")


def test_paths_scope_the_report_and_not_the_analysis(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    document = scan(root / "src" / "Shelf.tsx")
    assert [finding["path"] for finding in document["findings"]] == ["src/Shelf.tsx"]
    assert document["stats"]["files"] == 2


def test_settings(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": 'exclude = ["src/Shelf.tsx"]'})
    assert [finding["path"] for finding in scan(root)["findings"]] == ["src/Basket.tsx"]
    write(root, {"slowpath.toml": '[per-file-ignores]\n"Basket.tsx" = ["react"]'})
    assert [finding["path"] for finding in scan(root)["findings"]] == ["src/Shelf.tsx"]
    write(root, {"slowpath.toml": 'ignore = ["query-client-per-render"]'})
    assert scan(root)["findings"] == []


MIGRATIONS = {
    "migrations/2024-01-10-080000_start/up.sql": "CREATE TABLE shops (id SERIAL PRIMARY KEY, name TEXT NOT NULL);",
    "migrations/2024-03-01-080000_a/up.sql": "CREATE INDEX shops_a ON shops (name);",
    "migrations/2024-06-01-080000_b/up.sql": "CREATE INDEX shops_b ON shops (lower(name));",
    "numbered/migrations/0002_start.sql": "CREATE TABLE posts (id SERIAL PRIMARY KEY, name TEXT NOT NULL);",
    "numbered/migrations/0010_c.sql": "CREATE INDEX posts_c ON posts (name);",
    "numbered/migrations/20240601080000_d.sql": "CREATE INDEX posts_d ON posts (lower(name));",
}


@pytest.mark.parametrize(
    ("start_after", "found"),
    [
        ("", ["b", "d"]),
        ("start-after = 1", ["a", "b", "c", "d"]),
        ("start-after = 10", ["a", "b", "d"]),
        ('start-after = "2024-03-01"', ["b", "d"]),
        ('start-after = "2024-03-01-080000"', ["b", "d"]),
        ('start-after = "20240301080000_a"', ["b", "d"]),
        ('start-after = "2024-06-01-080000_b"', []),
        ('start-after = "2024-06-02"', []),
    ],
)
def test_migrations_that_have_run_are_silent(tmp_path: Path, start_after: str, found: list[str]) -> None:
    root = write(tmp_path, {**MIGRATIONS, "slowpath.toml": f"[migrations]\n{start_after}"})
    document = scan(root, "--select", "index-not-concurrent")
    names = [re.findall(r"_([a-d])\b", finding["path"])[-1] for finding in document["findings"]]
    assert names == found
    assert all(("start-after" in finding["message"]) == (not start_after) for finding in document["findings"])


@pytest.mark.parametrize(
    "text",
    [
        "selekt = []",
        '[migrations]\nstart-after = "yesterday"',
        "[migrations]\nstart = 3",
        "select = 3",
        "select = [",
        'ignore = ["nope"]',
        'rules = ["../elsewhere"]',
        'exclude = ["a*a*a*a*a*a*a*a*a*"]',
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path, text: str) -> None:
    outcome = run("scan", write(project(tmp_path), {"slowpath.toml": text}))
    assert outcome.returncode == 2 and len(outcome.stderr.splitlines()) == 1
    assert ("nope" if "nope" in text else "slowpath.toml") in outcome.stderr
    assert "selekt" not in text or "selekt" in outcome.stderr


def test_own_pages(tmp_path: Path) -> None:
    root = write(tmp_path, {"pages/own/shouting.md": PAGE, "pages/own/heavy-parse.md": REACH})
    outcome = run("rules", "test", root / "pages")
    assert outcome.returncode == 0 and "2 rules, 2 examples, 0 failed" in outcome.stdout, outcome
    write(root, {"pages/own/shouting.md": PAGE.replace('shout("b"); //~', 'shout("b");')})
    outcome = run("rules", "test", root / "pages")
    assert outcome.returncode == 1 and "src/index.ts:3: shouting unexpected" in outcome.stdout
    write(root, {"slowpath.toml": 'rules = ["pages"]', "a.ts": 'import { shout } from "loud";\nshout(1);\n'})
    assert [finding["rule"] for finding in scan(root)["findings"]] == ["shouting"]


def test_explain_and_rules() -> None:
    listed = run("rules").stdout
    assert all(rule.id in listed and rule.title in listed for rule in rulebook.load())
    assert "## Instead" in run("explain", "query-client-per-render").stdout
    assert run("explain", "nope").returncode == 2


def test_reports_go_where_they_are_asked_to(tmp_path: Path) -> None:
    root, out = project(tmp_path / "p"), tmp_path / "out.json"
    sarif = tmp_path / "out.sarif"
    outcome = run("scan", root, "--format", "json", "--output-file", out, "--sarif-output", sarif)
    assert outcome.stdout == "" and len(json.loads(out.read_text())["findings"]) == 2
    assert len(json.loads(sarif.read_text())["runs"][0]["results"]) == 2
    assert run("scan", root, "--output-file", tmp_path / "no" / "x").returncode == 2


def test_allows(tmp_path: Path) -> None:
    allow = "// slowpath: allow(query-client-per-render)"
    root = project(tmp_path)
    basket = root / "src/Basket.tsx"
    text = basket.read_text()
    basket.write_text(text.replace("QueryClient();", f"QueryClient(); {allow} one visitor"))
    assert [finding["path"] for finding in scan(root)["findings"]] == ["src/Shelf.tsx"]
    basket.write_text(text.replace("  const", f"  {allow} one visitor\n  const"))
    assert [finding["path"] for finding in scan(root)["findings"]] == ["src/Shelf.tsx"]
    basket.write_text(text.replace("  const", f"  {allow}\n  const"))
    assert {finding["rule"] for finding in scan(root)["findings"]} == {
        "allow-without-reason",
        "query-client-per-render",
    }
    basket.write_text(f"{allow} gone\n" + text.replace("new QueryClient()", "shared"))
    assert {finding["rule"] for finding in scan(root)["findings"]} == {"unused-allow", "query-client-per-render"}
    assert scan(root, "--select", "unused-allow")["findings"] == []


def test_an_interrupt_is_no_finding(tmp_path: Path) -> None:
    """click's own exit code for it is 1, which tells of findings and of failed gates."""
    os.mkfifo(tmp_path / "part.json")
    running = subprocess.Popen(
        [sys.executable, "-m", "slowpath", "measure", "join", tmp_path / "part.json", "-o", tmp_path / "e.json"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with (tmp_path / "part.json").open("w"):  # it reads, so it runs
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert (running.returncode, said) == (130, "slowpath: interrupted\n")


def test_every_option_and_command_has_its_section() -> None:
    from slowpath.commands import scan

    told = run("scan", "--help").stdout
    named = [name for names in scan.SECTIONS.values() for name in names]
    assert len(named) == len(set(named))
    for parameter in scan.command.params:
        if parameter.param_type_name == "option":
            assert max(parameter.opts, key=len) in named, "name it in scan.SECTIONS"
    assert [title for title in scan.SECTIONS if f"\n{title}:\n" in told] == list(scan.SECTIONS)
    top = run("--help").stdout
    assert "\nFind what is slow:\n" in top and "\nMeasure what it costs:\n" in top and "\nCommands:\n" not in top
