"""What a name in one file means in another, and which files a browser gets."""

from __future__ import annotations

import pytest

from slowpath.discover import Discovery, language_of
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.program.web import Declaration, External, WebProgram
from slowpath.program.weights import UNKNOWN, sizes, weigh


def web(**files: str) -> WebProgram:
    """The front-end program of a project, given as text by path."""
    found = [(path, language_of(path), text.encode()) for path, text in sorted(files.items())]
    facts, _, _ = facts_of(Discovery([(p, language, s) for p, language, s in found if language], []), [], 1, None)
    return link(facts).web


MONOREPO = {
    "packages/ui/package.json": '{"name": "@acme/ui", "main": "dist/index.js",'
    ' "exports": {".": {"import": "./dist/index.js"}, "./icons/*": "./src/icons/*.tsx"}}',
    "packages/ui/src/index.ts": 'export * from "./Button"; export { default as Card, help as h } from "./Card";'
    ' export * as all from "./Button";',
    "packages/ui/src/Button.tsx": 'export const Button = () => null; export * from "./index";',
    "packages/ui/src/Card.tsx": "function Card() {} export function help() {} export default memo(Card);",
    "packages/ui/src/icons/Star.tsx": "export default function Star() {}",
    "apps/web/package.json": '{"name": "web", "imports": {"#lib/*": "./lib/*.ts"}}',
    "apps/web/tsconfig.base.json": '{"compilerOptions": {/* all */ "baseUrl": "src", "paths": {"@/*": ["*"],}}}',
    "apps/web/tsconfig.json": '{"extends": "./tsconfig.base"}',
    "apps/web/lib/x.ts": "const a = 1; export { a as b };",
    "apps/web/src/util.ts": "export enum E { A } export class K {}",
    "apps/web/src/main.tsx": """
        import React from "react"; import { Button, Card, h, all } from "@acme/ui";
        import Star from "@acme/ui/icons/Star"; import { b } from "#lib/x"; import { E } from "@/util";
        import { K } from "util.js"; import * as U from "./util.js"; import { Missing } from "./nope"; const Own = 1;
    """,
}


@pytest.mark.parametrize(
    ("name", "path", "declared"),
    [
        ("Button", "packages/ui/src/Button.tsx", "Button"),
        ("Card", "packages/ui/src/Card.tsx", "default"),
        ("h", "packages/ui/src/Card.tsx", "help"),
        ("all.Button", "packages/ui/src/Button.tsx", "Button"),
        ("Star", "packages/ui/src/icons/Star.tsx", "Star"),
        ("b", "apps/web/lib/x.ts", "a"),
        ("E", "apps/web/src/util.ts", "E"),
        ("K", "apps/web/src/util.ts", "K"),
        ("U.K", "apps/web/src/util.ts", "K"),
        ("Own", "apps/web/src/main.tsx", "Own"),
    ],
)
def test_names_lead_to_their_declaration(name: str, path: str, declared: str) -> None:
    target = web(**MONOREPO).resolve("apps/web/src/main.tsx", name)
    assert isinstance(target, Declaration) and (target.path, target.name) == (path, declared)


def test_names_of_packages_and_unknown_names() -> None:
    program = web(**MONOREPO)
    assert program.resolve("apps/web/src/main.tsx", "React.memo") == External("react", "memo", "react")
    assert program.resolve("apps/web/src/main.tsx", "Missing") is None
    assert program.resolve("apps/web/src/main.tsx", "Nowhere") is None


def test_files_that_export_all_of_each_other_end() -> None:
    names = [f"m{number}" for number in range(30)]
    files = {f"{name}.ts": "".join(f'export * from "./{other}";' for other in names) for name in names}
    program = web(**files, **{"a.ts": 'import { gone } from "./m0";'})
    assert program.resolve("a.ts", "gone") is None


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("next.config.mjs", "export default { reactCompiler: true }", "on"),
        ("next.config.mjs", "// reactCompiler: true\nexport default { experimental: { reactCompiler: false } }", ""),
        (
            "vite.config.ts",
            'export default { plugins: [react({ babel: { plugins: ["babel-plugin-react-compiler"] } })] }',
            "on",
        ),
        (
            "babel.config.js",
            'module.exports = { plugins: [["babel-plugin-react-compiler", { compilationMode: "annotation" }]] }',
            "annotation",
        ),
        ("eslint.config.js", 'import compiler from "eslint-plugin-react-compiler"; export default [compiler]', ""),
        ("src/flags.ts", "export const flags = { reactCompiler: true }", ""),
        ("vite.config.ts", "export default { plugins: [babel({ presets: [reactCompilerPreset()] })] }", "on"),
        ("app.json", '{"expo": {"experiments": {"reactCompiler": true}}}', "on"),
        ("app.json", '{"expo": {"experiments": {"reactCompiler": false}}}', ""),
        (".babelrc", '{"plugins": ["babel-plugin-react-compiler"]}', "on"),
        ("babel.config.json", '{"overrides": [{"test": "./lib/**", "plugins": ["babel-plugin-react-compiler"]}]}', ""),
        (
            "babel.config.json",
            '{"overrides": [{"test": "./src/**", "plugins": ["babel-plugin-react-compiler"]}]}',
            "on",
        ),
        (
            "next.config.mjs",
            'export default { experimental: { reactCompiler: { compilationMode: "annotation" } } }',
            "annotation",
        ),
        (
            "babel.config.js",
            'module.exports = { plugins: [["babel-plugin-react-compiler", { sources: ["src/b/"] }]] }',
            "",
        ),
        (
            "babel.config.js",
            'module.exports = { overrides: [{ test: /lib\\/x/, plugins: ["babel-plugin-react-compiler"] }, {}] }',
            "",
        ),
        (
            "babel.config.js",
            'module.exports = { plugins: [["babel-plugin-react-compiler",'
            ' { sources: (name) => name.indexOf("src/") !== -1 || name.includes("lib") }]] }',
            "on",
        ),
        (
            "babel.config.js",
            'module.exports = { plugins: [["babel-plugin-react-compiler", { sources: (n) => !n.includes("b") }]] }',
            "on",
        ),
    ],
)
def test_react_compiler_is_on_by_configuration_only(name: str, text: str, answer: str) -> None:
    manifest = '{"devDependencies": {"babel-plugin-react-compiler": "1.0.0"}}'
    program = web(**{"package.json": manifest, name: text, "src/a.tsx": "export const A = 1;"})
    assert program.react_compiler("src/a.tsx") == answer


