"""Files of all kinds, and which of their findings are fixed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from memos import files, fixed, memo, project
from proofs import Proof, mended, proofs
from surface import run, write

from slowpath import rulebook

RULES = rulebook.load()
PROOFS = [proof for proof in proofs() if not any(path.endswith(".sql") for path in proof.files)]
VARIANTS: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "BOM": lambda text: f"\ufeff{text}".encode(),
    "tabs": lambda text: re.sub(r"^(?:  )+", lambda lead: "\t" * (len(lead[0]) // 2), text, flags=re.M).encode(),
    "no end of line": lambda text: text.rstrip("\n").encode(),
    "a long line": lambda text: f"{text}// {'é' * 2000}\n".encode() if "//" in text else text.encode(),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("proof", PROOFS, ids=[proof.name for proof in PROOFS])
def test_the_same_edits_however_a_file_is_written(proof: Proof, variant: str, tmp_path: Path) -> None:
    """What becomes of a file written otherwise is what becomes of the file, written otherwise."""
    as_written = VARIANTS[variant]
    own = [rule for rule in RULES if rule.id == proof.rule]
    usual = mended(write(tmp_path / "usual", proof.files), own, unsafe=not proof.safe)
    for path, text in proof.files.items():
        (tmp_path / "other" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "other" / path).write_bytes(text.encode() if path.endswith("json") else as_written(text))
    other = mended(tmp_path / "other", own, unsafe=not proof.safe).texts
    wanted = {path: as_written(text.decode()) for path, text in usual.texts.items()}
    if variant == "no end of line":  # where the last line goes, the one before keeps its end
        wanted, other = ({path: text.rstrip() for path, text in texts.items()} for texts in (wanted, other))
    assert other == wanted


def test_mixed_ends_of_lines_stay_outside_of_the_edits(tmp_path: Path) -> None:
    root = project(tmp_path, "A")
    mixed = memo("A").replace("[user]);\n", "[user]);\r\n").encode()
    (root / "src/A.jsx").write_bytes(mixed)
    assert fixed(root).returncode == 0
    assert (root / "src/A.jsx").read_bytes().endswith(b'user.name;\r\n  return <p title="\xc3\xa9">{name}</p>;\n}\n')


def test_what_is_no_utf_8_is_left_alone_and_said_so(tmp_path: Path) -> None:
    root = project(tmp_path, "A", "B")
    (root / "src/A.jsx").write_bytes(memo("A").replace("é", "\udce9").encode("utf-8", "surrogateescape"))
    before = files(root)
    done = fixed(root)
    assert "slowpath: src/A.jsx: not UTF-8 (byte 131), skipped\n" in done.stderr
    assert "slowpath: fixed src/B.jsx:3: needless-use-memo: Use the plain value\n" in done.stderr
    assert {path for path, text in files(root).items() if text != before[path]} == {"src/B.jsx"}


def test_what_is_fixed_is_listed_or_counted(tmp_path: Path) -> None:
    few = fixed(project(tmp_path / "few", "B", "A"))
    assert few.stderr == (
        "slowpath: fixed src/A.jsx:3: needless-use-memo: Use the plain value\n"
        "slowpath: fixed src/B.jsx:3: needless-use-memo: Use the plain value\n"
        "slowpath: 2 findings fixed\n"
    )
    many = project(tmp_path / "many", *(f"A{number}" for number in range(11)))
    shown = run("scan", many, "--diff", "--unsafe-fixes", "--select", "needless-use-memo")
    assert shown.stderr == "slowpath: would fix 11 × needless-use-memo\nslowpath: 11 findings would be fixed\n"
    assert fixed(many).stderr == "slowpath: fixed 11 × needless-use-memo\nslowpath: 11 findings fixed\n"


def test_a_diff_exits_1_only_where_it_shows_something(tmp_path: Path) -> None:
    root = project(tmp_path, "A")
    diff = ("scan", root, "--diff", "--unsafe-fixes")
    assert (run(*diff).returncode, run(*diff, "--exit-zero").returncode) == (1, 0)
    assert run("scan", root, "--diff").returncode == 0  # the finding has no safe fix
    assert run("scan", root).returncode == 1
    before = files(root)
    both = run(*diff, "--fix")
    assert both.returncode == 1 and both.stdout == run(*diff).stdout and files(root) == before


def test_only_what_is_shown_is_fixed(tmp_path: Path) -> None:
    root = project(tmp_path, "A", "B")
    before = files(root)
    assert fixed(root, "--min-confidence", "high").returncode == 0  # both are of high confidence
    write(root, {path: text.decode() for path, text in before.items()})
    assert run("scan", root / "src/B.jsx", "--fix", "--unsafe-fixes").returncode == 0
    assert {path for path, text in files(root).items() if text != before[path]} == {"src/B.jsx"}
    write(root, {"slowpath.toml": '[per-file-ignores]\n"src/A.jsx" = ["needless-use-memo"]\n'})
    assert fixed(root).returncode == 0 and (root / "src/A.jsx").read_text("utf-8") == memo("A")


NAMES = (
    "plain.jsx",
    "with space.jsx",
    "naïve-é.jsx",
    'quo"te.jsx',
    "back\\slash.jsx",
    "a+b$(c);'d'.jsx",
    "tab\tin.jsx",
)


@pytest.mark.parametrize("tool", ["git apply", "git apply below", "patch"])
def test_a_diff_applies(tool: str, tmp_path: Path) -> None:
    """To names and ends of lines of all kinds, and it makes files."""
    if shutil.which(tool.split()[0]) is None:
        pytest.skip(f"{tool.split()[0]} is not installed")
    root = project(tmp_path / "top/own")
    for name, variant in zip(NAMES, cycle(["CRLF", "usual", "no end of line"])):
        path = root / "src" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(VARIANTS.get(variant, str.encode)(memo("A")))
    write(root, {"migrations/1_start.sql": "CREATE TABLE pens (id SERIAL PRIMARY KEY, code TEXT);"})
    query = 'pub async fn f(p: &Pool) { sqlx::query("SELECT 1 FROM pens WHERE code = $1").fetch_one(p).await; }\n'
    write(root, {"src/lib.rs": query})
    copy = Path(shutil.copytree(tmp_path / "top", tmp_path / "copy"))
    shown = subprocess.run(
        [sys.executable, "-m", "slowpath", "scan", root, "--diff", "--unsafe-fixes"], capture_output=True
    )
    assert run("scan", root, "--fix", "--unsafe-fixes").returncode in (0, 1)
    assert len({path for path, text in files(root).items() if files(copy / "own").get(path) != text}) == len(NAMES) + 1
    if "below" in tool:
        subprocess.run(["git", "init", "-q", copy], check=True)
    command = ["patch", "-p1", "--binary", "--quiet"] if tool == "patch" else ["git", "apply", "-"]
    applied = subprocess.run(command, cwd=copy / "own", input=shown.stdout, capture_output=True)
    assert applied.returncode == 0, applied.stderr
    assert files(copy / "own") == files(root)


def test_of_two_fixes_at_one_place_the_second_takes_the_next_round(tmp_path: Path) -> None:
    """Both move to a hook's import, and the selectors of both want one more."""
    store = 'import { create } from "zustand";\nexport const useBasket = create(() => ({ a: 1, b: 2 }));\n'
    cart = """import { useBasket } from "./store";
export function Cart() {
  const [one] = useBasket((state) => [state.a]);
  const [two] = useBasket((state) => [state.b]);
  return <p>{one}{two}</p>;
}
"""
    root = write(tmp_path, {"src/store.js": store, "src/Cart.jsx": cart})
    done = run("scan", root, "--fix", "--unsafe-fixes", "--select", "selector-returns-new-object")
    assert done.returncode == 0 and "2 findings fixed" in done.stderr
    text = (root / "src/Cart.jsx").read_text()
    assert text.count("useShallow((state)") == 2 and text.count("import { useShallow }") == 1


