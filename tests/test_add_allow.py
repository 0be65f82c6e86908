"""`scan --add-allow`: comments that allow what is shown, each where its language has them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from surface import CLIENT, project, run, scan, write
from test_command import PAGE

from slowpath.extract.comment_places import comment_at

FIXTURES = Path(__file__).parents[1] / "fixtures"
OWN_LINE = re.compile(
    r"^[ \t]*(?://|#|--|\{/\*) slowpath: allow\([^)]*\) was there when slowpath was adopted(?: \*/\})?\r?\n", re.M
)
BEHIND = re.compile(
    r" ?(?://|#|--|\{/\*) slowpath: allow\([^)]*\) was there when slowpath was adopted(?: \*/\})?(?=\r?\n|$)", re.M
)
ADDED = "// slowpath: allow(query-client-per-render) was there when slowpath was adopted"


def texts(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file() and "node_modules" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in paths}


@pytest.mark.parametrize("name", ["shop", "board", "depot"])
def test_every_finding_of_a_project_can_be_allowed(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    shutil.copytree(FIXTURES / name, root, ignore=shutil.ignore_patterns("node_modules", "target", "dist"))
    write(root, {"slowpath.toml": (root / "slowpath.toml").read_text() if (root / "slowpath.toml").exists() else ""})
    before = texts(root)
    found = scan(root, "--preset", "all")["findings"]
    outcome = run("scan", root, "--preset", "all", "--add-allow")
    own = {(finding["path"], finding["rule"]) for finding in found}
    left = {(finding["path"], finding["rule"]) for finding in scan(root, "--preset", "all")["findings"]}
    assert len(found) > 4 and left <= own and all(path.endswith((".json", ".lock")) for path, _ in left), left
    assert (
        outcome.returncode == (1 if left else 0) and f"{len(found) - len(left)} findings allowed in" in outcome.stderr
    )
    after = texts(root)
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {path for path, _ in own - left}
    for path in changed:
        assert BEHIND.sub("", OWN_LINE.sub("", after[path])) == before[path], path
    run("scan", root, "--preset", "all", "--add-allow")
    assert texts(root) == after


def test_where_a_comment_goes(tmp_path: Path) -> None:
    root = project(tmp_path)
    text = CLIENT.format(name="Basket")
    assert run("scan", root, "--add-allow").returncode == 0
    assert (root / "src/Basket.tsx").read_text() == text.replace("  const", f"  {ADDED}\n  const")


def test_a_diff_writes_nothing(tmp_path: Path) -> None:
    root = project(tmp_path)
    before = texts(root)
    outcome = run("scan", root, "--add-allow", "--diff", "--reason", "one visitor")
    assert texts(root) == before and outcome.returncode == 1
    assert "+  // slowpath: allow(query-client-per-render) one visitor" in outcome.stdout
    assert "2 findings would be allowed in 2 files" in outcome.stderr


@pytest.mark.parametrize("reason", ["", "  ", "- ", "a */ b", "two\nlines"])
def test_a_reason_that_is_none(tmp_path: Path, reason: str) -> None:
    outcome = run("scan", project(tmp_path), "--add-allow", "--reason", reason)
    assert outcome.returncode == 2 and outcome.stderr.count("\n") == 1


def allowed(root: Path, text: str) -> str:
    path = root / "src/Basket.tsx"
    path.write_bytes(text.encode())
    outcome = run("scan", path, "--add-allow")
    assert outcome.returncode == 0 and scan(path)["findings"] == [], outcome.stderr
    return path.read_bytes().decode()


def test_the_file_stays_as_it_is_encoded(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    text = CLIENT.format(name="Basket").replace("  const", "\t\tconst é = 1;\n\t\tconst")
    for edited in (text.replace("\n", "\r\n"), "\ufeff" + text):
        end = "\r\n" if "\r" in edited else "\n"
        assert allowed(root, edited) == edited.replace("\t\tconst client", f"\t\t{ADDED}{end}\t\tconst client")


def test_an_allow_that_is_there_grows(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    text = CLIENT.format(name="Basket")
    for known in ("// slowpath: allow(n-plus-one) why", "// slowpath: allow( n-plus-one , ) why"):
        edited = text.replace("  const", f"  {known}\n  const")
        path = root / "src/Basket.tsx"
        path.write_text(edited)
        assert run("scan", path, "--add-allow", "--ignore", "unused-allow").returncode == 0
        assert path.read_text().count("slowpath: allow(") == 1
        assert "n-plus-one, query-client-per-render) why" in path.read_text()


def test_comments_about_the_next_line_stay_beside_it(tmp_path: Path) -> None:
    root = write(project(tmp_path), {"slowpath.toml": ""})
    text = CLIENT.format(name="Basket").replace("  const", "  // eslint-disable-next-line no-console\n  const")
    assert allowed(root, text) == text.replace("  // eslint", f"  {ADDED}\n  // eslint")


JSX = """import { shout } from "loud";

export const Basket = () => (
  <main>
    {shout("a")}
    some words
    and {shout("b")} more
  </main>
);
"""


def test_among_children_a_comment_has_braces(tmp_path: Path) -> None:
    files = {"slowpath.toml": 'rules = ["pages"]', "pages/own/shouting.md": PAGE, "src/Basket.tsx": JSX}
    braced = "{/* slowpath: allow(shouting) was there when slowpath was adopted */}"
    after = JSX.replace("    {shout", f"    {braced}\n    {{shout").replace("more", f"more{braced}")
    assert allowed(write(tmp_path, files), JSX) == after


@pytest.mark.parametrize(
    ("language", "text", "own", "behind"),
    [
        ("tsx", "const a = `\n|x`;", "", ""),
        ("tsx", "const a = `${\n|x}`;", "line", "line"),
        ("tsx", "const a = <p>\n|<b/></p>;", "jsx", "jsx"),
        ("tsx", "const a = <p\n|id='a'/>;", "line", "line"),
        ("tsx", "const a = <p>one\n|two</p>;", "", ""),
        ("tsx", "const a = <p>one\n|<b/>two</p>;", "jsx", "jsx"),
        ("typescript", "/* a\n|b */", "", ""),
        ("typescript", "foo() // a|\n", "line", ""),
        ("rust", 'fn f() { g("a\n|b") }', "", ""),
        ("rust", 'fn f() { g(r#"a\n|b"#) }', "", ""),
        ("rust", "fn f() { g!(a,\n|b) }", "line", "line"),
        ("toml", 'a = """\n|b"""', "", ""),
        ("toml", "a = [\n|1]", "line", "line"),
        ("sql", "SELECT 'a\n|b';", "", ""),
        ("sql", "ALTER TABLE a\n|ADD b INT;", "line", "line"),
        ("docker", "FROM a\nRUN cargo \\\n|build\n", "line", ""),
        ("docker", "RUN <<EOF\n|cargo build\nEOF\n", "", ""),
        ("json", "{\n|}", "", ""),
    ],
)
def test_where_a_comment_may_stand(language: str, text: str, own: str, behind: str) -> None:
    at = text.encode().index(b"|")
    source = text.replace("|", "").encode()
    assert comment_at(language, source, at, own_line=True) == own
    assert comment_at(language, source, at, own_line=False) == behind
