"""What Docker, Kubernetes and Prometheus answer, read as documented; and answers that nobody documented."""

from __future__ import annotations

import contextlib
import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from surface import write

from slowpath.runtime import resources_clock
from slowpath.runtime.resources_cgroup import quota
from slowpath.runtime.resources_docker import Docker, cpu_limit, usage
from slowpath.runtime.resources_http import connection
from slowpath.runtime.resources_kubectl import Kubectl, parsed, quantity
from slowpath.runtime.resources_prometheus import parsed as matrix
from slowpath.runtime.resources_prometheus import ranges
from slowpath.runtime.sources import SourceError
from slowpath.runtime.targets import TargetError

RECORDED = Path(__file__).parent / "recorded"
Answer = Callable[[str], tuple[int, bytes]]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


class Handler(http.server.BaseHTTPRequestHandler):
    answer: ClassVar[Answer]

    def do_GET(self) -> None:
        status, body = type(self).answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def served(answer: Answer, socket: Path | None = None) -> Iterator[str]:
    """A server on loopback, or on a Unix socket."""
    handler = type("Own", (Handler,), {"answer": staticmethod(answer)})
    server: socketserver.BaseServer
    if socket is None:
        server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        address = f"http://127.0.0.1:{server.server_port}"
    else:
        server, address = socketserver.UnixStreamServer(str(socket), handler), f"unix://{socket}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_containers_of_both_kinds_of_cgroup() -> None:
    old, new = usage(recorded("docker-stats-cgroup1.json")), usage(recorded("docker-stats-cgroup2.json"))
    assert old == (0.100215355, 0, 0, 6537216, 67108864)
    assert new == (8.5, 120, 90, 94371840 - 30408704, 134217728)


def test_the_quota_of_a_container() -> None:
    assert cpu_limit(recorded("docker-inspect.json")) == 1.5
    assert cpu_limit({"HostConfig": {"CpuQuota": 50_000, "CpuPeriod": 100_000}}) == 0.5
    assert cpu_limit({"HostConfig": {"CpuQuota": -1}}) is None


@pytest.mark.parametrize(
    ("listed", "files", "expected"),
    [
        ("0::/app/web\n", {"app/web/cpu.max": "max 100000", "app/cpu.max": "50000 100000"}, (0.5, 20, 5)),
        ("0::/\n", {"cpu.max": "150000 100000"}, (1.5, 20, 5)),
        ("0::/../outside\n", {"cpu.max": "150000 100000"}, (1.5, 20, 5)),
        ("4:memory:/x\n3:cpu,cpuacct:/app\n", {"cpu,cpuacct/app/cpu.cfs_quota_us": "200000"}, (2.0, 20, 5)),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1"}, None),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("", {}, None),
    ],
)
def test_the_quota_of_a_control_group(
    listed: str, files: dict[str, str], expected: tuple[float, float, float] | None, tmp_path: Path
) -> None:
    write(tmp_path, {"proc/7/cgroup": listed} | {f"groups/{name}": text for name, text in files.items()})
    for name in files:
        folder = (tmp_path / "groups" / name).parent
        (folder / "cpu.cfs_period_us").write_text("100000\n")
        (folder / "cpu.stat").write_text("usage_usec 9\nnr_periods 20\nnr_throttled 5\nthrottled_usec 7\n")
    assert quota(7, tmp_path / "proc", tmp_path / "groups") == expected


def test_docker_over_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stats, asked = recorded("docker-stats-cgroup2.json"), []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        if "/json" in path:
            return 200, (RECORDED / "docker-inspect.json").read_bytes()
        stats["cpu_stats"]["cpu_usage"]["total_usage"] += 10**9
        stats["cpu_stats"]["throttling_data"]["periods"] += 10
        stats["cpu_stats"]["throttling_data"]["throttled_periods"] += 4
        return 200, json.dumps(stats).encode()

    with served(answer, tmp_path / "docker.sock") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        source = Docker("my/shop", "app", False)
        first = {one.name for one in source.read()}
        found = {one.name: one for one in source.read()}
    assert asked[:2] == ["/containers/my%2Fshop/json", "/containers/my%2Fshop/stats?stream=false&one-shot=true"]
    assert first == {"container.memory", "container.memory_limit", "container.cpu_limit"}
    assert found["container.cpu"].value > 0 and found["container.cpu"].subject == "app"
    assert found["container.throttled"].value == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b'{"message":"No such container: shop"}', "no such container"),
        (500, b"", "Docker answers 500"),
        (200, b"[1]", "no JSON object"),
        (200, b"{", "no JSON"),
        (200, b"[" * 100_000, "no JSON"),
    ],
)
def test_docker_that_refuses(
    status: int, body: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(lambda _: (status, body), tmp_path / "docker.sock") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SourceError, match=words):
            list(Docker("shop", "shop", False).read())


