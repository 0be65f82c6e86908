"""What was worked out before is not worked out again, and the answer is that of a scan that knows nothing."""

from __future__ import annotations

import gc
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import edits
import msgspec
import pytest
from surface import project, write

from slowpath import asking, engine, program, rulebook, workers
from slowpath.cache import MAX_RESULTS, Cache
from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.model.report import Report
from slowpath.per_path import Override
from slowpath.session import Session

RULES = rulebook.load()
WHOLE: dict[str, Any] = {"known": [rule.id for rule in RULES]}


def scanned(root: Path, cache: Path, **options: Any) -> Report:
    return engine.scan(root, options.pop("rules", RULES), cache=Cache(cache), jobs=1, **WHOLE, **options)


def remembered(report: Report) -> bool:
    return "rules" not in dict(report.stats.stages)


def test_same_input_is_not_judged_again(tmp_path: Path) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    first, second = scanned(root, cache), scanned(root, cache)
    assert not remembered(first) and remembered(second)
    assert first.findings and (second.findings, second.fingerprints) == (first.findings, first.fingerprints)
    assert (second.troubles, second.stats.files) == (first.troubles, first.stats.files)
    only = scanned(
        root, cache, scope=("src/Shelf.tsx",), narrow=lambda report: msgspec.structs.replace(report, known=7)
    )
    assert remembered(only) and len(only.findings) == 1 and only.known == 7