def test_too_large_files_are_no_ones_to_fix(tmp_path: Path) -> None:
    root = project(tmp_path, "A", "B")
    with (root / "src/A.jsx").open("a") as file:
        file.write("// padding\n" * 150_000)
    done = fixed(root)
    assert "1 finding fixed" in done.stderr and "src/A.jsx: 1.7 MB, too large" in done.stderr
    assert (root / "src/A.jsx").read_text("utf-8").startswith(memo("A"))


def test_since_a_revision_only_what_is_new_is_fixed(tmp_path: Path) -> None:
    """Also in a file that has the same finding from before, and although the fix moves that one down."""
    store = 'import { create } from "zustand";\nexport const useBasket = create(() => ({ a: 1, b: 2 }));\n'
    old = (
        'import { useBasket } from "./store";\nexport function Old() {\n  return useBasket((state) => [state.a]);\n}\n'
    )
    new = "export function New() {\n  return useBasket((state) => [state.b]);\n}\n"
    root = write(project(tmp_path, "A"), {"src/store.js": store, "src/cart.js": old})
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "start"]):
        subprocess.run([*git, *command], check=True)
    write(root, {"src/cart.js": old + new})
    done = run("scan", root, "--fix", "--unsafe-fixes", "--since", "HEAD")
    assert "fixed src/cart.js:6: selector-returns-new-object" in done.stderr and "1 finding fixed" in done.stderr
    text = (root / "src/cart.js").read_text()
    assert "useBasket((state) => [state.a])" in text and "useBasket(useShallow((state) => [state.b]))" in text
    assert (root / "src/A.jsx").read_text("utf-8") == memo("A")


