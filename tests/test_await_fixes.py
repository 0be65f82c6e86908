"""The fix of sequential-await: one `Promise.all`, safe only where library functions that read are all there is."""

from __future__ import annotations

import pytest

from slowpath import rulebook, testing
from slowpath.engine import analyse
from slowpath.model.finding import Fix

RULES = [rule for rule in rulebook.load() if rule.id == "sequential-await"]


def fix_of(source: str) -> Fix | None:
    """The fix of the one finding of a file."""
    (finding,) = analyse(testing._texts({"src/a.ts": source.encode()}), RULES).findings
    return finding.fix


def applied(source: str, fix: Fix) -> str:
    text = source.encode()
    for edit in sorted(fix.edits, key=lambda edit: edit.place.span, reverse=True):
        start, end = edit.place.span
        text = text[:start] + edit.text.encode() + text[end:]
    return text.decode()


def test_three_reads_become_one_promise_all() -> None:
    source = """export async function f(id: string) {
  const { name } = await getUser(id);
  const posts = await getPosts(id)
  const [tag] = await getTags();
  return { name, posts, tag };
}
"""
    fix = fix_of(source)
    assert fix is not None and not fix.safe
    assert (
        applied(source, fix)
        == """export async function f(id: string) {
  const [{ name }, posts, [tag]] = await Promise.all([getUser(id), getPosts(id), getTags()]);
  return { name, posts, tag };
}
"""
    )


@pytest.mark.parametrize("body", ["{}", "try {{ {} }} finally {{ close(); }}"])
def test_reading_files_is_safe_outside_a_try(body: str) -> None:
    reads = 'const a = await readFile("a"); const b = await readFile("b"); return [a, b];'
    source = f'import {{ readFile }} from "node:fs/promises";\nexport async function f() {{ {body.format(reads)} }}\n'
    fix = fix_of(source)
    assert fix is not None and fix.safe == (body == "{}")


@pytest.mark.parametrize(
    "between",
    [
        "  // the second needs a moment",
        "  let n = 1;",
    ],
)
def test_something_between_leaves_no_fix(between: str) -> None:
    lines = ["export async function f() {", "  const a = await getA();", between, "  const b = await getB();"]
    assert fix_of("\n".join([*lines, "  return [a, b];", "}", ""])) is None