def test_a_file_is_for_the_server_if_only_server_code_imports_it() -> None:
    program = web(
        **{
            "package.json": '{"dependencies": {"next": "16.0.0"}}',
            "src/app/page.tsx": 'import { View } from "../View"; import { rows } from "../rows";'
            " export default () => <View rows={rows()} />;",
            "src/app/api/rows/route.ts": 'import { rows } from "../../../rows"; import { both } from "../../../both";'
            " export const GET = () => both(rows());",
            "src/View.tsx": '"use client"; import { both } from "./both"; export const View = () => both();',
            "src/rows.ts": "export const rows = () => [];",
            "src/both.ts": "export const both = () => null;",
            "src/View.test.tsx": 'import { rows } from "./rows"; rows();',
        }
    )
    kinds = {path: program.kind(path) for path in program.modules}
    assert kinds["src/rows.ts"] == kinds["src/app/api/rows/route.ts"] == "server"
    assert kinds["src/both.ts"] == kinds["src/View.tsx"] == "client" and kinds["src/View.test.tsx"] == "test"
    assert program.loads_first("src/View.tsx") and program.ships("src/both.ts")
    assert not program.ships("src/app/page.tsx") and not program.ships("src/rows.ts")


def test_what_an_entry_weighs_counts_shared_packages_once_and_only_the_names_in_use() -> None:
    program = web(
        **{
            "package.json": '{"dependencies": {"react": "19.0.0", "date-fns": "4.0.0", "example-unknown": "1.0.0"}}',
            "src/main.tsx": 'import { createRoot } from "react-dom/client"; import { format } from "date-fns";'
            ' import "./a"; const later = () => import("./b"); createRoot(document.body).render(format(later));',
            "src/a.tsx": 'import x from "example-unknown"; import "./plain.css"; import "reset.css"; x();',
            "src/b.tsx": 'import * as all from "date-fns"; export default all;',
        }
    )
    first = program.first_load_of("src/main.tsx")
    weight = weigh(program, first)
    assert first == {"src/main.tsx", "src/a.tsx"} and weight.unknown == ("example-unknown",)
    assert weight.packages["example-unknown"] == UNKNOWN and "reset.css" not in weight.packages
    assert weight.packages["react-dom"] > 100 and weight.packages["date-fns"] == sizes()["date-fns"].first
    later = weigh(program, {"src/b.tsx"})
    assert later.packages["date-fns"] == sizes()["date-fns"].kb > weight.packages["date-fns"]
    assert 0 < later.kilobytes - later.packages["date-fns"] < 0.1


def test_the_table_of_sizes_adds_up() -> None:
    assert len(sizes()) > 150
    for name, size in sizes().items():
        assert 0 < size.gzip < size.kb and sum(size.parts.values()) <= size.kb * 1.05 + 1, name
        assert size.first is None or size.first <= size.kb, name


def test_patterns_templates_and_queries_lead_to_files() -> None:
    program = web(
        **{
            "package.json": '{"dependencies": {"react": "19.0.0", "vite": "7.0.0"}}',
            "src/main.tsx": """
                import { createRoot } from "react-dom/client"; import Work from "./work?worker";
                import text from "./a?raw"; const pages = import.meta.glob("./pages/**/*.tsx");
                const now = import.meta.glob(["./now/*.ts"], { eager: true });
                const words = (name: string) => import(`./words/${name}.ts`); const odd = import(`${words}`);
                createRoot(document.body).render(<App of={[pages, now, words, odd, new Work(), text]} />);
            """,
            **dict.fromkeys(("src/work.ts", "src/a.ts", "src/words/en.ts", "src/now/b.ts"), "export const x = 1;"),
            **dict.fromkeys(("src/pages/one.tsx", "src/pages/more/two.tsx", "src/pages/no.ts"), "export const x = 1;"),
        }
    )
    edges = {(edge.path, edge.dynamic) for edge in program.imports("src/main.tsx")}
    later = {"src/pages/one.tsx", "src/pages/more/two.tsx", "src/words/en.ts"}
    assert edges == {(path, True) for path in later} | {("src/now/b.ts", False)}
    assert program.first_load == {"src/main.tsx", "src/now/b.ts"}


def test_a_route_table_names_the_pages() -> None:
    program = web(
        **{
            "package.json": '{"dependencies": {"react": "19.0.0"}, "devDependencies": {"@react-router/dev": "7.9.0"}}',
            "app/routes.ts": 'import { index, layout, route } from "@react-router/dev/routes";'
            ' export default [index("./home.tsx"), layout("shell.tsx", [route("users/:id", "./users/page.tsx")])];',
            **dict.fromkeys(("app/home.tsx", "app/shell.tsx", "app/users/page.tsx"), "export default () => null;"),
        }
    )
    assert {p for p, kind in program.entries.items() if kind == "page"} == {
        "app/home.tsx",
        "app/shell.tsx",
        "app/users/page.tsx",
    }