@pytest.mark.parametrize(
    "stats",
    [{}, {"cpu_stats": []}, {"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}, {"memory_stats": 3}],
)
def test_a_container_that_does_not_run(stats: dict[str, object]) -> None:
    with pytest.raises(SourceError, match="does not run"):
        usage(stats)


def test_docker_elsewhere_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://8.8.8.8:2375")
    with pytest.raises(SourceError, match="public address"):
        list(Docker("shop", "shop", False).read())
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@host")
    with pytest.raises(SourceError, match="user or a password"):
        list(Docker("shop", "shop", False).read())


def test_pods_are_summed_by_container() -> None:
    found = {(one.name, one.subject): one.value for one in parsed((RECORDED / "kubectl-top.txt").read_text())}
    assert found == {
        ("container.cpu", "pod api"): pytest.approx(1.0),
        ("container.memory", "pod api"): 248 * 2**20,
        ("container.cpu", "pod sidecar"): pytest.approx(0.005),
        ("container.memory", "pod sidecar"): 19 * 2**20,
    }


@pytest.mark.parametrize("text", ["", "No resources found in default namespace.\n", "a b <unknown> <unknown>\n"])
def test_no_pods(text: str) -> None:
    with pytest.raises(SourceError, match="no pod has figures"):
        list(parsed(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [("250m", 0.25), ("1", 1.0), ("1500000n", 0.0015), ("1Gi", 2.0**30), ("2k", 2000.0), ("", None), ("1x", None)],
)
def test_quantities(text: str, value: float | None) -> None:
    assert quantity(text) == value


def test_kubectl_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match="kubectl is not on PATH"):
        Kubectl("app=shop").read()


def test_a_range_of_prometheus() -> None:
    first, second = matrix("up", recorded("prometheus-range.json"))
    assert first.name == "prom.up" and first.subject == "__name__=up, instance=localhost:9090, job=prometheus"
    assert second.times == (1435781430.781, 1435781445.781, 1435781460.781) and second.values == (0, 0, 1)


def test_prometheus_is_asked_for_the_measured_time() -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, (RECORDED / "prometheus-range.json").read_bytes()

    with served(answer) as address:
        found, remarks = ranges(f"{address}/metrics/", {"up": "up{job='a b'}"}, 100.0, 220.0, owned=False)
    split = urlsplit(asked[0])
    assert split.path == "/metrics/api/v1/query_range"
    assert parse_qs(split.query) == {
        "query": ["up{job='a b'}"],
        "start": ["100.000"],
        "end": ["220.000"],
        "step": ["5"],
    }
    assert len(found) == 2 and remarks == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            400,
            b'{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}',
            "bad_data: parse error",
        ),
        (302, b"", "answers 302: give the address that it leads to"),
        (200, b"<html>", "answers 200, and no JSON"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}', "holds no matrix"),
        (200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}', "gave nothing"),
        (200, b'{"status":"success"}', "holds no matrix"),
    ],
)
def test_prometheus_that_refuses(status: int, body: bytes, words: str) -> None:
    with served(lambda _: (status, body)) as address:
        found, (remark,) = ranges(address, {"x": "up"}, 0.0, 10.0, owned=False)
    assert found == [] and words in remark.message


@pytest.mark.parametrize(
    "values", [None, [[1]], [["a", "b"]], [[1, "NaN"], [2, "+Inf"]], {"a": 1}, [None], [[1e999, "1"]]]
)
def test_values_that_are_none(values: object) -> None:
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": 3, "values": values}, 7]}}
    assert list(matrix("x", answer)) == []


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("http://8.8.8.8:9090", TargetError, "public address"),
        ("http://user:secret@127.0.0.1:9090", SourceError, "user or a password"),
        ("file:///etc/passwd", SourceError, "not known here"),
        ("http://127.0.0.1:99999", SourceError, "no URL"),
        ("nonsense", SourceError, "not known here"),
    ],
)
def test_addresses_that_are_not_asked(address: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as told:
        connection(address, owned=False)
    assert "secret" not in str(told.value)


def test_clocks_are_compared_to_a_tenth_of_a_second() -> None:
    now = iter([10.0, 10.1, 10.2, 10.3])
    dates = iter([40.0, 40.0, 40.0, 41.0])
    assert resources_clock.between(lambda: next(dates), lambda: next(now), pause=0.0) == pytest.approx(30.9)


def test_a_clock_that_agrees() -> None:
    with served(lambda _: (200, b"")) as address:
        assert resources_clock.offset(address, owned=False) == 0.0


def test_a_pod_is_never_held_against_the_cores_of_this_host() -> None:
    """A container of a cluster may well be called app, as the watched processes are."""
    (cpu, memory) = parsed("shop-1 app 3900m 90Mi\n")
    assert cpu.subject == memory.subject == "pod app"
