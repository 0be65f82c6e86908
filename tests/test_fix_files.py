"""Fixes meet files of all kinds: how they are written, changed meanwhile, shared, on a full disk, and by whom else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from proofs import Proof, mended, proofs
from surface import run, write

from slowpath import fix_files, rulebook
from slowpath.model.finding import Edit, Fix, Place

RULES = rulebook.load()
PROOFS = [proof for proof in proofs() if not any(path.endswith(".sql") for path in proof.files)]
MEMO = """import { useMemo } from "react";
export function NAME({ user }) {
  const name = useMemo(() => user.name, [user]);
  return <p title="é">{name}</p>;
}
"""
PLAIN = MEMO.replace('import { useMemo } from "react";\n', "").replace("useMemo(() => user.name, [user])", "user.name")
"""As the unsafe fix leaves it, but for the empty line where the import was."""


def memo(name: str) -> str:
    return MEMO.replace("NAME", name)


def project(root: Path, *names: str) -> Path:
    """Files with one finding each that has an unsafe fix."""
    return write(root, {"slowpath.toml": "", **{f"src/{name}.jsx": memo(name) for name in names}})


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def fixed(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("scan", root, "--fix", "--unsafe-fixes", "--select", "needless-use-memo", *arguments)


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
    usual = mended(write(tmp_path / "usual", proof.files), RULES, unsafe=not proof.safe)
    for path, text in proof.files.items():
        (tmp_path / "other" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "other" / path).write_bytes(text.encode() if path.endswith("json") else as_written(text))
    other = mended(tmp_path / "other", RULES, unsafe=not proof.safe).texts
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
@pytest.mark.parametrize("variant", ["usual", "CRLF", "no end of line"])
def test_a_diff_applies(tool: str, variant: str, tmp_path: Path) -> None:
    if shutil.which(tool.split()[0]) is None:
        pytest.skip(f"{tool.split()[0]} is not installed")
    root = project(tmp_path / "top/own")
    for name in NAMES:
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


def test_links_share_what_is_written_and_names_of_one_file_part(tmp_path: Path) -> None:
    """A name of the same file (a hard link) outside of the project keeps the old text: what is there is not ours."""
    root = project(tmp_path / "own", "A")
    (root / "src/linked.jsx").symlink_to("A.jsx")
    os.link(root / "src/A.jsx", tmp_path / "outside.jsx")
    (root / "src/A.jsx").chmod(0o640)
    assert fixed(root).returncode == 0
    assert (root / "src/linked.jsx").is_symlink() and "useMemo" not in (root / "src/linked.jsx").read_text()
    assert (tmp_path / "outside.jsx").read_text("utf-8") == memo("A")
    assert (root / "src/A.jsx").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    root = project(tmp_path, "A")
    os.chown(root / "src/A.jsx", 1234, 4321)
    (root / "src/A.jsx").chmod(0o664)
    assert fixed(root).returncode == 0
    found = (root / "src/A.jsx").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 4321, 0o664)


def test_too_large_files_are_no_ones_to_fix(tmp_path: Path) -> None:
    root = project(tmp_path, "A", "B")
    with (root / "src/A.jsx").open("a") as file:
        file.write("// padding\n" * 150_000)
    done = fixed(root)
    assert "1 finding fixed" in done.stderr and "src/A.jsx: 1.7 MB, too large" in done.stderr
    assert (root / "src/A.jsx").read_text("utf-8").startswith(memo("A"))


def test_what_a_killed_run_left_is_neither_read_nor_in_the_way(tmp_path: Path) -> None:
    root = project(tmp_path, "A")
    for name in (".slowpath-1-0.tmp", ".slowpath-0123456789abcdef.tmp"):
        (root / "src" / name).write_text(memo("A"))
    assert "1 finding fixed" in fixed(root).stderr
    assert sorted(path.name for path in (root / "src").iterdir()) == [
        ".slowpath-0123456789abcdef.tmp",
        ".slowpath-1-0.tmp",
        "A.jsx",
    ]


def edits(*paths: str) -> list[Fix]:
    """One fix that makes `new` of the `old` of all these, or makes them."""
    return [Fix("", True, tuple(Edit(Place(path, (0, 3)), "new") for path in paths))]


def becomes_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def becomes_a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


MEANWHILE: dict[str, Callable[[Path], object]] = {
    "written": lambda path: path.write_bytes(b"mine"),
    "removed": lambda path: path.unlink(),
    "a folder": becomes_a_folder,
    "a link that leaves": lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
    "a link": becomes_a_link,
}


@pytest.mark.parametrize("when", ["between scan and fix", "while the new texts are written"])
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_changes_meanwhile_is_left_alone(
    what: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two files, before it is read again, or when both new texts stand beside their places."""
    write(tmp_path, {"a": "old", "b": "old"})
    change = MEANWHILE[what]
    if when == "between scan and fix":
        change(tmp_path / "b")
    else:
        like = fix_files._like

        def late(target: Path, beside: Path) -> None:
            like(target, beside)
            if target.name == "b":
                change(target)

        monkeypatch.setattr(fix_files, "_like", late)
    left = fix_files.write(tmp_path, dict.fromkeys("ab", b"old"), dict.fromkeys("ab", b"new"), edits("a", "b"))
    if (what, when) == ("a link", "between scan and fix"):  # the same text by another way: the file is written
        assert not left and (tmp_path / "elsewhere").read_bytes() == b"new" and (tmp_path / "b").is_symlink()
        return
    assert left.keys() == {"a", "b"} and left["a"].startswith("b: ") and left["a"].endswith(", left alone")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".slowpath*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_leaves_no_half_of_a_fix(number: signal.Signals, tmp_path: Path) -> None:
    """It comes when the first of two files is replaced, and waits for the second; the next fix is not begun."""
    write(tmp_path, dict.fromkeys("abc", "old"))
    program = f"""
import os, pathlib
from slowpath import fix_files
from slowpath.model.finding import Edit, Fix, Place
replace = pathlib.Path.replace
def slow(self, target):
    os.kill(os.getpid(), {int(number)})
    return replace(self, target)
pathlib.Path.replace = slow
fixes = [Fix("", True, tuple(Edit(Place(path, (0, 3)), "new") for path in paths)) for paths in ("ab", "c")]
fix_files.write(pathlib.Path("."), dict.fromkeys("abc", b"old"), dict.fromkeys("abc", b"new"), fixes)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode in (-number, 130) or "KeyboardInterrupt" in done.stderr
    assert files(tmp_path) == {"a": b"new", "b": b"new", "c": b"old"}


def test_an_error_of_our_own_in_the_middle_puts_all_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": "old", "b": "old"})
    replace, calls = Path.replace, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise RuntimeError
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(RuntimeError):
        fix_files.write(tmp_path, dict.fromkeys("ab", b"old"), dict.fromkeys("ab", b"new"), edits("a", "b"))
    assert files(tmp_path) == {"a": b"old", "b": b"old"}


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small disk takes root")
def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        root = project(disk, "A", "B")
        with (root / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(1024))
        before = files(root)
        done = fixed(root)
        assert done.returncode == 2 and "src/A.jsx: cannot be written: No space left on device" in done.stderr
        assert "0 findings fixed" in done.stderr and files(root) == before
    finally:
        subprocess.run(["umount", disk], check=True)


def test_two_at_once(tmp_path: Path) -> None:
    """Each file is fixed once, whoever was first; the other says so, or has the same text to write."""
    root = project(tmp_path, *(f"A{number}" for number in range(30)))
    command = [sys.executable, "-m", "slowpath", "scan", str(root), "--fix", "--unsafe-fixes", "--no-cache"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [each.communicate() for each in both]
    assert not any("Traceback" in errors for _, errors in told)
    assert {each.returncode for each in both} <= {0, 2}
    done = files(root)
    assert len(done) == 31 and not any(b"useMemo" in text for text in done.values())


def test_a_change_between_scan_and_fix_is_one_line(tmp_path: Path) -> None:
    """An editor writes while the scan runs."""
    root = project(tmp_path, "A", "B")
    program = """
import sys, time
from slowpath import engine
from slowpath.cli import main
mend = engine.mend
def slow(root, *given, **more):
    done = mend(root, *given, **more)
    (root / "src/A.jsx").write_text("mine")
    return done
engine.mend = slow
main()
"""
    command = [sys.executable, "-c", program, "scan", str(root), "--fix", "--unsafe-fixes"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "slowpath: src/A.jsx: changed since it was read, left alone",
        "slowpath: fixed src/B.jsx:3: needless-use-memo: Use the plain value",
        "slowpath: 1 finding fixed",
    ]
    assert (root / "src/A.jsx").read_text() == "mine" and "useMemo" not in (root / "src/B.jsx").read_text()


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
