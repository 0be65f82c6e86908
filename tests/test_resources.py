"""Watching what really runs: processes, the host, a PostgreSQL, servers that answer as Docker and Prometheus do."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import postgres
import psutil
import psycopg
import pytest

from slowpath.runtime.processes import ProcessError, find, generators
from slowpath.runtime.resources import ResourcesError, Watch, WatchPlan
from slowpath.runtime.resources_database import Database
from slowpath.runtime.resources_processes import Processes, Tree
from slowpath.runtime.sources import Sample, Source, SourceError

STAGED = Path(__file__).parents[1] / "bench/staged_server.py"
BUSY = "while True: pass"
BURN = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-c', 'sum(range(2_000_000))'])"


@contextlib.contextmanager
def running(*command: str, line: bool = False) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of ours, and the first line that it prints, if it is asked for."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip() if line and process.stdout else ""
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()


def figures(source: Source) -> dict[str, float]:
    return {f"{one.name} {one.subject}".strip(): one.value for one in source.read()}


def later(source: Source, until: Callable[[dict[str, float]], bool], pause: float = 0.3) -> dict[str, float]:
    """The figures, once they are as they must become."""
    end = time.monotonic() + 10
    while True:
        found = figures(source)
        if until(found) or time.monotonic() > end:
            return found
        time.sleep(pause)


def test_a_busy_thread_is_seen_however_busy_the_host_is() -> None:
    with running(sys.executable, "-c", BUSY) as (process, _):
        source = Processes({"app": lambda: find(str(process.pid))})
        assert "process.cpu app" not in figures(source), "there is nothing to compare the first look with"
        found = later(source, lambda seen: seen.get("process.busiest_thread app", 0) > 0.8)
        assert found["process.busiest_thread app"] > 0.8
        assert 0 < found["process.cpu app"] < 1.2
        assert found["process.memory app"] > 1e6 and found["process.threads app"] == 1


def test_children_that_live_for_a_moment_are_counted() -> None:
    with running(sys.executable, "-c", BURN) as (process, _):
        source = Processes({"app": lambda: find(str(process.pid))})
        figures(source)
        time.sleep(1.5)
        own = sum(psutil.Process(process.pid).cpu_times()[:2])
        assert figures(source)["process.cpu app"] * 1.5 > 2 * own


def test_who_starts_the_load_is_counted_without_it() -> None:
    """The time of a k6 that ended is that of its parent's children."""
    with running(sys.executable, "-c", BURN) as (process, _):
        tree = Tree(lambda: find(str(process.pid)), alone=True)
        list(tree.look("reader", {}))
        before = sum(psutil.Process(process.pid).cpu_times()[:2])
        time.sleep(1)
        found = {one.name: one.value for one in tree.look("reader", {})}
        own = sum(psutil.Process(process.pid).cpu_times()[:2]) - before
        assert found["process.cpu"] <= own + 0.1 and found["process.threads"] == 1


def test_a_process_that_joins_late_brings_no_past() -> None:
    with running(sys.executable, "-c", BUSY) as (process, _):
        time.sleep(1)
        found: list[psutil.Process] = [psutil.Process()]
        tree = Tree(lambda: found)
        list(tree.look("app", {}))
        time.sleep(0.5)
        late = list(tree.look("app", {os.getpid(): [psutil.Process(process.pid)]}))
        assert next(sample.value for sample in late if sample.name == "process.cpu") < 1


def test_a_server_that_restarts_on_its_port_is_found_again() -> None:
    with running(sys.executable, str(STAGED), "fast", line=True) as (first, port):
        source = Processes({"app": lambda: find(f":{port}")})
        assert "process.memory app" in figures(source)
        first.kill()
        first.wait()
        assert "process.memory app" not in figures(source)
        command = f"import http.server; http.server.HTTPServer(('127.0.0.1', {port}), None).serve_forever()"
        with running(sys.executable, "-c", command):
            assert "process.memory app" in later(source, lambda seen: "process.memory app" in seen)


