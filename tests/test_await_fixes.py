"""The fixes of the await rules: one `Promise.all`, and a guard first; safe only where a library reads and no more."""

from __future__ import annotations

import pytest

from slowpath import rulebook, testing
from slowpath.engine import analyse
from slowpath.model.finding import Fix

RULES = {rule.id: rule for rule in rulebook.load()}


def fix_of(source: str, rule: str = "sequential-await") -> Fix | None:
    """The fix of the one finding of a file."""
    (finding,) = analyse(testing._texts({"src/a.ts": source.encode()}), [RULES[rule]]).findings
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


def between(*lines: str) -> str:
    head = ["export async function f(id: string) {", "  const a = await getA();", *lines, "  const b = await getB();"]
    return "\n".join([*head, "  return [a, b];", "}", ""])


@pytest.mark.parametrize(
    "line",
    [
        "  let n = 1;",
        "  const n = count(a);",
        "  note(id);",
        "  if (id) { note(id); }",
        "  if (id) return; else note(id);",
        "  const n = (id = 'x');",
    ],
)
def test_what_an_await_cannot_pass_leaves_no_fix(line: str) -> None:
    assert fix_of(between(line)) is None


def test_a_comment_between_stays_by_its_await() -> None:
    source = between("  // the second needs a moment")
    fix = fix_of(source)
    assert fix is not None and not fix.safe
    assert "  const [a, b] = await Promise.all([getA(),\n  // the second needs a moment\n  getB()]);\n" in applied(
        source, fix
    )


def test_the_first_moves_down_over_constants_and_guards() -> None:
    source = between("", "  const { key } = options(id);", "  if (!key) {", "    throw new Error(id);", "  }", "")
    fix = fix_of(source)
    assert fix is not None and not fix.safe
    assert applied(source, fix) == (
        "export async function f(id: string) {\n  const { key } = options(id);\n"
        "  if (!key) {\n    throw new Error(id);\n  }\n\n"
        "  const [a, b] = await Promise.all([getA(), getB()]);\n  return [a, b];\n}\n"
    )


def test_types_are_kept_where_all_are_said() -> None:
    source = "export async function f() {\n  const a: A | null = await getA();\n  const b: B = await getB<B>(1);\n}\n"
    fix = fix_of(source)
    assert fix is not None
    assert "  const [a, b]: [A | null, B] = await Promise.all([getA(), getB<B>(1)]);\n" in applied(source, fix)
    assert fix_of(source.replace(": B =", " =")) is None


def test_results_that_nobody_takes() -> None:
    source = "export async function f(c: Client) {\n  await c.prefetchA();\n  await c.prefetchB()\n}\n"
    fix = fix_of(source)
    assert fix is not None
    assert "  await Promise.all([c.prefetchA(), c.prefetchB()])\n" in applied(source, fix)


GUARDED = """import { readFile } from "node:fs/promises";
export async function f(name: string, dry: boolean) {
  const text = await readFile(name);

  if (TEST) return null;
  return await parse(text);
}
"""


@pytest.mark.parametrize(("test", "safe"), [("dry", True), ("name.includes('x')", False)])
def test_the_guard_comes_first(test: str, safe: bool) -> None:
    source = GUARDED.replace("TEST", test)
    fix = fix_of(source, "await-before-guard")
    assert fix is not None and fix.safe == safe
    body = f"  if ({test}) return null;\n  const text = await readFile(name);\n  return await parse(text);\n"
    assert f"boolean) {{\n{body}}}\n" in applied(source, fix)


def test_a_remark_keeps_the_await_where_it_is() -> None:
    source = GUARDED.replace("TEST", "dry").replace("  const text", "  // the text\n  const text")
    assert fix_of(source, "await-before-guard") is None


LOOP = """import { api, unlink } from "./shelf";
export async function f(ids: Set<string>, all: string[]) {
  const found: Item[] = [];
  for (const id of ids) {
    BODY
  }
  return found;
}
"""


@pytest.mark.parametrize(
    ("body", "batch"),
    [
        ("await unlink(id);", "    await Promise.all(all.slice(at, at + 10).map((id) => unlink(id)));"),
        (
            "found.push(await api.items.load(id, all));",
            "    found.push(...(await Promise.all(items.slice(at, at + 10).map((id) => api.items.load(id, all)))));",
        ),
    ],
)
def test_ten_rounds_at_a_time(body: str, batch: str) -> None:
    fix = fix_of(LOOP.replace("BODY", body), "await-in-loop")
    assert fix is not None and not fix.safe
    changed = applied(LOOP.replace("BODY", body), fix)
    assert f"  for (let at = 0, {'items' if 'items' in batch else 'all'} = Array.from(ids);" in changed
    assert batch in changed and changed.endswith("  }\n  return found;\n}\n")


@pytest.mark.parametrize(
    "body",
    [
        "// as it says\n    await unlink(id);",
        "await unlink(id, all.length);",
        "await unlink(id, () => 1);",
        "const one = await fetchOne(id); note(one);",
    ],
)
def test_loops_that_do_more_are_left(body: str) -> None:
    assert fix_of(LOOP.replace("BODY", body), "await-in-loop") is None


