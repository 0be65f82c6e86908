"""Hostile and odd Rust costs itself only: no rule fails, no file is lost, nothing grows faster than its input."""

from __future__ import annotations

import random
import time

import pytest

from slowpath import engine, rulebook
from slowpath.discover import Discovery
from slowpath.extract import extract
from slowpath.model.report import Report
from slowpath.model.rust import RustFacts

RULES = [rule for rule in rulebook.load() if rule.path.split("/")[-2] in ("rust", "diesel", "sql")]
DEEP = 5_000
LONG = 2_000
SECONDS = 6.0
"""Most cases take less than a second; what is quadratic takes minutes."""


def scan(**files: str) -> Report:
    """The report on sources by module name; asserts that nothing failed and that time was short."""
    texts = sorted((f"src/{name}.rs", "rust", text.encode()) for name, text in files.items())
    started = time.process_time()
    report = engine.analyse(Discovery(texts, []), RULES, min_confidence="low")
    assert time.process_time() - started < SECONDS
    assert not [t for t in report.troubles if t.internal or "skipped" in t.message]
    return report


NESTED = {
    "blocks": ("{", "}"),
    "parentheses": ("(", ")"),
    "closures": ("|x| ", ""),
    "calls": ("g(|x| ", ")"),
    "conditions": ("if a { ", "}"),
    "arms": ("match a { _ => ", "}"),
    "references": ("&", ""),
    "sums": ("1 + ", ""),
    "macros": ("m!(", ")"),
    "lists": ("vec![f(), ", "]"),
    "types": ("a as Vec<", ">"),
    "functions": ("fn a() { ", "}"),
}
CHAINS = {"methods": ".map(|x| x.y)", "awaits": ".m().await?", "fields": ".a", "tries": "?", "indexes": "[0]"}


@pytest.mark.parametrize("kind", NESTED)
def test_deep_nesting_keeps_the_rest_of_the_file(kind: str) -> None:
    opening, closing = NESTED[kind]
    body = f"{opening * DEEP}1{closing * DEEP}"
    scan(main=f"fn main() {{ {body}; }}\nasync fn after() {{ std::fs::read(a); }}")


@pytest.mark.parametrize("kind", CHAINS)
def test_chains_of_any_length(kind: str) -> None:
    report = scan(
        main=f"use axum::x; pub async fn f() {{ let a = v{CHAINS[kind] * DEEP}; std::fs::read(a); }} fn main() {{}}"
    )
    assert [finding.rule for finding in report.findings] == ["blocking-in-async"]


LINES = {
    "bindings": "let a = a.clone(); a.load(conn);",
    "loops": "for x in v.iter() { x.load(conn); }",
    "closures": "v.iter().map(|x| x.load(conn));",
    "tasks": "tokio::task::spawn_blocking(move || { std::fs::read(x); }).await;",
    "guards": "let a = m.lock().unwrap(); drop(a); g().await;",
    "reads": "let a = load(&pool, 1).await;",
    "branches": "if let Some(y) = x { } else { y.load(conn); }",
    "look-ups": "cache.get(x); x.load(conn);",
}


@pytest.mark.parametrize("kind", LINES)
def test_long_functions(kind: str) -> None:
    load = 'async fn load(p: &Pool, i: i64) -> u8 { sqlx::query("select 1").fetch_one(p).await }'
    scan(main=f"use axum::x; {load} pub async fn f() {{ {LINES[kind] * LONG} }} fn main() {{}}")


def test_long_chains_beside_each_other() -> None:
    line = f"let a = v{'.m()' * DEEP}.await;"
    scan(main=f"use axum::x; async fn f() {{ {line * 3} }} fn main() {{}}")


def test_chains_of_functions() -> None:
    calls = "".join(f"pub async fn g{i}() {{ g{i + 1}().await }}\n" for i in range(LONG))
    helpers = "".join(f"fn f{i}<F: FnOnce()>(g: F) {{ f{i + 1}(g) }}\n" for i in range(LONG))
    ends = f'pub async fn g{LONG}() {{ f0(|| std::fs::read("a")) }} fn f{LONG}<F>(g: F) {{ spawn_blocking(g) }}'
    scan(main=f"use axum::x; {calls}{helpers}{ends} fn main() {{ g0(); }}")


