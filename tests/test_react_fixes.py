"""Fixes of the memo rules: what goes, what stays, and that the last use of a hook takes its import along."""

from __future__ import annotations

import pytest

from slowpath import rulebook, testing
from slowpath.engine import analyse
from slowpath.fix import applied, chosen

REACT = [rule for rule in rulebook.load() if rule.group == "react"]


def mended(source: str, rule: str, *, unsafe: bool = False) -> str:
    """A file after one round of fixes of one rule."""
    texts = testing._texts({"src/a.tsx": source.encode()})
    report = analyse(texts, [page for page in REACT if page.id == rule])
    fixes = chosen(report, (), unsafe=unsafe).values()
    return applied(report.sources.texts, fixes).get("src/a.tsx", source.encode()).decode()


def test_all_uses_of_a_hook_go_with_its_import() -> None:
    source = """import { useCallback, useState } from "react";
export function A({ save }) {
  const [text, setText] = useState("");
  const clear = useCallback(() => setText(""), []);
  const submit = useCallback(() => save(text), [save, text]);
  return <form onSubmit={submit} onReset={clear} />;
}
"""
    assert (
        mended(source, "needless-use-memo")
        == """import { useState } from "react";
export function A({ save }) {
  const [text, setText] = useState("");
  const clear = () => setText("");
  const submit = () => save(text);
  return <form onSubmit={submit} onReset={clear} />;
}
"""
    )


@pytest.mark.parametrize(
    "body",
    [
        "const f = useCallback((event) => save(event), [save]);",  # TypeScript would miss the type
        "const f = useCallback<Handler>(() => save(), [save]);",
        "const f = useCallback(() => save(), [save, other]);",  # `other` may be used nowhere else
    ],
)
def test_what_might_not_compile_is_left(body: str) -> None:
    source = f"""import {{ useCallback, useId }} from "react";
export function A({{ save, other }}) {{
  {body}
  return <form onSubmit={{f}} />;
}}
"""
    assert mended(source, "needless-use-memo", unsafe=True) == source


def test_a_context_value_is_kept_where_no_part_is_new() -> None:
    source = """import { createContext, useState } from "react";
const Ctx = createContext(null);
export function A({ children, id }) {
  const [open, setOpen] = useState(false);
  const [wide] = useState(false);
  return <Ctx.Provider value={{ id, open, setOpen }}>{wide && children}</Ctx.Provider>;
}
"""
    assert (
        mended(source, "unstable-context-value", unsafe=True)
        == """import { createContext, useMemo, useState } from "react";
const Ctx = createContext(null);
export function A({ children, id }) {
  const [open, setOpen] = useState(false);
  const [wide] = useState(false);
  const value = useMemo(() => ({ id, open, setOpen }), [id, open]);
  return <Ctx.Provider value={value}>{wide && children}</Ctx.Provider>;
}
"""
    )
    early = source.replace("  return <", "  if (wide) return null;\n  return <")
    assert mended(early, "unstable-context-value", unsafe=True) == early
    fresh = source.replace("{ id, open, setOpen }", "{ id, open, setOpen, close: () => setOpen(false) }")
    assert mended(fresh, "unstable-context-value", unsafe=True) == fresh


def test_literals_of_a_prop_become_constants() -> None:
    source = """import { memo } from "react";
const Card = memo(function Card({ style, tags }) { return <p style={style}>{tags.length}</p>; });
// Two of them.
export const A = ({ tags }) => <main><Card style={{ top: 0 }} tags={["a"]} /><Card tags={tags} /></main>;
"""
    assert (
        mended(source, "memo-defeated", unsafe=True)
        == """import { memo } from "react";
const Card = memo(function Card({ style, tags }) { return <p style={style}>{tags.length}</p>; });
const CARD_STYLE: React.ComponentProps<typeof Card>["style"] = { top: 0 };

const CARD_TAGS: React.ComponentProps<typeof Card>["tags"] = ["a"];

// Two of them.
export const A = ({ tags }) => <main><Card style={CARD_STYLE} tags={CARD_TAGS} /><Card tags={tags} /></main>;
"""
    )


