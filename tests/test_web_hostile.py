"""Hostile and odd front ends cost themselves only: one clear line or none, the rest is read, time is bounded."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

import pytest
from surface import project, run, scan, write

DEEP = 10_000
LONG = 3_000
SECONDS = 25.0
"""Of one scan, all its processes together; each of these takes a few, what is quadratic takes minutes."""
WAITS = "export async function after(id: string) {{ {} const a = await getUser(id); return a; }}\n"


def outcome(root: Path, files: Mapping[str, str | bytes]) -> tuple[list[str], list[tuple[str, str]]]:
    """Troubles, and (path, rule) of what is found beside the two findings of the project, which are there as ever."""
    project(root)
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = used()
    document = scan(root, "--no-cache")
    assert used() - before < SECONDS
    found = [(one["path"], one["rule"]) for one in document["findings"]]
    own = [one for one in found if one[1] == "query-client-per-render"]
    assert sorted(own) == [(f"src/{name}.tsx", "query-client-per-render") for name in ("Basket", "Shelf")]
    troubles = [f"{error['path']}: {error['message']}" for error in document["errors"]]
    return troubles, [one for one in found if one not in own]


def used() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


NESTED = {
    "elements": ("<div>", "</div>"),
    "components": ("<Pane shown={", "} />"),
    "ternaries": ("open ? <A /> : ", ""),
    "arrows": ("() =>", ""),
    "async": ("async () => await load(", ")"),
    "functions": ("function Pane() { return () => {", "} }"),
    "blocks": ("() => { if (await a()) {", "} }"),
    "loops": ("async () => { for (const x of xs) {", "} }"),
    "objects": ("{ a: ", "}"),
    "lists": ("[", "]"),
    "calls": ("memo(", ")"),
    "sums": ("1 +", ""),
    "templates": ("`${", "}`"),
    "chains": ("", ".then((x) => x)"),
}


def test_deep_nesting(tmp_path: Path) -> None:
    files = {}
    for name, (opening, closing) in NESTED.items():
        deep = f"{opening}\n" * DEEP + "x" + f"{closing}\n" * DEEP
        files[f"src/{name}.tsx"] = f"export const deep = {deep};\n{WAITS.format('')}"
    troubles, found = outcome(tmp_path, files)
    assert troubles == [f"src/{name}.tsx: nested too deeply, skipped" for name in sorted(NESTED)]
    assert found == []


def lines(line: str, count: int = LONG) -> str:
    """The line `count` times, with its number for `#` and that of the one before for `@`."""
    return "\n".join(line.replace("#", str(number)).replace("@", str(max(number - 1, 0))) for number in range(count))


COMPONENT = """export const Row# = memo(function Row#({ row, onPick }: Props) {
  const [open, setOpen] = useState(0);
  const pick = useCallback(() => onPick(row), [onPick, row]);
  return <div onClick={pick}><Row@ row={[open]} onPick={() => setOpen(1)} /></div>;
});"""
LARGE = {
    "waits": WAITS.format(lines("const a# = await getPrice#(id);")),
    "needs": WAITS.format("const b0 = 1;" + lines("const b# = await getPrice#(b@);")),
    "pushes": WAITS.format(f"const out = []; {lines('out.push(await getPrice#(id)); if (out[#]) return;')}"),
    "loops": WAITS.format(lines("for (const x of xs) { await getPrice#(x); }")),
    "components": "import { memo, useCallback, useState } from 'react';\n" + lines(COMPONENT, 2_000),
    "hooks": "import { useMemo } from 'react';\nexport function Page() {\n"
    + lines("const a# = useMemo(() => a@, [a@]);")
    + "\nreturn <div>{a1}</div>;\n}",
    "sites": "const Row = memo(({ a }) => <i>{a}</i>);\nexport const Page = () => <p>"
    + lines("<Row a={[]} />")
    + "</p>;",
    "lazy": lines("const Page# = lazy(() => import('./page#'));"),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_files(tmp_path: Path, kind: str) -> None:
    troubles, _ = outcome(tmp_path, {"src/large.tsx": LARGE[kind]})
    assert troubles == []


MAIN = """import { createRoot } from "react-dom/client";
import { end, gone } from "./m0";
createRoot(x).render(end(gone));
"""


def test_long_and_cyclic_imports(tmp_path: Path) -> None:
    """A barrel of 5,000, a chain of 3,000 barrels, 100 that all export each other, files that import themselves."""
    files = {"package.json": '{"name": "shop"}', "src/main.tsx": MAIN, f"src/m{LONG}.ts": "export const end = 1;"}
    files |= {f"src/m{number}.ts": f'export * from "./m{number + 1}";' for number in range(LONG)}
    files["src/wide/index.ts"] = lines("export * from './a#';", 5_000) + lines("\nexport { b# } from './b';", 5_000)
    files["src/wide/use.ts"] = 'import { a4999, b4999 } from ".";\nuse(a4999, b4999);'
    for number in range(100):
        others = "".join(f'export * from "./c{other}";\n' for other in range(100))
        files[f"src/mesh/c{number}.ts"] = f'{others}import {{ none }} from "./c{number}";\nnone();'
    files["src/two/a.ts"] = 'export { x as y, default } from "./b";\nexport * as all from "./a";'
    files["src/two/b.ts"] = 'export { y as x, default } from "./a";\nimport { x, all } from "./a";\nall.all.all.x(x);'
    troubles, _ = outcome(tmp_path, files)
    assert troubles == []


CONFIGS: dict[str, tuple[dict[str, str], list[str]]] = {
    "cycle": (
        {"tsconfig.json": '{"extends": "./tsconfig.b.json"}', "tsconfig.b.json": '{"extends": ["./tsconfig"]}'},
        [],
    ),
    "itself": ({"tsconfig.json": '{"extends": "./tsconfig.json"}'}, []),
    "chain": (
        {
            f"tsconfig.{n}.json": f'{{"extends": ["./tsconfig.{n + 1}.json", "./tsconfig.{n + 1}.json"]}}'
            for n in range(60)
        }
        | {"tsconfig.json": '{"extends": "./tsconfig.0.json"}'},
        [],
    ),
    "gone": ({"tsconfig.json": '{"extends": ["@away/base", "../../x.json", 3]}'}, []),
    "comments": (
        {
            "tsconfig.json": '\ufeff{ // why\r\n "compilerOptions": { /* "a" */ "paths": { "@/*": ["./src/*"], }, }, }',
            "src/shop.ts": 'import { a } from "@/a";\na();',
        },
        [],
    ),
    "types": (
        {
            "tsconfig.json": '{"compilerOptions": {"paths": {"a": 3, "b": [4], "*/*": ["*/*"]}, "baseUrl": 7}}',
            "package.json": '{"name": 3, "dependencies": 1, "exports": {"a": [null]}, "workspaces": 7, "imports": ""}',
            "a/package.json": "[]",
            "b/package.json": "null",
            "src/shop.ts": 'import "#x";\nimport "a/b";',
        },
        ["a/package.json", "b/package.json"],
    ),
    "no JSON": (
        {"tsconfig.json": "{,", "package.json": '{"name": ', "a/package.json": ""},
        ["a/package.json", "package.json", "tsconfig.json"],
    ),
    "depth": ({"package.json": '{"exports": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}"}, ["package.json"]),
    "digits": ({"package.json": f'{{"version": {"1" * 5000}}}'}, ["package.json"]),
}


def test_configurations(tmp_path: Path) -> None:
    """Each kind is a project of its own below one root."""
    files = {f"{kind}/{path}": text for kind, (own, _) in CONFIGS.items() for path, text in own.items()}
    troubles, _ = outcome(tmp_path, files)
    broken = [f"{kind}/{path}" for kind, (_, paths) in CONFIGS.items() for path in paths]
    assert [trouble.partition(":")[0] for trouble in troubles] == sorted(broken)


FLOW = """// @flow strict
import type { A } from './a';
import typeof B from './b';
type T = {| a: ?string, +b: number |};
opaque type O: string = string;
declare var x: number;
function f<T: Object>(x: ?T, ...y: Array<*>): boolean %checks { return (x: any); }
"""
DECORATED = """@Injectable() export class A {
  @Input() a: string;
  constructor(@Inject(X) private x: X) {}
  @logged async m() { const a = await getUser(1); const b = await getPosts(1); return [a, b]; }
}
@(foo.bar()) export default class { static { init(); } accessor x = 1; @dec accessor y; #p = 1; }
"""
PAIR = """export async function pair() {
  const a = await getUser(1);
  const b = await getPosts(1);
  return [a, b];
}
"""


def test_odd_texts(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "src/bom.ts": "\ufeff" + PAIR,
        "src/crlf.ts": PAIR.replace("\n", "\r\n"),
        "src/decorated.ts": DECORATED,
        "src/pair.ts": PAIR,
        "src/flow.js": FLOW + PAIR,
        "src/nul.ts": PAIR.replace("  const b", "\0" * 5 + "\n  const b"),
        "src/latin.ts": b"const a = '\xff';",
        "src/beside.ts": 'import X from "./X.vue";\nimport Y from "./Y.svelte";\nX(Y);',
        "src/X.vue": "<template><p></template><script setup>const a = await (((",
        "src/Y.svelte": "<script>{#if}",
        "src/minified.js": "var a=" + "(function(e,t){return e+t*2})," * 10_000 + "1;",
        "src/generated.ts": "export const data = [\n" + "  { id: 1, name: 'a' },\n" * 230_000 + "];\n",
        "src/empty.tsx": "",
    }
    (tmp_path / "src").mkdir()
    (tmp_path / "src/self.ts").symlink_to("self.ts")
    (tmp_path / "src/folder").symlink_to(".", target_is_directory=True)
    (tmp_path / "src/out.ts").symlink_to("/")
    troubles, found = outcome(tmp_path, files)
    assert {path for path, _ in found} == {
        "src/bom.ts",
        "src/crlf.ts",
        "src/decorated.ts",
        "src/flow.js",
        "src/nul.ts",
        "src/pair.ts",
    }
    assert troubles == [
        "src/flow.js: slowpath's grammar does not understand this; the rest of the file is read",
        "src/generated.ts: 5.5 MB, too large to be source, skipped",
        "src/latin.ts: not UTF-8 (byte 11), skipped",
        "src/nul.ts: slowpath's grammar does not understand this; the rest of the file is read",
        "src/self.ts: a broken link, skipped",
    ]


def test_exit_codes(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": "{", "tsconfig.json": "[", "src/deep.tsx": "export const a = " + "[\n" * DEEP})
    clean = run("scan", tmp_path, "--no-cache")
    assert (clean.returncode, len(clean.stderr.splitlines())) == (0, 3), clean.stderr
    assert run("scan", project(tmp_path), "--no-cache").returncode == 1
