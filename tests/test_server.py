"""`slowpath server` as editors use it: what they see, what they can do about it, and what must not end it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lsp import CAN, Editor, Message, applied, editor
from lsprotocol import types
from surface import CLIENT, project, run, scan, write

from slowpath.server import asked
from slowpath.server.actions import KINDS
from slowpath.server.positions import Text

SHOP = Path(__file__).parents[1] / "fixtures/shop"
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 10_000, "character": 0}}


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOWPATH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns("node_modules", "target", "dist"))


def rules(diagnostics: list[Message]) -> list[str]:
    return [each["code"] for each in diagnostics]


def shown(opened: Editor) -> dict[str, list[str]]:
    """Rules by the name of the file, of all that has been published."""
    found = {uri: rules(each["diagnostics"]) for uri, each in opened.diagnostics.items()}
    return {uri.rpartition("/")[2]: each for uri, each in found.items() if each}


def settled(opened: Editor) -> None:
    """All that was published for what the editor has said so far: a request is answered after it."""
    uri = next(iter(opened.versions))
    opened.request("textDocument/hover", textDocument={"uri": uri}, position={"line": 0, "character": 0})


def only(found: list[Message], word: str) -> Message:
    [action] = [each for each in found if word in each["title"]]
    return action


def test_an_editor_shows_what_a_scan_finds(shop: Path) -> None:
    with editor() as opened:
        opened.start(shop)
        uri = opened.open(shop / "server/src/services/orders.rs")
        here = opened.published(uri)
        settled(opened)
        told = {
            (uri.removeprefix(shop.as_uri() + "/"), d["code"], d["range"]["start"]["line"] + 1, d["data"])
            for uri, each in opened.diagnostics.items()
            for d in each["diagnostics"]
        }
        found = scan(shop)["findings"]
        assert told == {(f["path"], f["rule"], f["start"]["line"], f["fingerprint"]) for f in found}
        first = next(each for each in here if each["code"] == "n-plus-one")
        assert (first["severity"], first["source"]) == (2, "slowpath")
        path = [each["location"]["uri"].rpartition("/src/")[2] for each in first["relatedInformation"]]
        assert path == ["services/orders.rs", "services/orders.rs", "models/order.rs", "models/customer.rs"]
        assert first["relatedInformation"][2]["message"].startswith("3. ")
        lines = {d["range"]["end"]["line"] - d["range"]["start"]["line"] for d in here}
        assert lines == {0}, "no function is underlined as a whole"
        assert opened.stop() == 0


def test_unsaved_text_counts_everywhere(shop: Path) -> None:
    with editor() as opened:
        opened.start(shop)
        orders = opened.open(shop / "server/src/services/orders.rs")
        before = next(each for each in opened.published(orders) if each["code"] == "n-plus-one")
        models = opened.open(shop / "store/src/models/order.rs")
        opened.published(models)
        text = (shop / "store/src/models/order.rs").read_text()
        opened.change(models, "// 🐢\n\n" + text)
        opened.published(orders)
        after = next(each for each in opened.diagnostics[orders]["diagnostics"] if each["code"] == "n-plus-one")
        lines = [each["relatedInformation"][2]["location"]["range"]["start"]["line"] for each in (before, after)]
        assert lines[1] == lines[0] + 2, "a path in another file follows what is not saved"
        opened.change(models, "")
        opened.published(orders)
        assert before["data"] not in {each["data"] for each in opened.diagnostics[orders]["diagnostics"]}
        opened.notify("textDocument/didClose", textDocument={"uri": models})
        opened.published(orders)
        assert before["data"] in {each["data"] for each in opened.diagnostics[orders]["diagnostics"]}


def test_of_many_changes_the_last_counts_and_none_is_answered_late(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        opened.published(uri)
        for lines in range(1, 40):
            opened.change(uri, "\n" * lines + CLIENT.format(name="Basket"))
        assert opened.published(uri)[0]["range"]["start"]["line"] == 3 + 39
        settled(opened)
        said = [each["params"]["version"] for each in opened.heard if each.get("params", {}).get("uri") == uri]
        assert said == sorted(set(said)) and said[-1] == 40 and len(said) < 30


@pytest.mark.parametrize(
    ("encoding", "units"), [("utf-8", lambda text: len(text.encode())), ("utf-16", lambda text: len(text) + 1)]
)
def test_columns_are_counted_as_agreed(tmp_path: Path, encoding: str, units: Any) -> None:
    text = CLIENT.format(name="Basket").replace("  const client", "  /* 🐢é */ const client").replace("\n", "\r\n")
    root = write(tmp_path, {"slowpath.toml": ""})
    (root / "Basket.tsx").write_bytes(b"\xef\xbb\xbf" + text.encode())
    with editor() as opened:
        told = opened.start(root, can=CAN | {"general": {"positionEncodings": [encoding]}})
        assert told["capabilities"]["positionEncoding"] == encoding
        [found] = opened.published(opened.open(root / "Basket.tsx"))
        line = text.split("\r\n")[3]
        at = line.index("new QueryClient")
        assert found["range"]["start"] == {"line": 3, "character": units(line[:at])}


def test_positions() -> None:
    text = "\ufefféa\r\n𝒳b\rc\n\n".encode()
    disk, held = Text(text), Text(text, held=True)
    assert disk.position(3) == types.Position(0, 0) and held.position(3) == types.Position(0, 1)
    assert disk.position(0) == types.Position(0, 0)
    for offset in (text.index(b"\r"), text.index(b"\n")):
        assert disk.position(offset) == types.Position(0, 2), "between \\r and \\n a line ends"
    assert disk.position(text.index(b"b")) == types.Position(1, 2)
    assert Text(text, "utf-8").position(text.index(b"b")) == types.Position(1, 4)
    assert Text(text, "utf-32").position(text.index(b"b")) == types.Position(1, 1)
    assert disk.position(text.index(b"c")) == types.Position(2, 0)
    assert disk.position(len(text)) == types.Position(4, 0)
    for encoding in ("utf-8", "utf-16", "utf-32"):
        own = Text(text, encoding)
        for mark in (b"a", b"b", b"c"):
            assert own.offset(own.position(text.index(mark))) == text.index(mark)
        assert own.offset(types.Position(0, 99)) == text.index(b"\r") and own.offset(types.Position(9, 0)) == len(text)


def test_fixes(shop: Path) -> None:
    page = shop / "web/src/pages/HomePage.tsx"
    with editor() as opened:
        opened.start(shop)
        uri = opened.open(page)
        found = opened.published(uri)
        memo = next(each for each in found if each["code"] == "needless-use-memo")
        action = only(opened.actions(uri, memo["range"]), "Use the plain value")
        assert (action["kind"], action["isPreferred"], action["diagnostics"]) == ("quickfix", True, [memo])
        [change] = action["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": uri, "version": 1}
        opened.change(uri, applied(page.read_text(), change["edits"]))
        assert rules(opened.published(uri)).count("needless-use-memo") == 1
        opened.change(uri, page.read_text())
        opened.published(uri)
        [every] = opened.actions(uri, WHOLE, only=["source.fixAll"])
        assert every["kind"] == "source.fixAll.slowpath"
        [change] = every["edit"]["documentChanges"]
        assert change["textDocument"]["version"] == 3
        text = applied(page.read_text(), change["edits"])
        opened.change(uri, text)
        assert "needless-use-memo" not in rules(opened.published(uri))
        assert opened.actions(uri, WHOLE, only=["source.fixAll"]) == [] == opened.actions(uri, WHOLE, only=["refactor"])


def test_a_fix_that_makes_files(shop: Path) -> None:
    path = shop / "store/src/models/product.rs"
    with editor() as opened:
        opened.start(shop)
        uri = opened.open(path)
        [found] = [each for each in opened.published(uri) if each["code"] == "foreign-key-without-index"]
        action = only(opened.actions(uri, found["range"]), "reviews_product_id_idx")
        assert "needs a look" in action["title"] and "isPreferred" not in action
        steps = action["edit"]["documentChanges"]
        made = [each["uri"].removeprefix(shop.as_uri()) for each in steps if each.get("kind") == "create"]
        assert sorted(Path(name).name for name in made) == ["down.sql", "metadata.toml", "up.sql"]
        assert any("CREATE INDEX" in edit["newText"] for each in steps for edit in each.get("edits", ()))
    plain = {**CAN, "workspace": {"configuration": False}}
    with editor() as opened:
        opened.start(shop, can=plain)
        uri = opened.open(path)
        opened.published(uri)
        assert not [each for each in opened.actions(uri, found["range"]) if "idx" in each["title"]]


ALLOWED = {
    "server/src/services/orders.rs": "n-plus-one",
    "web/src/components/Preview.tsx": "query-client-per-render",
    "web/src/pages/HomePage.tsx": "memo-defeated",
    "migrations/2025-05-20-090000_shorter_sku/up.sql": "table-rewrite",
    "server/Cargo.toml": "unused-dependency",
    "jobs/Dockerfile": "debug-build-in-image",
}


def test_allowing_a_finding_asks_for_a_reason(shop: Path) -> None:
    with editor() as opened:
        opened.start(shop)
        for name, rule in ALLOWED.items():
            path = shop / name
            uri = opened.open(path)
            finding = next(each for each in opened.published(uri) if each["code"] == rule)
            action = only(opened.actions(uri, finding["range"]), f"Allow {rule}")
            opened.change(uri, applied(path.read_text(), action["edit"]["documentChanges"][0]["edits"]))
            left = opened.published(uri)
            assert finding["data"] not in {each.get("data") for each in left}, name
            assert "allow-without-reason" in rules(left), name


def test_a_document_that_is_opened_again_is_another(tmp_path: Path) -> None:
    """Its versions begin anew: what is said of the text before is not said of it."""
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        opened.published(uri)
        for lines in range(1, 6):
            opened.notify("textDocument/didClose", textDocument={"uri": uri})
            opened.open(root / "src/Basket.tsx", "\n" * lines + CLIENT.format(name="Basket"))
            action = only(opened.actions(uri, WHOLE), "Allow")
            [change] = action["edit"]["documentChanges"]
            assert change["edits"][0]["range"]["start"]["line"] == 3 + lines
            assert opened.diagnostics[uri]["diagnostics"][0]["range"]["start"]["line"] == 3 + lines


def test_a_hover_tells_the_path_and_the_page(shop: Path) -> None:
    with editor() as opened:
        opened.start(shop)
        uri = opened.open(shop / "server/src/services/orders.rs")
        found = next(each for each in opened.published(uri) if each["code"] == "n-plus-one")
        at = {"textDocument": {"uri": uri}, "position": found["range"]["start"]}
        told = opened.request("textDocument/hover", **at)
        text = told["contents"]["value"]
        assert told["contents"]["kind"] == "markdown" and told["range"] == found["range"]
        assert found["message"] in text and "#### Instead" in text and "`GET /orders`" in text
        assert f"({(shop / 'store/src/models/order.rs').as_uri()}#L70)" in text
        assert (
            opened.request("textDocument/hover", textDocument={"uri": uri}, position={"line": 0, "character": 0})
            is None
        )


def test_settings_of_the_editor(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor(settings={"ignore": ["query-client-per-render"]}) as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        assert opened.published(uri) == []
        opened.settings = None
        opened.notify("workspace/didChangeConfiguration", settings={"slowpath": {"ignore": []}})
        opened.until(lambda message: uri in str(message) and "QueryClient" in str(message))
        opened.notify("workspace/didChangeConfiguration", settings={"slowpath": {"enable": False}})
        opened.until(lambda message: message.get("params") == {"uri": uri, "diagnostics": []})
    with editor() as opened:
        opened.start(root, initializationOptions={"minConfidence": "sure", "colour": 1, "select": "x"})
        said = [opened.until(lambda m: m.get("method") == "window/showMessage")["params"]["message"] for _ in range(3)]
        assert ["minConfidence" in said[0], "colour" in said[1], "select" in said[2]] == [True] * 3
        assert rules(opened.published(opened.open(root / "src/Basket.tsx"))) == ["query-client-per-render"]


def test_settings_of_the_project(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    own = root / "slowpath.toml"
    saved: Message = {"textDocument": {"uri": own.as_uri()}}
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        assert len(opened.published(uri)) == 1
        own.write_text('ignore = []\nselekt = ["react"]\n')
        opened.notify("textDocument/didSave", **saved)
        said = opened.until(lambda m: m.get("method") == "window/showMessage")["params"]["message"]
        assert "selekt" in said and "\n" not in said
        assert "selekt" in opened.diagnostics[own.as_uri()]["diagnostics"][0]["message"]
        opened.change(uri, "\n" + CLIENT.format(name="Basket"))
        assert len(opened.published(uri)) == 1, "what was set before goes on"
        own.write_text("ignore = [\n")
        opened.notify("textDocument/didSave", **saved)
        opened.until(lambda m: m.get("params", {}).get("uri") == own.as_uri())
        own.write_text('exclude = ["src/Shelf.tsx"]\n')
        opened.notify("workspace/didChangeWatchedFiles", changes=[{"uri": own.as_uri(), "type": 2}])
        opened.until(lambda m: m.get("params") == {"uri": own.as_uri(), "diagnostics": []})
        settled(opened)
        assert shown(opened) == {"Basket.tsx": ["query-client-per-render"]}


def test_settings_that_never_could_be_used(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": "select = 3"})
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        said = opened.until(lambda m: m.get("method") == "window/showMessage")["params"]["message"]
        assert "select" in said and "nothing is analysed" in said
        (root / "slowpath.toml").write_text("")
        opened.notify("textDocument/didSave", textDocument={"uri": (root / "slowpath.toml").as_uri()})
        opened.until(lambda m: m.get("params", {}).get("uri") == uri and m["params"]["diagnostics"])
        settled(opened)
        assert opened.diagnostics[(root / "slowpath.toml").as_uri()]["diagnostics"] == []


def test_what_a_baseline_holds_is_not_shown(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    assert run("scan", root, "--write-baseline").returncode == 0
    held = root / "slowpath-baseline.json"
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        assert opened.published(uri) == []
        opened.change(uri, CLIENT.format(name="Basket").replace("  return", "  new QueryClient();\n  return"))
        opened.published(uri)
        opened.open(root / "src/New.tsx", CLIENT.format(name="New"))
        assert len(opened.published((root / "src/New.tsx").as_uri())) == 1
        held.unlink()
        opened.notify("workspace/didChangeWatchedFiles", changes=[{"uri": held.as_uri(), "type": 3}])
        opened.until(lambda m: m.get("params", {}).get("uri") == uri and m["params"]["diagnostics"])


def test_what_is_written_elsewhere_counts(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        basket = opened.open(root / "src/Basket.tsx")
        opened.published(basket)
        write(root, {"src/New.tsx": CLIENT.format(name="New")})
        (root / "src/Shelf.tsx").unlink()
        (root / "src/Basket.tsx").unlink()
        gone = [{"uri": (root / "src" / name).as_uri(), "type": 1} for name in ("New.tsx", "Shelf.tsx", "Basket.tsx")]
        opened.notify("workspace/didChangeWatchedFiles", changes=gone)
        opened.until(lambda m: m.get("params") == {"uri": (root / "src/Shelf.tsx").as_uri(), "diagnostics": []})
        settled(opened)
        assert set(shown(opened)) == {"Basket.tsx", "New.tsx"}, "what is open stays, though it is gone from the disk"
        opened.notify("textDocument/didClose", textDocument={"uri": basket})
        opened.until(lambda m: m.get("params") == {"uri": basket, "diagnostics": []})


def test_files_that_are_not_the_projects_are_left_alone(tmp_path: Path) -> None:
    root = write(
        project(tmp_path / "own"),
        {
            "slowpath.toml": 'exclude = ["old"]',
            "old/Old.tsx": CLIENT.format(name="Old"),
            "node_modules/a/A.tsx": CLIENT.format(name="A"),
        },
    )
    unmarked = project(tmp_path / "unmarked")
    loose = project(tmp_path / "loose")
    other = write(project(tmp_path / "other"), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root, unmarked)
        assert len(opened.published(opened.open(unmarked / "src/Shelf.tsx"))) == 1, (
            "a folder is a project if nothing is"
        )
        for path in (root / "old/Old.tsx", root / "node_modules/a/A.tsx"):
            assert opened.published(opened.open(path)) == []
        opened.open(loose / "src/Basket.tsx")
        opened.notify(
            "textDocument/didOpen",
            textDocument={"uri": "untitled:Untitled-1", "languageId": "x", "version": 1, "text": CLIENT},
        )
        assert len(opened.published(opened.open(other / "src/Shelf.tsx"))) == 1, "another project"
        assert len(opened.published(opened.open(root / "src/New.tsx", CLIENT.format(name="New")))) == 1, "not saved yet"
        assert not any("loose" in uri or "untitled" in uri for uri in opened.diagnostics)
        assert any("loose" in str(each) for each in opened.heard), "the log says why"


def test_folders_come_and_go(tmp_path: Path) -> None:
    one, two = (write(project(tmp_path / name), {"slowpath.toml": ""}) for name in ("one", "two"))
    with editor() as opened:
        opened.start(one)
        opened.published(opened.open(one / "src/Basket.tsx"))
        added = [{"uri": two.as_uri(), "name": "two"}]
        opened.notify("workspace/didChangeWorkspaceFolders", event={"added": added, "removed": []})
        opened.until(lambda m: m.get("params", {}).get("uri") == (two / "src/Shelf.tsx").as_uri())
        opened.notify("workspace/didChangeWorkspaceFolders", event={"added": [], "removed": added})
        opened.until(lambda m: m.get("params") == {"uri": (two / "src/Shelf.tsx").as_uri(), "diagnostics": []})
        assert len(opened.diagnostics[(one / "src/Shelf.tsx").as_uri()]["diagnostics"]) == 1


def test_files_are_named_as_the_editor_names_them(tmp_path: Path) -> None:
    real = write(project(tmp_path / "real"), {"slowpath.toml": "", "src/[id] #1;x.tsx": CLIENT.format(name="Id")})
    link = tmp_path / "a link"
    link.symlink_to(real)
    with editor() as opened:
        opened.start(link)
        uri = opened.open(link / "src/[id] #1;x.tsx")
        assert len(opened.published(uri)) == 1
        settled(opened)
        assert set(opened.diagnostics) == {(link / "src" / name).as_uri() for name in ("Basket.tsx", "Shelf.tsx")} | {
            uri
        }


@pytest.mark.parametrize("place", ["/", "~"])
def test_no_project_is_that_large(tmp_path: Path, place: str) -> None:
    home = write(tmp_path / "home", {"slowpath.toml": ""})
    with editor(HOME=str(home)) as opened:
        opened.start(home if place == "~" else Path("/"))
        said = opened.until(lambda m: m.get("method") == "window/showMessage")["params"]["message"]
        assert "is no project" in said
        assert opened.stop() == 0


def test_what_goes_wrong_costs_itself(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        opened.published(uri)
        assert opened.request("textDocument/hover", textDocument={"uri": 3})["code"] < 0
        assert opened.request("no/such")["code"] == -32601
        opened.notify("textDocument/didChange", textDocument={"uri": "file:///none", "version": 2}, contentChanges=[])
        opened.notify("textDocument/didChange", nonsense=True)
        opened.notify("$/cancelRequest", id=4711)
        opened.change(uri, "\n" + CLIENT.format(name="Basket"))
        assert len(opened.published(uri)) == 1
        for said in (each["params"]["message"] for each in opened.heard if each.get("method") == "window/logMessage"):
            assert "\n" not in said
        assert not any(each.get("method") == "window/showMessage" for each in opened.heard)


def test_a_request_can_be_cancelled(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        uri = opened.open(root / "src/Basket.tsx")
        number = opened.ask("textDocument/hover", textDocument={"uri": uri}, position={"line": 3, "character": 20})
        opened.notify("$/cancelRequest", id=number)
        assert opened.answer(number)["code"] == -32800
        assert len(opened.published(uri)) == 1


def test_the_first_scan_shows_its_progress(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    with editor() as opened:
        opened.start(root)
        opened.published(opened.open(root / "src/Basket.tsx"))
        kinds = [each["params"]["value"]["kind"] for each in opened.heard if each.get("method") == "$/progress"]
        assert kinds[:1] == ["begin"] and kinds[-1:] == ["end"] and kinds.count("begin") == 1


def test_exit_codes(tmp_path: Path) -> None:
    root = project(tmp_path)
    with editor() as opened:
        opened.start(root)
        opened.notify("exit")
        assert opened.process.wait(30) == 1, "exit without shutdown"
    with editor() as opened:
        opened.start(root)
        assert opened.process.stdin is not None
        opened.process.stdin.close()
        assert opened.process.wait(30) == 1, "the client has died"


def test_without_the_extra_one_line_names_it() -> None:
    code = "import sys\nsys.modules['pygls'] = None\nsys.argv = ['slowpath', 'server']\n"
    code += "from slowpath.cli import main\nmain()"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert outcome.returncode == 2 and outcome.stderr == (
        "slowpath: pygls is not installed: pip install 'slowpath[editor]'\n"
    )


PAGE = (Path(__file__).parents[1] / "docs/editors.md").read_text()


def snippet(heading: str, language: str) -> str:
    """The first code of a section of docs/editors.md."""
    section = PAGE.partition(f"## {heading}\n")[2]
    return section.partition(f"```{language}\n")[2].partition("```")[0]


@pytest.mark.parametrize("heading", ["Neovim 0.11 and later", "Neovim before that"])
def test_neovim_with_the_snippet_of_the_page(shop: Path, tmp_path: Path, heading: str) -> None:
    nvim = shutil.which("nvim")
    if nvim is None:
        pytest.skip("nvim is not on PATH")
    version = subprocess.run([nvim, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < (0, 11) and heading == "Neovim 0.11 and later":
        pytest.skip(f"{version} is older")
    (tmp_path / "init.lua").write_text(snippet(heading, "lua"))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/slowpath"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m slowpath "$@"\n')
    program.chmod(0o755)
    page = shop / "web/src/pages/HomePage.tsx"
    outcome = subprocess.run(
        [nvim, "--headless", "-u", tmp_path / "init.lua", "-S", Path(__file__).with_name("neovim.lua")],
        cwd=shop,
        capture_output=True,
        text=True,
        timeout=240,
        env={
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "SLOWPATH_PAGE": str(page),
            "SLOWPATH_OUT": str(tmp_path / "seen.json"),
        },
    )
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert "gave_up" not in seen, (seen, outcome.stderr)
    before = [(rule, line) for rule, line, *_ in seen["opened"]]
    assert before == [("needless-use-memo", 13), ("needless-use-memo", 14), ("memo-defeated", 24)]
    assert [(rule, line) for rule, line, *_ in seen["edited"]] == [(rule, line + 2) for rule, line in before]
    assert seen["modified"] and {(each[3], each[4]) for each in seen["edited"]} == {(2, "slowpath"), (3, "slowpath")}
    assert "needless-use-memo" in seen["hover"] and "Instead" in seen["hover"]
    assert "Use the plain value" in seen["offered"]
    assert [rule for rule, *_ in seen["fixed"]] == ["needless-use-memo", "memo-defeated"]
    assert seen["elsewhere"] > 40, "findings of files that are not open are listed too"


def test_settings_on_the_page_are_json_and_known() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)]
    assert set(blocks[0]) == {f"glspc.server.{name}" for name in ("command", "commandArguments", "languageId")}
    assert [*blocks[1]["editor.codeActionsOnSave"]] == KINDS[1:]
    told = asked.read(blocks[2], asked.Asked())
    assert told == (asked.Asked(ignore=("cargo",), min_confidence="high"), [])
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    assert sorted(rows) == sorted(field.encode_name for field in msgspec.structs.fields(asked.Asked))
