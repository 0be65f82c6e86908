"""The host: processors, memory, disks, network, and pressure stall information where the kernel has it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from slowpath.runtime.sources import Rates, Sample

BUSY = ("user", "nice", "system", "irq", "softirq")
"""Guest time is within `user`; stolen time is told apart, nobody here used it."""
PRESSURE = Path("/proc/pressure")
TOTAL = re.compile(r"^some .*\btotal=(\d+)", re.MULTILINE)
MEGABIT = 125_000


class Host:
    name = "host"
    period = 1.0

    def __init__(self) -> None:
        self._rates = Rates()

    def read(self) -> Iterator[Sample]:
        import psutil

        now = time.monotonic()
        yield Sample("host.cores", "", "cores", float(psutil.cpu_count() or 1))
        yield from self._processors(now)
        memory = psutil.virtual_memory()
        yield Sample("host.memory", "", "bytes", float(memory.total - memory.available))
        yield Sample("host.memory_total", "", "bytes", float(memory.total))
        yield from self._disks(now)
        yield from self._networks(now)
        yield from self._pressure(now)

    def close(self) -> None: ...

    def _processors(self, now: float) -> Iterator[Sample]:
        import psutil

        times = psutil.cpu_times()._asdict()
        parts = {
            "host.cpu": BUSY,
            "host.iowait": ("iowait",),
            "host.steal": ("steal",),
            "host.softirq": ("irq", "softirq"),
        }
        for name, fields in parts.items():
            if any(field in times for field in fields):
                value = self._rates.rate(name, now, sum(times.get(field, 0.0) for field in fields))
                if value is not None:
                    yield Sample(name, "", "cores", value)

    def _disks(self, now: float) -> Iterator[Sample]:
        import psutil

        total = psutil.disk_io_counters()
        if total is None:
            return
        for name, counter in (("disk.read", total.read_bytes), ("disk.write", total.write_bytes)):
            value = self._rates.rate(name, now, counter)
            if value is not None:
                yield Sample(name, "", "bytes/s", value)
        busy = [
            self._rates.rate(f"busy {disk}", now, getattr(counters, "busy_time", 0) / 1000)
            for disk, counters in psutil.disk_io_counters(perdisk=True).items()
        ]
        known = [share for share in busy if share is not None]
        if known:
            yield Sample("disk.busy", "", "share", min(1.0, max(known)))

    def _networks(self, now: float) -> Iterator[Sample]:
        import psutil

        links = psutil.net_if_stats()
        for card, counters in psutil.net_io_counters(pernic=True).items():
            link = links.get(card)
            if link is None or not link.isup:
                continue
            value = self._rates.rate(f"net {card}", now, max(counters.bytes_sent, counters.bytes_recv))
            if value is not None:
                yield Sample("net.bytes", card, "bytes/s", value)
            if 0 < link.speed < 65535:  # 65535 is how a driver says "unknown"
                yield Sample("net.link", card, "bytes/s", float(link.speed * MEGABIT))

    def _pressure(self, now: float) -> Iterator[Sample]:
        """Percent of the time since the last sample in which some task waited. The kernel's avg10 lags by seconds."""
        for what in ("cpu", "memory", "io"):
            try:
                found = TOTAL.search((PRESSURE / what).read_text())
            except OSError:
                continue
            value = self._rates.rate(f"psi {what}", now, int(found[1]) / 1e6) if found else None
            if value is not None:
                yield Sample(f"psi.{what}", "", "%", min(100.0, 100 * value))
