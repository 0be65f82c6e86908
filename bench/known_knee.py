"""Does `slowpath measure load` find a breaking point that is known by construction?

A server answers one request after the other at a fixed rate, so that its capacity is exact: C requests/s. Users ask,
wait for the answer and pause for Z seconds. Below saturation an answer takes one service time; above, Little's law
gives R = users / C - Z, with hardly any spread, since the queue is first in, first out. So p95 crosses a limit L at
users = C × (L + Z). Run it: `python bench/known_knee.py --runs 5`. Each run is printed, right or wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from slowpath.model.evidence import Limits, LoadPart
from slowpath.runtime import load

CAPACITY = 60.0
PAUSE = 0.5
LIMIT_MS = 500.0
ERROR_RATE = 0.05
SCRIPT = """import http from 'k6/http';
import {{ sleep }} from 'k6';
export default function () {{ http.get('http://127.0.0.1:{port}/orders/' + __ITER); sleep({pause}); }}
"""


class Line:
    """A server of fixed capacity: answers leave one by one, 1 / capacity seconds apart at least."""

    def __init__(self, capacity: float) -> None:
        self._service = 1 / capacity
        self._free = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                now = time.monotonic()
                self._free = max(self._free, now) + self._service
                await asyncio.sleep(self._free - now)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()


@contextlib.contextmanager
def server(capacity: float) -> Iterator[int]:
    """The port of a running server."""
    ports: queue.Queue[int] = queue.Queue()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        listening = await asyncio.start_server(Line(capacity).serve, "127.0.0.1", 0, backlog=1000)
        ports.put(listening.sockets[0].getsockname()[1])
        await stop.wait()
        listening.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield ports.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)


def knee(capacity: float, pause: float, limit_ms: float) -> float:
    """Users at which p95 crosses the limit."""
    return capacity * (limit_ms / 1000 + pause)


def measured(capacity: float, pause: float, hold: float, start: int) -> LoadPart:
    with server(capacity) as port, tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "orders.js")
        script.write_text(SCRIPT.format(port=port, pause=pause))
        plan = load.LoadPlan(
            script=script, limits=Limits(LIMIT_MS, ERROR_RATE), hold=hold, start_vus=start, root=Path(folder)
        )
        return load.run(plan, lambda moment: None)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--hold", type=float, default=6.0)
    arguments.add_argument("--capacity", type=float, default=CAPACITY)
    given = arguments.parse_args()
    exact = knee(given.capacity, PAUSE, LIMIT_MS)
    right = 0
    for number in range(given.runs):
        began = time.monotonic()
        part = measured(given.capacity, PAUSE, given.hold, start=10)
        point = part.breaking_point
        assert point is not None
        ends = [end for end in (point.last_good, point.first_bad) if end is not None]
        within = len(ends) == 2 and all(abs(end - exact) <= 0.2 * exact for end in ends)
        right += within
        cpu = max((step.generator_cpu or 0.0 for step in part.steps), default=0.0)
        print(
            f"run {number + 1}: exact {exact:.0f}, found {point.last_good} to {point.first_bad} users, "
            f"{point.rps or 0:.1f} req/s of {given.capacity:g}, {'confirmed' if point.confirmed else 'not confirmed'}, "
            f"{'within' if within else 'NOT within'} 20 %, {len(part.steps)} levels, k6 {cpu:.2f} cores, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        for step in part.steps:
            print(f"    {step.phase:8}{step.vus:5} {step.verdict:10} {step.reason}")
    print(f"{right} of {given.runs} within 20 %")


if __name__ == "__main__":
    main()
