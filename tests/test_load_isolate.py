"""`measure load --isolate`: statements of each route, on a real PostgreSQL behind a server with known queries."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest

from slowpath.runtime import load, load_isolate
from slowpath.runtime.load_isolate import Window

psycopg = pytest.importorskip("psycopg")
SCRIPT = """import {{ get, post }} from 'k6/http';
import http from 'k6/http';
const base = 'http://127.0.0.1:{port}';
export const setup = () => ({{ token: http.post(base + '/login').json().token }});
export default function (data) {{
  const headers = {{ authorization: data.token }};
  get(base + '/orders/' + (1 + __ITER), {{ headers }});
  http.batch([['GET', base + '/list?page=2', null, {{ headers, tags: {{ name: 'the list' }} }}]]);
  post(base + '/orders', `${{__ITER}} ${{Math.random()}}`, {{ headers }});
}}
"""


@pytest.fixture
def shop(watched: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port: /orders/N asks once, /list six times, POST /orders takes each body but once; a heartbeat beside it."""
    name = watched.database().ask("SELECT current_database()").strip()
    address = f"host={watched.socket} user=postgres dbname={name}"
    monkeypatch.setenv("SHOP_DATABASE", address)
    app = psycopg.connect(address, autocommit=True)
    for made in (
        "EXTENSION pg_stat_statements",
        "TABLE orders (id int)",
        "TABLE lines (id int)",
        "TABLE beats (id int)",
    ):
        app.execute(f"CREATE {made}")
    app.execute("CREATE TABLE made (body text PRIMARY KEY)")
    lock, over = threading.Lock(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                if self.headers["authorization"] != "t0ken":
                    return self.answer(401)
                app.execute("SELECT id FROM orders WHERE id = %s", (1,))
                for number in range(5 if self.path.startswith("/list") else 0):
                    app.execute("SELECT id FROM lines WHERE id = %s", (number,))
            return self.answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if self.path == "/login":
                return self.answer(200)
            with lock:
                made = app.execute("INSERT INTO made VALUES (%s) ON CONFLICT DO NOTHING", (body,)).rowcount
            return self.answer(201 if made else 409)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "18")
            self.end_headers()
            self.wfile.write(b'{"token": "t0ken"}')

        def log_message(self, *_: object) -> None:
            pass

    def beat() -> None:
        with psycopg.connect(address, autocommit=True) as other:
            while not over.wait(0.05):
                other.execute("SELECT count(*) FROM beats")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threads = [threading.Thread(target=work, daemon=True) for work in (server.serve_forever, beat)]
        for thread in threads:
            thread.start()
        yield server.server_address[1]
        over.set()
        server.shutdown()
        threads[1].join(5)
    app.close()


def test_each_route_alone(k6: str, shop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_isolate, "IDLE", 1.0)
    monkeypatch.setattr(load_isolate, "PAUSE", 0.3)
    monkeypatch.setattr(load_isolate, "PATIENCE", 8)
    path = tmp_path / "shop.js"
    path.write_text(SCRIPT.format(port=shop))
    plan = load.LoadPlan(script=path, isolate=True, isolate_seconds=0.5, database_env="SHOP_DATABASE", root=tmp_path)
    part = load.run(plan, lambda moment: None)
    told = "\n".join(f"{remark.about}: {remark.message}" for remark in part.remarks)
    assert part.complete, told
    assert {step.route for step in part.steps if step.phase == "isolate"} == {
        "GET /orders/{id}",
        "GET /list",
        "POST /orders",
    }
    found = {each.route: each for each in part.isolated}
    assert set(found) == {"GET /orders/{id}", "GET /list"}, "what is inserted twice answers otherwise: not attributed"
    assert "POST /orders: not attributed: asked again alone it answers otherwise" in told
    assert [round(calls, 1) for _, calls, _ in found["GET /orders/{id}"].statements] == [1.0]
    assert sorted(round(calls, 1) for _, calls, _ in found["GET /list"].statements) == [1.0, 5.0]
    alone = next(step for step in part.steps if step.route == "GET /list")
    assert found["GET /list"].requests == pytest.approx(alone.figures.requests, abs=2)
    assert [route.path for route in alone.routes] == ["/list"]


def test_what_the_idle_database_runs_is_no_routes() -> None:
    idle = Window("", 5.0, {}, (), {"beat": (50.0, 10.0), "poll": (1.0, 1.0)})
    driven = {"beat": (103.0, 21.0), "poll": (201.0, 41.0), "own": (100.0, 50.0)}
    alone = Window("GET /a", 10.0, {"200": 100}, ("200",), driven)
    (found,) = load_isolate.attributed([idle, alone])
    assert [(name, round(calls, 2), round(spent, 2)) for name, calls, spent in found.statements] == [
        ("own", 1.0, 0.5),
        ("poll", 1.99, 0.39),
    ]


def test_a_database_that_cannot_be_reached_ends_it(k6: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "host=/nowhere dbname=x password=s3cret")
    path = tmp_path / "any.js"
    path.write_text("import http from 'k6/http'; export default () => { http.get('http://127.0.0.1:1/'); };")
    plan = load.LoadPlan(script=path, isolate=True, database_env="GONE", root=tmp_path)
    with pytest.raises(load.LoadError) as raised:
        load.run(plan, lambda moment: None)
    assert "GONE" in str(raised.value) and "s3cret" not in str(raised.value)