CHANGES: dict[str, dict[str, Any]] = {
    "confidence": {"min_confidence": "low"},
    "ignores": {"overrides": (Override("src/Shelf.tsx", never=("query-client-per-render",)),)},
    "features": {"features": {"shelf": ("src/Shelf.tsx",)}},
    "migration": {"start_after": "2024"},
    "rules": {"rules": RULES[:-1]},
    "page": {"rules": [msgspec.structs.replace(RULES[0], message="other"), *RULES[1:]]},
    "excluded": {"exclude": ["src/Shelf.tsx"]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_settings_are_another_scan(tmp_path: Path, change: str) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    scanned(root, cache)
    assert not remembered(scanned(root, cache, **CHANGES[change]))


EDITS: dict[str, dict[str, str]] = {
    "content": {"src/Shelf.tsx": "export {};"},
    "new file": {"src/new.ts": "export {};"},
    "not read": {"src/gen.rs": "// @generated\n"},
}


@pytest.mark.parametrize("edit", EDITS)
def test_other_files_are_another_scan(tmp_path: Path, edit: str) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    scanned(root, cache)
    write(root, EDITS[edit])
    assert not remembered(scanned(root, cache))
    made = root / next(iter(EDITS[edit]))
    made.rename(made.with_stem("renamed"))
    assert not remembered(scanned(root, cache))


@pytest.mark.parametrize("damage", ["data = x'c1'", "data = 7", "data = substr(data, 1, 40)", "key = x'00'"])
def test_damaged_result_is_worked_out_anew(tmp_path: Path, damage: str) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    first = scanned(root, cache)
    with sqlite3.connect(cache / "facts.db") as db:
        assert db.execute(f"UPDATE OR REPLACE results SET {damage}").rowcount > 1
    second = scanned(root, cache)
    assert not remembered(second) and second.findings == first.findings and not second.troubles


def test_only_the_newest_results_are_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(MAX_RESULTS + 20):
        cache.keep_result(b"%d" % number, b"x")
    assert cache.result(b"%d" % (MAX_RESULTS + 19)) == b"x" and cache.result(b"20") == b"x"
    assert cache.result(b"19") is None and not cache.trouble


def test_rule_that_failed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slowpath import query

    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    with monkeypatch.context() as patched:
        patched.setattr(query, "check", lambda *_: 1 / 0)
        assert [trouble.internal for trouble in scanned(root, cache).troubles] == [True]
    assert not scanned(root, cache).troubles


FIXTURES = Path(__file__).parent.parent / "fixtures"


def test_only_rules_that_read_what_changed_are_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = shutil.ignore_patterns("target", "node_modules", "dist")
    root, cache = shutil.copytree(FIXTURES / "shop", tmp_path / "shop", ignore=left), tmp_path / "cache"
    scanned(root, cache)
    asked: list[str] = []
    answer = asking.answer
    monkeypatch.setattr(asking, "answer", lambda program, rule: asked.append(rule.id) or answer(program, rule))
    page = root / "web/src/pages/HomePage.tsx"
    page.write_text(page.read_text().replace('badges={["new"]}', ""))
    recalled = scanned(root, cache)
    assert {"memo-defeated", "request-fan-out"} <= set(asked)
    assert not set(asked) & {"blocking-in-async", "n-plus-one", "missing-index", "unused-dependency"}
    assert recalled.findings == scanned(root, tmp_path / "other").findings


@pytest.mark.parametrize("name", ["shop", "board", "depot"])
def test_session_says_what_a_scan_says(tmp_path: Path, name: str) -> None:
    left = shutil.ignore_patterns("target", "node_modules", "dist")
    root = shutil.copytree(FIXTURES / name, tmp_path / name, ignore=left)
    cache = Cache(tmp_path / "cache")
    session = Session(root, RULES, {"cache": cache, "jobs": 1, "min_confidence": "low", **WHOLE})
    dice = random.Random(name)
    for step in range(12):
        edits.step(session, root, dice)
        # Counting calls, it recalls facts and nothing else.
        fresh = engine.analyse(session.texts(), RULES, cache=cache, min_confidence="low", count_calls=True, **WHOLE)
        recalled = engine.analyse(session.texts(), RULES, cache=cache, min_confidence="low", **WHOLE)
        for report in (session.report(), recalled):
            assert report.findings and report.findings == fresh.findings, f"step {step}"
            assert report.fingerprints == fresh.fingerprints and report.troubles == fresh.troubles, f"step {step}"


def linked(name: str) -> program.Program:
    found = discover(FIXTURES / name)
    return link(facts_of(found, RULES, 1, None).files, found.unread)


@pytest.mark.parametrize("view", program.VIEWS)
def test_views_are_linked_from_what_they_say(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that read more than it says would be taken for unchanged when it is not."""
    said = program.VIEWS[view]
    monkeypatch.setattr(program, "VIEWS", dict.fromkeys(program.VIEWS, frozenset()))
    shop = linked("shop")
    getattr(shop, view)
    assert shop.read and shop.read <= said


def test_two_processes_say_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MANY_CALLS", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    started = []
    aside = workers.aside
    monkeypatch.setattr(workers, "aside", lambda work: started.append(1) or aside(work))
    rules = [rule for rule in RULES if rule.kind != "allow"]
    alone = asking.answers(linked("shop"), rules, 1)
    assert not started and sum(len(one.findings) for one in alone) > 20
    together = asking.answers(linked("shop"), rules, 2)
    assert started or not workers.two_at_once(2)
    assert [(one.findings, one.troubles, one.views) for one in together] == [
        (one.findings, one.troubles, one.views) for one in alone
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("death", ["exit", "error"])
def test_second_process_that_dies_costs_nothing(death: str) -> None:
    here = os.getpid()

    def work() -> bytes:
        if os.getpid() != here:
            if death == "exit":
                os._exit(7)
            raise MemoryError
        return b"done here"

    assert workers.aside(work)() == b"done here"
    assert workers.aside(lambda: str(os.getpid()).encode())() != str(here).encode()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_process_that_is_not_to_be_had_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    assert workers.aside(lambda: b"done here")() == b"done here"


MANY = [workers.Task("rust", b"fn f%d() { g(); }\n" % number * 70, ()) for number in range(4)]


def test_process_with_threads_does_not_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that another thread holds would stay locked in the workers."""

    def forked() -> int:
        raise AssertionError

    monkeypatch.setattr(os, "fork", forked)
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    done = threading.Event()
    beside = threading.Thread(target=done.wait)
    beside.start()
    try:
        outcomes = list(workers.extract_all(MANY, 2))
    finally:
        done.set()
        beside.join()
    assert outcomes == [workers.extract_one(task) for task in MANY]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")
def test_workers_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    texts = {f"src/f{number}.rs": task.source.decode() * 100 for number, task in enumerate(MANY)}
    root = write(tmp_path, {"slowpath.toml": "", **texts})
    scan = subprocess.Popen([sys.executable, "-m", "slowpath", "scan", "--jobs", "2", str(root)])
    started = Path(f"/proc/{scan.pid}/task/{scan.pid}/children")
    while len(own := started.read_text().split()) < 2:
        time.sleep(0.01)
    scan.kill()
    scan.wait()
    until = time.monotonic() + 30
    while alive := [pid for pid in own if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until, alive
        time.sleep(0.1)


def test_rust_is_not_linked_anew_for_the_body_of_a_function(tmp_path: Path) -> None:
    helper = 'fn helper() {\n    let _ = std::fs::read("a");\n}\n'
    source = f'#[actix_web::get("/")]\npub async fn handler() {{\n    helper();\n}}\n\n{helper}'
    manifest = '[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nactix-web = "4"\n'
    main = "mod work;\n\nfn main() {}\n"
    root = write(tmp_path, {"Cargo.toml": manifest, "src/main.rs": main, "src/work.rs": source})
    session = Session(root, RULES, WHOLE | {"jobs": 1})

    def reads() -> list[str]:
        return [found.function for found in session.report().findings if found.rule == "blocking-in-async"]

    assert reads() == ["handler"]
    linked_once = session._memory._program.rust  # type: ignore[union-attr]
    session.hold("src/work.rs", source.replace("helper();", "").encode())
    assert reads() == []
    session.hold("src/work.rs", source.replace("helper();", 'std::fs::write("b", "c").unwrap();').encode())
    assert reads() == ["handler"]
    assert session._memory._program.rust is linked_once  # type: ignore[union-attr]
    session.hold("src/work.rs", source.replace("fn helper()", "async fn helper()").encode())
    reads()
    assert session._memory._program.rust is not linked_once  # type: ignore[union-attr]


def test_programs_that_were_replaced_are_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the thresholds of a scan no collection would find them before memory is full."""
    root = write(tmp_path, {"src/lib.rs": "struct A;\nimpl A {\n    fn a(&self) {}\n}\n"})
    session = Session(root, RULES, WHOLE | {"jobs": 1})
    session.report()
    gc.disable()
    try:
        gc.freeze()
        program = session._memory._program
        assert program is not None
        old = weakref.ref(program.rust)
        del program
        session.hold("src/lib.rs", b"struct B;\nimpl B {\n    fn b(&self) {}\n}\n")
        session.report()
        session.tidy()
        assert old() is not None, "few are not worth the time"
        monkeypatch.setattr("slowpath.session.GROWN", 0)
        session.tidy()
        assert old() is None
    finally:
        gc.enable()
        gc.unfreeze()


def test_no_program_is_kept_by_a_cache(tmp_path: Path) -> None:
    root = shutil.copytree(FIXTURES / "board", tmp_path / "board", ignore=shutil.ignore_patterns("target", "web"))
    session = Session(root, RULES, WHOLE | {"jobs": 1})
    [path, *_] = [path for path, language, _ in session.texts().files if language == "rust"]
    programs = []
    for number in range(5):
        session.hold(path, b"pub fn made%d() {}\n" % number)
        session.report()
        programs.append(weakref.ref(session._memory._program))  # type: ignore[arg-type]
    gc.collect()
    assert len([own for own in programs if own() is not None]) <= 2
