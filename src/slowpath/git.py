"""What a checkout knows of its history, asked of git. Names are relative to the folder that is asked about.

The checkout is not trusted: nothing of it is started (no hook, monitor, filter or external diff), nothing is fetched,
nothing is written.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from slowpath.programs import on_path

LINK, SUBMODULE = "120000", "160000"
QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "--no-pager")
PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE")
CHUNK = 1 << 20


class GitError(Exception):
    """What git does not know or cannot read, in one line."""


class Entry(NamedTuple):
    """What a tree or the index holds under a name."""

    mode: str
    oid: str
    sparse: bool = False
    """Of the index: the checkout leaves it out."""


def checkout(path: Path) -> Path | None:
    """The top of the working tree that a folder lies in; `.git` is a file in worktrees and submodules."""
    return next((folder for folder in (path, *path.parents) if (folder / ".git").exists()), None)


def names(root: Path, *, untracked: bool) -> list[str]:
    """The files below the folder that git does not ignore; those that it was not told of only where asked for."""
    others = ["--others", "--exclude-standard"] if untracked else []
    return _split(_asked(root, "ls-files", "-z", "--cached", *others))


def index(root: Path) -> dict[str, Entry]:
    """What is staged below the folder; of a conflict our side."""
    found: dict[str, Entry] = {}
    for line in _split(_asked(root, "ls-files", "-z", "-v", "--stage")):
        about, _, name = line.partition("\t")
        tag, mode, oid, stage = about.split(" ")
        if stage in ("0", "2") or name not in found:
            found[name] = Entry(mode, oid, tag in "Ss")
    return found


def tree(root: Path, commit: str) -> dict[str, Entry]:
    """What a commit holds below the folder."""
    found = {}
    for line in _split(_asked(root, "ls-tree", "-z", "-r", commit)):
        about, _, name = line.partition("\t")
        mode, _, oid = about.split(" ")
        found[name] = Entry(mode, oid)
    return found


def renamed(root: Path, commit: str) -> dict[str, str]:
    """Name in the index → its name in the commit, of the files that git holds for renamed."""
    raw = _split(_asked(root, "diff-index", "--cached", "-M", "-z", "--name-status", "--relative", "--diff-filter=R",
                        "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", commit))  # fmt: skip
    return dict(zip(raw[2::3], raw[1::3], strict=True))


def changed(root: Path, commit: str) -> list[str]:
    """The files that the index holds otherwise than the commit, in content or mode."""
    return _split(_asked(root, "diff-index", "--cached", "-z", "--name-only", "--relative", "--no-renames",
                         "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", commit))  # fmt: skip


def filtered(root: Path, wanted: Iterable[str]) -> set[str]:
    """Those of the files that the checkout holds in another form than the repository, for more than their line ends."""
    asked = b"\0".join(map(os.fsencode, wanted))
    if not asked:
        return set()
    attributes = ("filter", "ident", "working-tree-encoding")
    raw = _split(_asked(root, "check-attr", "-z", "--stdin", *attributes, given=asked))
    return {name for name, value in zip(raw[::3], raw[2::3], strict=True) if value not in ("unspecified", "unset")}


def commit(root: Path, revision: str) -> str:
    """The commit that a revision names."""
    if not revision or revision.startswith("-"):
        raise GitError(f"{revision!r} is no revision")
    found = _answer(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found:
        return found
    _asked(root, "rev-parse", "--git-dir")  # no checkout at all?
    kind = _answer(root, "cat-file", "-t", revision)
    if kind:
        raise GitError(f"{revision} is a {kind}, not a commit")
    if revision == "HEAD":
        raise GitError("there is no commit yet")
    raise GitError(f"{revision}: git knows no such revision{_fetch_more(root)}")


def fork(root: Path, revision: str, tip: str = "HEAD") -> str:
    """Where the tip left the revision: their merge base, as in `revision...tip`."""
    ours, theirs = commit(root, tip), commit(root, revision)
    found = _answer(root, "merge-base", theirs, ours)
    if not found:
        raise GitError(f"{revision} and {tip} have no commit in common{_fetch_more(root)}")
    return found


def parents(root: Path) -> tuple[str, ...]:
    """What the next commit comes after: nothing at first, two or more commits while a merge is on its way."""
    head = _answer(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        _asked(root, "ls-files", "-z", "--", ":(exclude)*")  # says it where there is no repository
        return ()
    merging = Path(_asked(root, "rev-parse", "--git-path", "MERGE_HEAD").decode(errors="surrogateescape").strip())
    try:
        merged = (root / merging).read_text("ascii").split()
    except (OSError, ValueError):
        merged = []
    return (head, *(commit(root, oid) for oid in merged))


def blob_id(content: bytes, like: str) -> str:
    """The name under which git would hold a content, in the kind of hash that `like` is."""
    digest = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


class Blobs:
    """Contents, read one by one from one git process."""

    def __init__(self, ask: IO[bytes], answer: IO[bytes]) -> None:
        self._ask, self._answer = ask, answer

    def read(self, oid: str, most: int) -> tuple[int, bytes]:
        """The size of a content and, where that is not more than `most`, the content."""
        try:
            self._ask.write(f"{oid}\n".encode())
            self._ask.flush()
            head = self._answer.readline().split()
            if len(head) != 3:
                raise GitError(f"git lacks the object {oid[:12]}: a partial clone does not do")
            size = int(head[2])
            content = self._answer.read(size) if size <= most else self._skip(size)
            self._answer.read(1)
        except OSError as error:
            raise GitError(f"git cat-file: {error.strerror}") from None
        return size, content

    def _skip(self, size: int) -> bytes:
        while size > 0:
            size -= len(self._answer.read(min(size, CHUNK))) or size
        return b""


@contextmanager
def blobs(root: Path) -> Iterator[Blobs]:
    """A reader of contents."""
    with subprocess.Popen(
        _command(root, "cat-file", "--batch"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(root),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Blobs(process.stdin, process.stdout)


def _fetch_more(root: Path) -> str:
    if _answer(root, "rev-parse", "--is-shallow-repository") != "true":
        return ""
    return "; this clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout, brings the rest"


def _asked(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git says; its own first line of complaint as GitError."""
    outcome = _run(root, *arguments, given=given)
    if outcome.returncode:
        raise GitError(_complaint(outcome.stderr, root) or f"git {arguments[0]} failed ({outcome.returncode})")
    return outcome.stdout


