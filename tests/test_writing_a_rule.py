"""docs/writing-a-rule.md: its steps run, its tables are complete, and what is wrong with a page is one clear line."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from surface import run, scan, write
from walkthrough import DOCS, fences, walk

from slowpath import page_errors, query, rulebook, testing
from slowpath.model.limiter import Limiter
from slowpath.model.rule import Reach, SinkKind

PAGE = "writing-a-rule.md"
TEXT = (DOCS / PAGE).read_text(encoding="utf-8")
REACH = """+++
severity = "warning"
confidence = "high"
message = "{path} {does}"
[reach]
effect = "asks-flags"
context = "async"
sinks = ["flags::fetch"]
+++
# Flags
## Examples
```rust
pub async fn page() { flags::fetch(1); } //~
```
"""
QUERY = """+++
severity = "note"
confidence = "high"
message = "{object} in `{function}`"
where = [["matches", "object", "console"]]
+++
# Console
```query
(call_expression function: (member_expression object: (identifier) @object)) @primary
```
## Examples
```ts
console.log(1); //~
```
"""
MISTAKES = {
    "no front matter": (REACH.split("+++\n")[2], "starts with TOML front matter"),
    "TOML": (REACH.replace('"warning"', '"warning'), "line 2"),
    "severity": (REACH.replace('"warning"', '"warn"'), "severity: 'warn' is none of error, warning, note"),
    "no message": (REACH.replace("message", "#"), "the key message is missing"),
    "key": (REACH.replace("severity", 'serverity = ""\nseverity'), "unknown key serverity (known: severity, "),
    "key of reach": (REACH.replace("sinks", "sink"), "reach: unknown key sink (known: effect, context, sinks, "),
    "no sinks": (REACH.replace("sinks", "barriers"), "[reach]: no sinks"),
    "text for a list": (REACH.replace('["flags::fetch"]', '"flags::fetch"'), "reach.sinks: expected a list, got text"),
    "context": (REACH.replace('"async"', '"asynch"'), "'asynch' is none of async, handler, loop, per-call"),
    "field": (REACH.replace("{does}", "{way}"), "no field {way} (known: path, "),
    "format": (REACH.replace("{does}", "{does:>999999999}"), "{does} takes neither a format nor a conversion"),
    "attribute": (REACH.replace("{does}", "{does.__class__}"), "no field {does.__class__}"),
    "brace": (REACH.replace("{does}", "{does"), "message: expected '}'"),
    "pattern": (REACH.replace("flags::fetch", "flags.fetch()"), "'flags.fetch()' is no pattern of calls: a::b, "),
    "no title": (REACH.replace("# Flags\n", ""), "needs a title"),
    "where in reach": (REACH.replace("[reach]", 'where = [["not-in-test"]]\n[reach]'), "only a page with a query"),
    "neither": (REACH.replace("[reach]", "[data]"), "neither a [reach] table nor a ```query fence"),
    "node": (QUERY.replace("(call_exp", "(cal_exp"), "query, read as typescript: Invalid node type in its line 1"),
    "language": (QUERY.replace("where", 'language = "ts"\nwhere'), "'ts' is none of rust, typescript, toml"),
    "no primary": (QUERY.replace("@primary", "@all"), "captures no @primary"),
    "regex": (QUERY.replace(")) @", ')) @primary (#match? @primary "(a+)+$")\n; @'), "can hang a scan"),
    "condition": (QUERY.replace('"matches"', '"match"'), "no condition 'match' (known: matches, "),
    "arguments": (QUERY.replace('"object", ', ""), "matches takes 2 arguments after its name, not 1"),
    "capture": (QUERY.replace('"object"', '"callee"'), "captures no @callee (it captures @object, @primary)"),
    "flat where": (QUERY.replace("[[", "[").replace("]]", "]"), "where[0]: expected a list, got text"),
    "two queries": (QUERY.replace("## Ex", "```query\n(identifier) @primary\n```\n## Ex"), "two query fences"),
    "two kinds": (REACH.replace("## Ex", "```query\n(identifier) @primary\n```\n## Ex"), "not both"),
}
EXAMPLES = {
    "no examples": (REACH.partition("## Ex")[0], "no examples: code fences below `## Examples`"),
    "fence": (QUERY.replace("```ts", "```typescript"), "typescript is none of rust, ts, "),
    "unknown rule": (REACH.replace("//~", "//~ falgs"), "//~ falgs: no such rule"),
    "missing": (REACH.replace("flags::fetch(1)", "other::fetch(1)"), "src/lib.rs:1: own missing"),
    "unexpected": (REACH.replace(" //~", ""), "src/lib.rs:1: own unexpected"),
}


def test_every_step_runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    assert walk(PAGE, tmp_path) == 3
    assert [finding["rule"] for finding in scan(tmp_path, "--select", "own")["findings"]] == ["flags-in-async"]


def test_the_first_rule_has_ten_lines() -> None:
    assert "A reach rule in ten lines" in TEXT
    assert len(next(fence for fence in fences(PAGE) if fence.language == "markdown").text.splitlines()) == 10


def test_each_mistake_is_one_clear_line(tmp_path: Path) -> None:
    pages = {f"pages/{mistake.replace(' ', '-').lower()}.md": page for mistake, (page, _) in MISTAKES.items()}
    outcome = run("rules", "test", write(tmp_path, pages) / "pages")
    assert outcome.returncode == 2 and not outcome.stdout
    told = dict(re.findall(r"/([\w-]+)\.md: (.*)", outcome.stderr))
    assert len(told) == len(MISTAKES) == len(outcome.stderr.splitlines())
    for mistake, (_, words) in MISTAKES.items():
        assert words in told[mistake.replace(" ", "-").lower()], mistake


@pytest.mark.parametrize("mistake", EXAMPLES)
def test_examples_that_do_not_hold_are_told_one_by_one(mistake: str, tmp_path: Path) -> None:
    page, words = EXAMPLES[mistake]
    outcome = run("rules", "test", write(tmp_path, {"pages/own.md": page}) / "pages")
    assert outcome.returncode in (1, 2) and words in (outcome.stdout + outcome.stderr)


def test_ids_that_nobody_could_allow_or_that_are_taken(tmp_path: Path) -> None:
    for name, words in (("OwnRule", "lower-case words joined by -"), ("n-plus-one", "slowpath has a rule n-plus-one")):
        outcome = run("rules", "test", write(tmp_path, {f"{name}/{name}.md": REACH}) / name)
        assert outcome.returncode == 2 and words in outcome.stderr and outcome.stderr.count("\n") == 1


def test_a_broken_page_costs_itself_in_a_scan(tmp_path: Path) -> None:
    files = {"slowpath.toml": 'rules = ["pages"]\n', "pages/own.md": REACH.replace("{does}", "{way}"), "a.ts": "f();\n"}
    outcome = run("scan", write(tmp_path, files))
    assert outcome.returncode == 2 and "no field {way}" in outcome.stderr


def test_pages_of_our_own_stand_the_same_checks() -> None:
    own = [rule for rule in rulebook.load() if rule.kind in ("reach", "query")]
    assert len(own) > 7 and not [told for rule in own if (told := page_errors.problem(rule))]


def listed(heading: str, upto: str) -> set[str]:
    """The code in the first column of the tables of a section."""
    section = TEXT.partition(f"\n{heading}")[2].partition(f"\n{upto}")[0]
    return {word for row in re.findall(r"^\| (`.*?) \|", section, re.M) for word in re.findall(r"`([^`]+)`", row)}


def keys(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_tables_hold_all_there_is() -> None:
    assert listed("### Front matter", "### ") == keys(rulebook.Front)
    contexts = set(get_args(Reach.__annotations__["context"])) or {"async", "handler", "loop", "per-call"}
    assert listed("### `[reach]`", "| key of") == keys(Reach) | contexts
    assert listed("| key of", "### ") == keys(SinkKind)
    assert {re.split(r'[\["\]]+', row)[1] for row in listed("### Conditions", "### ")} == set(query.CONDITIONS)
    assert set(query.CONDITIONS) == set(page_errors.CONDITIONS)
    assert listed("### Fields", "### ") == {f"{{{name}}}" for name in page_errors.REACH_FIELDS}
    assert all(f'`"{name}"`' in TEXT for name in get_args(Limiter) if name not in ("load-generator", "inconclusive"))
    assert all(f"`{name}`" in TEXT for name in testing.DEFAULT_NAMES)


def test_every_pattern_of_the_page_is_one() -> None:
    patterns = listed("### Patterns", "### ")
    assert len(patterns) == 8 and all(page_errors.PATTERN.fullmatch(pattern) for pattern in patterns)


def test_fields_of_our_own_pages_are_known() -> None:
    for rule in rulebook.load():
        if rule.kind == "reach":
            used = {field for _, field, _, _ in string.Formatter().parse(rule.message) if field}
            assert used <= set(page_errors.REACH_FIELDS), rule.id