def test_what_the_baseline_holds_is_not_fixed(tmp_path: Path) -> None:
    root = project(tmp_path, "A")
    assert run("scan", root, "--write-baseline").returncode == 0
    write(root, {"src/B.jsx": memo("B")})
    done = run("scan", root, "--fix", "--unsafe-fixes")
    assert done.returncode == 0 and "slowpath: 1 finding fixed\n" in done.stderr
    assert (root / "src/A.jsx").read_text("utf-8") == memo("A") and "useMemo" not in (root / "src/B.jsx").read_text()


def test_new_migrations_have_versions_of_their_own(tmp_path: Path) -> None:
    """An index that is missing, that of a foreign key, and one that goes: each rule counts for itself."""
    start = """CREATE TABLE boxes (id SERIAL PRIMARY KEY);
CREATE TABLE pens (id SERIAL PRIMARY KEY, box_id INT REFERENCES boxes, code TEXT, size INT, made_at DATE);
CREATE INDEX pens_size_idx ON pens (size);
CREATE INDEX pens_size_made_at_idx ON pens (size, made_at);
"""
    code = """pub async fn find(pool: &Pool, a: &str) {
    sqlx::query("SELECT 1 FROM pens WHERE code = $1").bind(a).fetch_one(pool).await.unwrap();
    sqlx::query("SELECT 1 FROM pens WHERE box_id = $1").bind(a).fetch_one(pool).await.unwrap();
}
"""
    root = write(tmp_path, {"slowpath.toml": "", "migrations/0009_start.sql": start, "src/lib.rs": code})
    done = run("scan", root, "--fix", "--unsafe-fixes", "--select", "sql,diesel")
    assert "3 findings fixed" in done.stderr and done.returncode == 0, done.stderr
    made = sorted(path.name for path in (root / "migrations").iterdir())
    assert len(made) == 4 and len({name.partition("_")[0] for name in made}) == 4
    assert {name.partition("_")[2] for name in made[1:]} == {
        "add_pens_code_idx.sql",
        "add_pens_box_id_idx.sql",
        "drop_pens_size_idx.sql",
    }
