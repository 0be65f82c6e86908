"""A server of one route that is slow for one known reason: `staged_server.py MODE`; it prints the port it listens on.

The database modes have a pool of POOL connections to the server that DATABASE_URL names.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POOL = int(os.environ.get("POOL", "4"))
LIMIT = 50
"""Requests a second that the rate limiter lets through."""


def burn() -> None:
    """About 6 ms of a core, without giving the thread away."""
    digest = b""
    for _ in range(6000):
        digest = hashlib.sha256(digest).digest()


LOOPED: dict[str, Callable[[], None]] = {"cpu": burn, "blocked": lambda: time.sleep(0.05), "fast": lambda: None}
"""Work done on the event loop itself."""
POOLED = {
    "pool": "SELECT pg_sleep(0.1)",
    "held": "SELECT 1",
    "transaction": "BEGIN; SELECT count(*) FROM staged",
    "db-cpu": "SELECT count(*) FROM staged WHERE note LIKE '%7%7%'",
    "locks": "BEGIN; UPDATE staged SET note = note WHERE id = 1; SELECT pg_sleep(0.03); COMMIT",
}
OVER = {"held": 0.1, "transaction": 0.1}
"""Seconds of other work while the connection is held."""


async def looped(work: Callable[[], None]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            work()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def pooled(mode: str) -> Callable[[], int]:
    import psycopg

    pool: queue.Queue[psycopg.Connection[Any]] = queue.Queue()
    for _ in range(POOL):
        pool.put(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, application_name="staged"))

    def answer() -> int:
        connection = pool.get()
        try:
            connection.execute(POOLED[mode])
            time.sleep(OVER.get(mode, 0.0))
            if mode == "transaction":
                connection.execute("COMMIT")
        finally:
            pool.put(connection)
        return 200

    return answer


def limited() -> Callable[[], int]:
    lock, seen = threading.Lock(), [0, 0]

    def answer() -> int:
        with lock:
            second = int(time.monotonic())
            seen[:] = [second, seen[1] + 1 if seen[0] == second else 1]
            return 200 if seen[1] <= LIMIT else 429

    return answer


def threaded(answer: Callable[[], int]) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(answer())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    ThreadingHTTPServer.request_queue_size = 1000
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode in LOOPED:
        asyncio.run(looped(LOOPED[mode]))
    else:
        threaded(limited() if mode == "rate-limit" else pooled(mode))