@pytest.mark.parametrize("name", ["rows", "rows{}"])
def test_many_loads_in_one_function(name: str) -> None:
    line = 'let ROWS = sqlx::query("SELECT a FROM t").fetch_all(pool).await?; let n{} = ROWS.len();'.replace(
        "ROWS", name
    )
    body = "".join(line.replace("{}", str(i)) for i in range(1000))
    report = scan(main=f"use axum::x; use sqlx::PgPool; pub async fn f(pool: &PgPool) {{ {body} }} fn main() {{}}")
    assert sum(finding.rule == "load-then-discard" for finding in report.findings) == 1000


def test_uses_of_many_lists_are_read_at_once() -> None:
    lines = "".join(f"let rows{i} = q.load(c)?; let n{i} = rows{i}.len();\n" for i in range(4_000))
    started = time.process_time()
    facts = extract("rust", f"fn f() {{ {lines} }}".encode())
    assert time.process_time() - started < SECONDS
    assert isinstance(facts, RustFacts)
    assert [len(local.uses) for local in facts.code.fns[0].locals] == [1, 0] * 4_000


QUERY = 'sqlx::query("SELECT a FROM t WHERE id = $1").bind(id).fetch_one(pool).await?;'


def test_chains_of_functions_that_ask() -> None:
    """However deep they are, what is asked twice at their end is found."""
    asking = "".join(f"async fn g{i}(pool: &PgPool, id: i32) {{ g{i + 1}(pool, id).await?; }}\n" for i in range(LONG))
    last = f"pub async fn g{LONG}(pool: &PgPool, id: i32) {{ {QUERY} {QUERY} }}"
    report = scan(main=f"use axum::x; use sqlx::PgPool; {asking}{last} fn main() {{}}")
    assert [finding.rule for finding in report.findings] == ["repeated-query"]


def test_long_statements_that_differ_where_they_are_cut() -> None:
    for size, found in ((300, ["repeated-query"]), (500, [])):
        asks = [f'sqlx::query("SELECT {"a" * size} FROM t WHERE id = 1").fetch_one(pool).await?;'] * 2
        if not found:
            asks[1] = asks[1].replace("= 1", "= 2")
        report = scan(main=f"use axum::x; pub async fn f(pool: &PgPool) {{ {' '.join(asks)} }} fn main() {{}}")
        assert [finding.rule for finding in report.findings if finding.rule == "repeated-query"] == found


def test_what_is_asked_does_not_depend_on_who_is_read_first() -> None:
    """Two functions that call each other, in either order, and one that comes to the query through both."""
    head = "use axum::x; use sqlx::PgPool; fn main() {}\n"
    f = f"async fn f(pool: &PgPool, id: i32) {{ {QUERY} g(pool, id).await?; }}\n"
    g = "async fn g(pool: &PgPool, id: i32) { f(pool, id).await?; }\n"
    found = []
    for text in (f + g, g + f):
        report = scan(main=head + text)
        found.append(sorted(finding.message for finding in report.findings if finding.rule == "repeated-query"))
    assert found[0] == found[1]
    assert found[0]


def test_functions_that_call_each_other_many_times() -> None:
    """120 calls of a function with 120 calls, and so on."""
    calls = "".join(
        f"pub async fn g{level}(pool: &PgPool, id: i32) {{ {f'g{level + 1}(pool, id).await?;' * 120} }}\n"
        for level in range(3)
    )
    asks = "".join(QUERY.replace("$1", str(i)).replace(".bind(id)", "") for i in range(120))
    scan(main=f"use axum::x; use sqlx::PgPool; {calls} async fn g3(pool: &PgPool, id: i32) {{ {asks} }} fn main() {{}}")


def test_traits_with_many_impls() -> None:
    impls = "".join(
        f'struct S{i}; impl T for S{i} {{ fn go(&self, t: &dyn T) {{ t.go(t); std::fs::read("a"); }} }}\n'
        for i in range(500)
    )
    report = scan(
        main="use axum::x; fn main() {} trait T { fn go(&self, t: &dyn T); } pub async fn f(t: Arc<dyn T>) { t.go(t); }"
        + impls
    )
    assert len(report.findings) == 1