def test_a_first_state_moves_into_a_function() -> None:
    source = """import { useState } from "react";
export function A({ rows, saved }) {
  const [open] = useState<string[]>(JSON.parse(saved));
  const [ids] = useState(rows.sort());
  return <p>{open}{ids}</p>;
}
"""
    assert mended(source, "eager-state-init") == source.replace("JSON.parse(saved)", "() => (JSON.parse(saved))")


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ("{ /* a */ useMemo, useState }", "{ /* a */ useState }"),
        ("{ useMemo /* a */, useState }", "{ useState }"),
        ("{ useState, /* a */ useMemo }", "{ useState, /* a */  }"),
        ("{ useState, // a\n  useMemo }", "{ useState, // a\n   }"),
        ("{ useState, useMemo /* a */ }", "{ useState /* a */ }"),
    ],
)
def test_comments_among_imports_do_no_harm(names: str, left: str) -> None:
    source = f"""import {names} from "react";
export function A({{ user }}) {{
  const name = useMemo(() => user.name, [user]);
  return <p>{{name}}</p>;
}}
"""
    changed = source.replace(names, left).replace("useMemo(() => user.name, [user])", "user.name")
    assert mended(source, "needless-use-memo", unsafe=True) == changed


@pytest.mark.parametrize(
    "body",
    [
        "if (!rows) rows = [];\n  const [ids] = useState(rows.map((row) => row.id));",
        "invariant(rows.list);\n  const [ids] = useState(rows.list.map((row) => row.id));",
        "const [ids] = useState(...[rows.map((row) => row.id)]);",
    ],
)
def test_a_first_state_of_narrowed_types_stays(body: str) -> None:
    source = f"""import {{ useState }} from "react";
export function A({{ rows }}) {{
  {body}
  return <p>{{ids}}</p>;
}}
"""
    assert mended(source, "eager-state-init", unsafe=True) == source


def test_a_function_by_its_name_may_do_anything() -> None:
    source = """import { useState } from "react";
export function A({ rows }) {
  const [ids] = useState(rows.map(count));
  return <p>{ids}</p>;
}
"""
    assert mended(source, "eager-state-init") == source
    assert mended(source.replace("map(count)", "filter(Boolean)"), "eager-state-init") != source


def test_an_import_that_another_fix_needs_stays() -> None:
    source = """import { createContext, useMemo, useState } from "react";
const Ctx = createContext(null);
export function A({ children, user }) {
  const name = useMemo(() => user.name, [user]);
  const [open, setOpen] = useState(false);
  return <Ctx.Provider value={{ open, setOpen }}>{children}{name}</Ctx.Provider>;
}
"""
    report = analyse(testing._texts({"src/a.tsx": source.encode()}), REACT)
    changed = applied(report.sources.texts, chosen(report, (), unsafe=True).values())["src/a.tsx"].decode()
    assert ("useMemo," in changed) == ("useMemo(" in changed)


def test_a_constant_does_not_join_the_line_above() -> None:
    source = """import { memo } from "react"
const Card = memo(function Card({ style }) { return <p style={style} /> })
const top = String(1) // trailing
export const A = ({ on }) => <main><Card style={{ top: 0 }} /><Card style={top} /></main>
"""
    changed = mended(source, "memo-defeated", unsafe=True)
    assert "const top = String(1) // trailing\nconst CARD_STYLE" in changed


@pytest.mark.parametrize(
    ("head", "inside"),
    [
        ('import { useMemo } from "./own";', ""),
        ("", "const useMemo = (make) => make();"),
        ("function useMemo() {}", ""),
    ],
)
def test_a_hook_of_the_same_name_is_left(head: str, inside: str) -> None:
    source = f"""{head}
export function A({{ user }}) {{
  {inside}
  const name = useMemo(() => user.name, [user]);
  return <p>{{name}}</p>;
}}
"""
    assert mended(source, "needless-use-memo", unsafe=True) == source
