"""What may limit a system at its knee. A module of its own: rules name limiters, and a scan reads no evidence."""

from typing import Literal

Limiter = Literal[
    "cpu", "memory", "disk", "network", "db-pool", "db-cpu", "db-locks", "idle-in-transaction", "blocked-workers",
    "rate-limit", "load-generator", "inconclusive",
]  # fmt: skip