def _answer(root: Path, *arguments: str) -> str:
    """The same as one line of text, empty where git has no answer."""
    outcome = _run(root, *arguments)
    return "" if outcome.returncode else outcome.stdout.decode("utf-8", "replace").strip()


def _run(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            _command(root, *arguments), input=given, capture_output=True, env=_environment(root), check=False
        )
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from None


def _command(root: Path, *arguments: str) -> list[str]:
    program = on_path("git")
    if program is None:
        raise GitError("git is not on PATH")
    return [program, *QUIET, "-C", str(root), *arguments]


def _environment(root: Path) -> dict[str, str]:
    """Git finds the repository by the folder. A hook's index counts where it is of the same checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in PLACES}
    top = checkout(root)
    if top is None:  # a repository that only these variables know
        kept |= {name: os.environ[name] for name in PLACES if name in os.environ}
    elif os.environ.get("GIT_INDEX_FILE") and checkout(Path.cwd()) == top:
        kept["GIT_INDEX_FILE"] = str(Path.cwd() / os.environ["GIT_INDEX_FILE"])
    quiet = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return kept | quiet | {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}


def _complaint(stderr: bytes, root: Path) -> str:
    lines = stderr.decode("utf-8", "replace").splitlines()
    if any("dubious ownership" in line for line in lines):
        top = checkout(root) or root
        return f"{top} belongs to another user: `git config --global --add safe.directory {top}` lets git read it"
    if any("not a git repository" in line for line in lines):
        return f"{root} is in no checkout of git"
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    return f"git: {said.partition(': ')[2]}" if said else ""


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(part) for part in output.split(b"\0") if part]
