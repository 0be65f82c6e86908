"""`measure bundle` on what real bundlers wrote, and on files that mean harm."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from surface import write

from slowpath import parts
from slowpath.commands import measure_bundle
from slowpath.model.evidence import BundlePart
from slowpath.runtime.bundle_shapes import tidy

ROOT = Path(__file__).parents[1]
APP, BUILT = ROOT / "tests/bundles/app", ROOT / "tests/bundles/built"
WAY = ("src/index.js", "src/shared.js", "src/menu.js", "src/reports/engine.js")
FORMATS = {"vite": "visualizer", "esbuild": "esbuild", "webpack": "webpack"}


def measured(*words: object, project: Path = APP, out: Path) -> Result:
    arguments = [*map(str, words), "--project", str(project), "-o", str(out)]
    return CliRunner().invoke(measure_bundle.command, arguments, catch_exceptions=False)


def part(*words: object, project: Path = APP, out: Path) -> BundlePart:
    done = measured(*words, project=project, out=out)
    assert done.exit_code == 0, done.output
    return parts.read_as(out, BundlePart)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle.json"


@pytest.mark.parametrize("bundler", FORMATS)
def test_sizes_are_those_on_disk(bundler: str, out: Path) -> None:
    found = part(BUILT / bundler, out=out)
    assert found.source == FORMATS[bundler] and not [each for each in found.remarks if each.level != "note"]
    for chunk in found.chunks:
        (path,) = BUILT.glob(f"{bundler}/**/{chunk.file.rpartition('/')[2]}")
        text = path.read_bytes()
        assert chunk.bytes == len(text) and abs(chunk.gzip - len(gzip.compress(text))) < 30
        assert sum(size for _, size in chunk.modules) <= chunk.bytes + len(chunk.modules)
    built = {path.name for path in (BUILT / bundler).rglob("*") if path.suffix in (".js", ".css")}
    assert {chunk.file.rpartition("/")[2] for chunk in found.chunks} == built
    assert found.first_load_bytes == sum(chunk.bytes for chunk in found.chunks if chunk.first_load)


@pytest.mark.parametrize("bundler", FORMATS)
def test_a_feature_that_leaks_is_shown_with_the_way_to_it(bundler: str, out: Path) -> None:
    found = part(BUILT / bundler, out=out)
    (leak,) = found.leaks
    assert (leak.feature, leak.module) == ("reports", "src/reports/engine.js")
    assert leak.chain == (("index.html", *WAY) if bundler == "vite" else WAY)
    assert 7_000 < leak.bytes < 9_500, "dayjs leaves with it"
    later = {module for chunk in found.chunks if not chunk.first_load for module, _ in chunk.modules}
    assert later == {"src/help.js", "src/reports/page.js"}
    assert "in src/menu.js" in measured(BUILT / bundler, out=out).output


def test_esbuild_says_exactly_and_the_others_by_share(out: Path) -> None:
    assert part(BUILT / "esbuild", out=out).exact
    assert not part(BUILT / "vite", out=out).exact
    assert "by their share of the source" in measured(BUILT / "webpack", out=out).output


ADMIN = {"src/admin.js": {"bytesInOutput": 8}}


def preloaded(folder: Path) -> set[str]:
    """What index.html asks for at once."""
    page = (folder / "index.html").read_text()
    return {name.lstrip("/") for name in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page)}


@pytest.mark.parametrize("told", ["", ".vite/manifest.json", "stats.json"])
def test_the_first_load_is_what_index_html_preloads(told: str, tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(BUILT / "vite", tmp_path / "web")
    if told == "stats.json":
        (folder / ".vite/manifest.json").unlink()
    found = part(folder / told, out=out)
    assert found.source == ("vite-manifest" if told.startswith(".vite") else "visualizer")
    assert {chunk.file for chunk in found.chunks if chunk.first_load} == preloaded(folder)
    assert len(preloaded(folder)) == 4 and not [each for each in found.remarks if each.about == "index.html"]


def test_the_entry_is_that_of_index_html(tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(BUILT / "vite", tmp_path / "web")
    manifest = json.loads((folder / ".vite/manifest.json").read_text())
    manifest["src/main-legacy.js"] = {"file": "assets/main-legacy.js", "isEntry": True}
    write(folder, {".vite/manifest.json": json.dumps(manifest), "assets/main-legacy.js": "for old browsers"})
    found = part(folder, out=out)
    assert {chunk.file for chunk in found.chunks if chunk.first_load} == preloaded(folder)
    assert any("the first load is that of index.html" in each.message for each in found.remarks)
    assert part(folder, "--entry", "legacy", out=out).first_load_bytes == len("for old browsers")


def test_the_page_of_the_visualizer_holds_the_same(tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(BUILT / "vite", tmp_path / "web")
    raw = json.dumps(json.loads((folder / "stats.json").read_text()))
    (folder / "stats.json").unlink()
    write(folder, {"stats.html": f"<!DOCTYPE html>\n<script>\n    const data = {raw};\n\n    run();\n</script>"})
    one, other = part(folder, out=out), part(BUILT / "vite", out=out)
    assert (one.chunks, one.leaks, one.source) == (other.chunks, other.leaks, other.source)


def test_a_page_of_another_build_is_noticed(tmp_path: Path, out: Path) -> None:
    folder = shutil.copytree(BUILT / "vite", tmp_path / "web")
    page = (folder / "index.html").read_text()
    (folder / "index.html").write_text(re.sub(r"<link rel=.modulepreload.[^>]*vendor[^>]*>", "", page))
    (remark,) = (each for each in part(folder, out=out).remarks if each.about == "index.html")
    assert re.search(r"does not preload assets/vendor-\S+.js", remark.message)


def test_the_prediction_is_held_against_the_build(tmp_path: Path, out: Path) -> None:
    found = part(BUILT / "esbuild", out=out)
    assert {"dayjs", "clsx", "src/reports/engine.js"} <= set(found.predicted)
    assert found.absent == () and [name for name, size in found.unpredicted if size > 100] == []
    assert found.predicted_bytes and abs(found.predicted_bytes - found.first_load_bytes) < 3000

    app = shutil.copytree(APP, tmp_path / "app")
    text = (app / "src/index.js").read_text()
    (app / "src/index.js").write_text(text.replace('import clsx from "clsx";', 'import { z } from "zod"; z;'))
    found = part(BUILT / "esbuild", project=app, out=out)
    assert found.absent == ("zod",) and found.unpredicted[0][0] == "clsx"


def test_pages_of_a_router_are_features_without_being_named(out: Path, tmp_path: Path) -> None:
    files = {
        "web/src/main.tsx": 'import { createRoot } from "react-dom/client"; import { App } from "./App";\n'
        "createRoot(document.body).render(<App />);",
        "web/src/App.tsx": 'import { Route, Routes } from "react-router-dom";\nimport { Home } from "./Home";\n'
        'import { Report } from "./Report";\nexport const App = () => <Routes><Route path="/" element={<Home />} />'
        '<Route path="/report" element={<Report />} /></Routes>;',
        "web/src/Home.tsx": "export const Home = () => <p />;",
        "web/src/Report.tsx": "export const Report = () => <p />;",
        "slowpath.toml": "",
        "package.json": "{}",
    }
    modules = ["main.tsx", "App.tsx", "Home.tsx", "Report.tsx"]
    meta = {
        "inputs": {
            "src/main.tsx": {"imports": [{"path": "src/App.tsx", "kind": "import-statement"}]},
            "src/App.tsx": {"imports": [{"path": f"src/{name}", "kind": "import-statement"} for name in modules[2:]]},
        },
        "outputs": {
            "out/main.js": {
                "bytes": 400,
                "entryPoint": "src/main.tsx",
                "inputs": {f"src/{name}": {"bytesInOutput": 100} for name in modules},
            }
        },
    }
    write(tmp_path, files | {"out/meta.json": json.dumps(meta)})
    (leak,) = part(tmp_path / "out", project=tmp_path, out=out).leaks
    assert (leak.feature, leak.bytes) == ("page Report", 100)
    assert leak.chain == ("src/main.tsx", "src/App.tsx", "src/Report.tsx")


def test_imported_both_ways(out: Path, tmp_path: Path) -> None:
    meta = json.loads((BUILT / "esbuild/meta.json").read_text())
    meta["inputs"]["src/index.js"]["imports"].append({"path": "src/reports/engine.js", "kind": "dynamic-import"})
    folder = shutil.copytree(BUILT / "esbuild", tmp_path / "web")
    (folder / "meta.json").write_text(json.dumps(meta))
    assert part(folder, out=out).both_ways == ("src/reports/engine.js",)
    assert part(BUILT / "esbuild", out=out).both_ways == ()


def test_several_entries_are_said_and_one_can_be_chosen(out: Path, tmp_path: Path) -> None:
    meta = json.loads((BUILT / "esbuild/meta.json").read_text())
    meta["outputs"]["esbuild/admin.js"] = {"bytes": 9, "entryPoint": "src/admin.js", "inputs": ADMIN}
    folder = shutil.copytree(BUILT / "esbuild", tmp_path / "web")
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "admin.js").write_text("admin();\n")
    both = part(folder, out=out)
    assert any(each.about == "entries" and "--entry" in each.instead for each in both.remarks)
    one = part(folder, "--entry", "admin.js", out=out)
    assert one.first_load_bytes == 9 and one.entries == ("src/admin.js",)
    assert measured(folder, "--entry", "nobody", out=out).exit_code == 2


def test_nothing_outside_of_the_folder_is_opened(out: Path, tmp_path: Path) -> None:
    secret = write(tmp_path, {"secret.js": "x" * 4321}) / "secret.js"
    folder = write(tmp_path, {"web/app.js": "app()"}) / "web"
    (folder / "link.js").symlink_to(secret)
    names = ["app.js", "../secret.js", str(secret), "link.js", "a/../../secret.js", "\0", "x" * 5000, "C:\\secret.js"]
    manifest = {name: {"file": name, "isEntry": name == "app.js", "imports": names} for name in names}
    write(folder, {".vite/manifest.json": json.dumps(manifest)})
    found = part(folder, out=out)
    assert {chunk.bytes for chunk in found.chunks} == {0, 5} and found.first_load_bytes == 5
    assert any("not in the folder" in each.message for each in found.remarks)


SMALL: dict[str, Any] = {
    "a.js": {"file": "a.js", "isEntry": True, "imports": ["b.js"]},
    "b.js": {"file": "b.js", "imports": ["a.js"]},
}


def test_files_that_import_each_other(out: Path, tmp_path: Path) -> None:
    write(tmp_path, {"a.js": "a", "b.js": "bb", ".vite/manifest.json": json.dumps(SMALL)})
    assert part(tmp_path, out=out).first_load_bytes == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither"),
        ("[]", "neither"),
        ("{}", "neither"),
        ("\0\0", "neither"),
        ("[" * 100_000, "neither"),
        ('{"a":' * 100_000, "neither"),
        ('{"name": "a page that is no build", "icons": []}', "neither"),
        ('{"a.js": {"file": 3}}', "Vite's manifest"),
        ('{"a.js": {"file": "a.js"}}', "no file of the build is an entry"),
        ('{"inputs": {}, "outputs": {}}', "nothing was built"),
        ('{"inputs": {}, "outputs": {"a.js": {"bytes": -1}}}', "esbuild's metafile"),
        ('{"inputs": {}, "outputs": {"a.js": {"bytes": 1e400}}}', "esbuild's metafile"),
        ('{"inputs": {}, "outputs": {"a.js": {"bytes": 99999999999999999999999}}}', "esbuild's metafile"),
        ('{"inputs": {"a": {"imports": ' + "[" * 5000 + "]" * 5000 + '}}, "outputs": {}}', ""),
        ('{"chunks": [], "modules": []}', "no chunk"),
        ('{"chunks": [{"files": ["a.js"]}], "modules": ' + '[{"modules": ' * 900 + "[]" + "}]" * 900 + "}", ""),
        ('{"version": 3, "nodeParts": {}, "nodeMetas": {}}', "version 3"),
        (
            '{"version": 2, "nodeParts": {}, "nodeMetas": {"a": {"id": "a", "moduleParts": {"a.js": "gone"}}}}',
            "no file",
        ),
        ('{"version": 2, "nodeParts": {"p": {"renderedLength": "long"}}, "nodeMetas": {}}', "raw data"),
    ],
)
def test_what_is_no_build_is_one_line(text: str, told: str, out: Path, tmp_path: Path) -> None:
    write(tmp_path, {"a.js": "a", "told.json": text})
    done = measured(tmp_path / "told.json", out=out)
    assert done.exit_code == 2 and done.output.count("\n") == 1 and told in done.output, done.output
    assert not out.exists()


def test_a_folder_without_any_word_of_the_build(out: Path, tmp_path: Path) -> None:
    write(tmp_path, {"a.js": "a", "manifest.json": '{"name": "an app", "icons": [{"src": "a.png"}]}'})
    done = measured(tmp_path, out=out)
    assert done.exit_code == 2 and "build.manifest: true" in done.output
    done = measured(BUILT / "esbuild", BUILT / "webpack", out=out)
    assert done.exit_code == 2 and "several builds" in done.output
    assert measured(tmp_path / "nowhere", out=out).exit_code == 2


def test_a_file_that_lies_elsewhere_and_the_folder_of_the_build(tmp_path: Path, out: Path) -> None:
    told = shutil.copy(BUILT / "esbuild/meta.json", tmp_path / "meta.json")
    assert part(told, BUILT / "esbuild", out=out).chunks == part(BUILT / "esbuild", out=out).chunks
    alone = part(told, out=out)
    assert alone.first_load_bytes == part(BUILT / "esbuild", out=out).first_load_bytes and not alone.first_load_gzip
    assert "without gzip" in alone.remarks[0].message
    told = shutil.copy(BUILT / "vite/stats.json", tmp_path / "stats.json")
    assert "name their folder" in measured(told, out=out).output


def test_a_manifest_names_no_modules_and_says_so(out: Path) -> None:
    found = part(BUILT / "vite/.vite/manifest.json", out=out)
    assert found.leaks == () and any("names no modules" in each.message for each in found.remarks)


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("\0/node_modules/react/index.js?commonjs-module", "node_modules/react/index.js"),
        ("../../node_modules/.pnpm/a@1/node_modules/@b/c/d.js", "node_modules/@b/c/d.js"),
        ("./src/a.js", "src/a.js"),
        ("/src/a.tsx", "src/a.tsx"),
        ("src\\a.ts", "src/a.ts"),
        ("\0vite/preload-helper.js", "vite/preload-helper.js"),
    ],
)
def test_names_of_modules(name: str, is_told: str) -> None:
    assert tidy(name) == is_told


def test_a_live_build_of_the_depot(out: Path, tmp_path: Path) -> None:
    client = ROOT / "fixtures/depot/web"
    if shutil.which("node") is None or not (client / "node_modules/rollup-plugin-visualizer").is_dir():
        pytest.skip("the client's packages are not installed: npm ci --prefix fixtures/depot/web")
    copy = shutil.copytree(client, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules", "dist"))
    (copy / "node_modules").symlink_to(client / "node_modules")
    subprocess.run(["node_modules/.bin/vite", "build"], cwd=copy, check=True, capture_output=True)
    found = part(copy / "dist", project=ROOT / "fixtures/depot", out=out)
    assert {chunk.file for chunk in found.chunks if chunk.first_load} == preloaded(copy / "dist")
    assert {leak.feature for leak in found.leaks} == {"ledger", "page StockListPage"}
    assert found.chunks[0].bytes == (copy / "dist" / found.chunks[0].file).stat().st_size


def test_the_commit_that_was_measured_is_noted(tmp_path: Path) -> None:
    write(tmp_path, {"a.js": "a", "b.js": "bb", ".vite/manifest.json": json.dumps(SMALL)})
    who = ["-c", "user.name=a", "-c", "user.email=a@b.test"]
    for command in (["init", "-q"], ["add", "-f", "."], [*who, "commit", "-q", "-m", "built"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    head = (tmp_path / ".git" / (tmp_path / ".git/HEAD").read_text().split()[1]).read_text().strip()
    assert part(tmp_path, project=tmp_path, out=tmp_path / "bundle.json").commit == head