CYCLES = {
    "uses": "pub use a::x as b; pub use b as a; pub use crate::d as c; pub use crate::c as d; fn f() { a(); c::e(); }",
    "globs": "mod a { use super::*; mod b { use super::*; use crate::a::*; use crate::*; fn f() { z(); q::r(); } } }",
    "aliases": "type A = B; type B = A; async fn f(a: A) { a.load(conn); A::new().y(); }",
    "wide aliases": "".join(f"type A{i} = ({f'A{i + 1},' * 8});" for i in range(40))
    + "fn f(a: A0) { a.0.load(conn); }",
    "generics": "".join(f"type A{i}<T> = A{i + 1}<({'T,' * 8})>;" for i in range(40))
    + "fn f(a: A0<u8>) { a.load(c); }",
    "recursion": "async fn f(n: u8) { g(n).await; h(n); } async fn g(n: u8) { f(n).await } fn h(n: u8) { k(n) } "
    'fn k(n: u8) { h(n); std::fs::read("a"); }',
    "derefs": "struct A; struct B; impl Deref for A { type Target = B; } impl Deref for B { type Target = A; } "
    "async fn f(a: A) { a.x(); a.y.z(); }",
    "constructors": "fn a() -> B { b() } fn b() -> B { a() } async fn f() { a().c(); b().d(); }",
    "macros": "macro_rules! m { () => { n!() } } macro_rules! n { () => { m!() } } async fn a() { m!(); }",
    "files": '#[path="main.rs"] mod me; #[path="../../x.rs"] mod out; include!("main.rs"); include!("/x"); mod gone;',
}


@pytest.mark.parametrize("kind", CYCLES)
def test_cycles_end(kind: str) -> None:
    scan(main=CYCLES[kind] + " fn main() {}")


def test_what_only_the_compiler_sees() -> None:
    """Missing modules, modules and functions from macros, crates of procedural macros: what is there is read."""
    report = scan(
        main="use axum::x; mod gone; mod odd; use gone::helper; made!(); routes! { fn page() {} } "
        "#[derive(Made)] struct A; pub async fn f(a: A) { helper(); odd::x(); made::y(); a.made(); std::fs::read(1); } "
        "macro_rules! made { () => { mod made { pub fn y() { std::fs::read(2); } } } } fn main() {}",
        odd="#[proc_macro] pub fn x(input: TokenStream) -> TokenStream { quote! { fn y() { #z } }.into() }",
    )
    assert [finding.rule for finding in report.findings] == ["blocking-in-async"]


def test_a_file_of_twenty_thousand_lines() -> None:
    parts = 4_000
    lines = (
        f"pub async fn page{i}(state: State) {{\n    let x = help{i}(&state);\n    help{(i * 7) % parts}(x);\n}}\n"
        f"fn help{i}(s: &State) -> u8 {{ s.m.lock(); {'std::fs::read(s.p);' if i % 10 == 0 else '1'} }}"
        for i in range(parts)
    )
    text = "use axum::x;\n" + "\n".join(lines) + "\nfn main() {}"
    assert text.count("\n") > 19_000
    report = scan(main=text)
    assert sum(finding.rule == "blocking-in-async" for finding in report.findings) == parts / 10


ODD = [
    "",
    "\0",
    "fn main() {\r\n}\r\n",
    "async fn größe(é: Ü) { é.load(conn).await; }",
    "async fn f() { #3.x(); |2.y(); $1?; ~2; }",
]
ODD += [
    "fn f() { for x in L[0] { x.load(conn) } for y in vec![a, b][0] { y.load(conn) } for z in u$v::w { z.load(c) } }"
]
ODD += [
    "macro_rules! s {} impl<> for {} fn () {} fn g<T: >(, a) -> { let = 3; match {} for x in {} if let = {} } use ;"
]


@pytest.mark.parametrize("source", ODD)
def test_odd_texts(source: str) -> None:
    scan(main=source)


def test_damaged_sources() -> None:
    pages = [page for rule in RULES for page in rule.page.split("```rust")[1:]]
    marks = "{ } ( ) [ ] < > ; | & ? .await L[0] $a #3 r#f 'a async move vec![a][0] m!( \0 é \" /* // :: ..".split(" ")
    chance = random.Random(7)
    for _ in range(300):
        text = chance.choice(pages).partition("```")[0]
        for _ in range(4):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(marks) + text[at + chance.randrange(20) :]
        scan(main=text)