def test_k6_is_found_once_it_runs(tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("k6")
    k6 = shutil.which("k6") or (str(beside) if beside.exists() else None)
    if k6 is None:
        pytest.skip("k6 is not on PATH")
    script = tmp_path / "idle.js"
    script.write_text("import { sleep } from 'k6'; export default () => sleep(20);")
    with running(k6, "run", "-q", "--no-usage-report", "--address", "", str(script)) as (process, _):
        until = time.monotonic() + 10
        while process.pid not in [one.pid for one in generators()] and time.monotonic() < until:
            time.sleep(0.1)
        assert process.pid in [one.pid for one in generators()]
        while figures(Processes({}))["process.memory k6"] < 1e6 and time.monotonic() < until:
            time.sleep(0.1)
        assert figures(Processes({}))["process.memory k6"] > 1e6


@pytest.mark.skipif(not Path("/proc/self/syscall").exists(), reason="the kernel does not show system calls")
@pytest.mark.parametrize(("mode", "stalled"), [("blocked", True), ("fast", False)])
def test_an_event_loop_that_sleeps_in_blocking_work_is_stalled(mode: str, stalled: bool) -> None:
    with running(sys.executable, str(STAGED), mode, line=True) as (process, port):
        source = Processes({"app": lambda: find(str(process.pid))})
        assert later(source, lambda seen: "process.event_loops app" in seen)["process.event_loops app"] == 0, "it rests"
        asking = threading.Thread(target=_ask, args=(f"http://127.0.0.1:{port}/",), daemon=True)
        asking.start()
        seen = []
        while asking.is_alive():
            seen.append(figures(source)["process.stalled_loops app"])
        assert (sum(seen) >= 3) == stalled, seen


def _ask(url: str) -> None:
    for _ in range(40):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()


@pytest.mark.parametrize("wanted", ["999999999999", "no-such-program-here", ":1"])
def test_what_does_not_run_is_refused_at_once(wanted: str) -> None:
    with pytest.raises(ResourcesError, match=r"nothing listens|no process has"):
        Watch(WatchPlan(app=(wanted,))).start()


def test_a_port_is_a_number() -> None:
    with pytest.raises(ProcessError, match="a port is a number"):
        find(":http")


@pytest.fixture
def sessions(cluster: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    database = cluster.database()
    database.ask("CREATE TABLE staged AS SELECT 1 AS id")
    monkeypatch.setenv("STAGED_DATABASE", database.address)
    with contextlib.ExitStack() as stack:
        yield Sessions(database.address, stack)


class Sessions:
    """Connections of an application, each with a thread."""

    def __init__(self, address: str, stack: contextlib.ExitStack) -> None:
        self._address = address
        self._stack = stack

    def run(self, *statements: str) -> None:
        """Returns at once; the last statement may go on for long."""
        connection = psycopg.connect(self._address, autocommit=True, application_name="app")
        self._stack.callback(connection.close)
        asked: queue.Queue[None] = queue.Queue()

        def work() -> None:
            asked.put(None)
            with contextlib.suppress(psycopg.Error):
                for statement in statements:
                    connection.execute(statement)

        threading.Thread(target=work, daemon=True).start()
        self._stack.callback(lambda: connection.cancel_safe(timeout=2))
        asked.get()


def test_sessions_are_told_by_what_they_do(sessions: Sessions) -> None:
    source = Database("STAGED_DATABASE", False)
    assert figures(source)["db.active"] == 0, "our own session is none of the application's"
    sessions.run("BEGIN", "UPDATE staged SET id = 2")
    sessions.run("SELECT 1")
    waits = later(source, lambda seen: seen["db.idle_in_transaction"] == 1 and seen["db.idle"] == 1)
    assert (waits["db.idle_in_transaction"], waits["db.idle"]) == (1, 1)
    for _ in range(2):
        sessions.run("UPDATE staged SET id = 3")
    sessions.run("SELECT pg_sleep(20)")
    found = later(source, lambda seen: seen.get("db.wait.Lock") == 2 and "db.wait.Timeout" in seen)
    assert {name: found[f"db.{name}"] for name in ("active", "wait.Lock", "blocked", "wait.Timeout")} == {
        "active": 3,
        "wait.Lock": 2,
        "blocked": 2,
        "wait.Timeout": 1,
    }
    assert found["db.oldest_transaction"] > 0 and found["db.max_connections"] == 100
    source.close()


def test_sessions_that_rest_are_not_used(sessions: Sessions) -> None:
    source = Database("STAGED_DATABASE", False)
    sessions.run("SELECT 1")
    assert later(source, lambda seen: seen["db.used"] == 1)["db.used"] == 1
    assert later(source, lambda seen: seen["db.used"] == 0)["db.used"] == 0
    source.close()


def test_a_lost_connection_is_said_and_made_anew(sessions: Sessions, cluster: postgres.Cluster) -> None:
    source = Database("STAGED_DATABASE", False)
    figures(source)
    cluster.database().ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slowpath'")
    with pytest.raises(SourceError, match="the database did not answer"):
        for _ in range(50):
            figures(source)
            time.sleep(0.05)
    assert figures(source)["db.active"] == 0
    source.close()


def test_all_together(sessions: Sessions, tmp_path: Path) -> None:
    """One part on one clock; PostgreSQL's processes are found by themselves; what fails is said once."""
    sessions.run("BEGIN")
    os.environ["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"
    try:
        with running(sys.executable, "-c", BUSY) as (process, _):
            watch = Watch(
                WatchPlan(
                    app=(str(process.pid),),
                    database_env="STAGED_DATABASE",
                    docker=("app=shop",),
                    prometheus="http://127.0.0.1:1",
                    ranges={"rps": "rate(requests[10s])"},
                    pool_max=5,
                )
            )
            watch.start()
            time.sleep(3.2)
            part = watch.stop()
    finally:
        del os.environ["DOCKER_HOST"]
    found = {(one.name, one.subject): one for one in part.series}
    assert {("host.cpu", ""), ("process.cpu", "app"), ("process.cpu", "postgres"), ("psi.cpu", "")} <= set(found)
    assert found["db.idle_in_transaction", ""].values[-1] == 1
    assert all(part.started <= time_ <= part.finished + 1 for one in part.series for time_ in one.times)
    assert part.complete and part.pool_max == 5 and part.tools["PostgreSQL"].startswith("1")
    told = [(remark.about, remark.message) for remark in part.remarks]
    assert told == [
        ("container shop", "not measured: no answer: No such file or directory"),
        ("Prometheus, rps", "a rate over 10 s sees few scrapes; its window should hold four"),
        ("Prometheus, rps", "not measured: no answer: Connection refused"),
    ]


def test_a_source_that_comes_back_is_said_once_each() -> None:
    class Source:
        name, period, count = "source", 0.01, 0

        def read(self) -> Iterator[Sample]:
            self.count += 1
            if 3 <= self.count < 9:
                raise SourceError("gone")
            yield Sample("prom.x", "", "", self.count)

        def close(self) -> None: ...

    from slowpath.runtime.resources import _Asked

    end = threading.Event()
    asked = _Asked(Source(), end)
    asked.start()
    time.sleep(0.5)
    end.set()
    asked.join()
    assert [remark.message for remark in asked.remarks] == ["lost: gone", "is back after 0 s"]
    assert len(asked.series()[0].values) > 3
