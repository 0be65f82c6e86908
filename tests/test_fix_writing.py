"""How fixes are written: over links and for owners, while others write, when a signal comes or the disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from memos import files, fixed, memo, project
from surface import write

from slowpath import fix_files
from slowpath.model.finding import Edit, Fix, Place


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
import os, pathlib, signal
from slowpath import fix_files
from slowpath.model.finding import Edit, Fix, Place
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
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


def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    """Nothing longer than 64 bytes can be written, as on a disk that is full after so many."""
    root = project(tmp_path, "A", "B")
    before = files(root)
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); from slowpath.cli import main; main()"
    command = [sys.executable, "-B", "-c", code, "scan", str(root), "--fix", "--unsafe-fixes", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "src/A.jsx: cannot be written: File too large" in done.stderr
    assert "0 findings fixed" in done.stderr and files(root) == before


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