KEYED = """export async function f(id: string) {
  const HEAD;
  await check({
    user: id,
    teamId: await getTeamId(id),
    access: [{ deskId: await getDeskId(id) }],
  });
  return LAST;
}
"""


def test_properties_are_awaited_before_their_statement() -> None:
    source = KEYED.replace("HEAD", "n = 1").replace("LAST", "n")
    fix = fix_of(source)
    assert fix is not None and not fix.safe
    changed = applied(source, fix)
    assert "  const [teamId, deskId] = await Promise.all([getTeamId(id), getDeskId(id)]);\n  await check({\n" in changed
    assert "    teamId: teamId,\n    access: [{ deskId: deskId }],\n" in changed


def test_a_property_joins_the_await_of_the_statement_before() -> None:
    source = KEYED.replace("HEAD", "org = await getOrg(id)").replace("LAST", "org").replace("await getTeamId(id)", "id")
    fix = fix_of(source)
    assert fix is not None
    assert "  const [org, deskId] = await Promise.all([getOrg(id), getDeskId(id)]);\n" in applied(source, fix)


def test_a_name_that_is_taken_leaves_the_property() -> None:
    assert fix_of(KEYED.replace("HEAD", "deskId = 1").replace("LAST", "deskId")) is None


READ = """import { readFile } from "node:fs/promises";
const state = { on: true };
let at = 0;
export async function f(a: string, b: string, dry: boolean) {
BODY
  return await save(one);
}
"""


@pytest.mark.parametrize("given", ["String(at++)", "next()", "`${at}`", "this.path", "new URL(b)"])
def test_what_a_wait_may_change_is_not_safe(given: str) -> None:
    source = READ.replace(
        "BODY", f"  const one = await readFile(a);\n  const two = await readFile({given});\n  note(two);"
    )
    fix = fix_of(source)
    assert fix is not None and not fix.safe


@pytest.mark.parametrize("own", ["import Promise from 'bluebird';", "class Promise {}", "function g({ Promise }) {}"])
def test_another_promise_leaves_no_fix(own: str) -> None:
    body = "  const one = await readFile(a);\n  const two = await readFile(b);\n  note(two);"
    assert fix_of(f"{own}\n{READ.replace('BODY', body)}") is None


@pytest.mark.parametrize(
    ("guard", "put"),
    [
        (
            "if (dry) {\n    return\n  }\n  [1].forEach(note)",
            "if (dry) {\n    return\n  }\n  const one = await readFile(a);\n  [1].forEach(note)",
        ),
        ("if (dry) return; note()", "if (dry) return;\n  const one = await readFile(a); note()"),
        ("if (dry) return // so\n  note()", "if (dry) return // so\n  const one = await readFile(a)\n  note()"),
    ],
)
def test_without_semicolons_statements_stay_apart(guard: str, put: str) -> None:
    source = READ.replace("BODY", f"  const one = await readFile(a)\n  {guard}")
    fix = fix_of(source, "await-before-guard")
    assert fix is not None and applied(source, fix) == READ.replace("BODY", f"  {put}")


@pytest.mark.parametrize("test", ["!state.on", "state.on) return;\n  if (dry"])
def test_state_of_the_module_may_change_during_the_wait(test: str) -> None:
    source = READ.replace("BODY", f"  const one = await readFile(a);\n  if ({test}) return;")
    fix = fix_of(source, "await-before-guard")
    assert fix is not None and not fix.safe


def test_a_guard_that_calls_what_knows_the_result_stays_behind_it() -> None:
    body = "  const one = await readFile(a);\n  if (dry) return show();\n  function show() { return one; }"
    report = analyse(testing._texts({"src/a.ts": READ.replace("BODY", body).encode()}), [RULES["await-before-guard"]])
    assert not report.findings


@pytest.mark.parametrize(
    "statement",
    [
        "const key = id + 1, both = { org: await getOrg(key), desk: await getDesk(key) };",
        "if (id) return { org: await getOrg(id), desk: await getDesk(id) };",
        "while (id) note({ org: await getOrg(id), desk: await getDesk(id) });",
    ],
)
def test_properties_of_larger_statements_stay(statement: str) -> None:
    source = f"export async function f(id: string) {{\n  {statement}\n  return 1;\n}}\n"
    report = analyse(testing._texts({"src/a.ts": source.encode()}), [RULES["sequential-await"]])
    assert all(finding.fix is None for finding in report.findings)


@pytest.mark.parametrize("pattern", ["{ size = one }", "[two = one]", "two: typeof one", "{ [one]: two }"])
def test_a_pattern_that_names_others_stays_by_itself(pattern: str) -> None:
    body = f"  const one = await readFile(a);\n  const {pattern} = await readFile(a);\n  note();"
    source = READ.replace("BODY", body)
    report = analyse(testing._texts({"src/a.ts": source.encode()}), [RULES["sequential-await"]])
    assert all(finding.fix is None for finding in report.findings)
