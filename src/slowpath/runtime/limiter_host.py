"""Memory, disk, network, and a rate limiter in the way."""

from __future__ import annotations

from slowpath.runtime.limiter_database import WAITING, share_of
from slowpath.runtime.limiter_facts import Facts, Outcome

FULL = 0.9
PRESSED = 20.0
"""Percent of the time that some task waits for the disk."""
SHORT = 10.0
"""Percent of the time that some task waits for memory: little is much here."""
LINK = 0.8
LIMITED = 0.5
"""Share of the errors that are 429."""
MANY = 0.2
"""Share of the answers that are 429 from which nothing else matters; fewer may come beside another limit."""


def memory(facts: Facts) -> Outcome:
    used, total, pressure = facts.bad("host.memory"), facts.bad("host.memory_total"), facts.bad_or("psi.memory")
    own, limit = facts.bad("container.memory", "app"), facts.bad("container.memory_limit", "app")
    shares = [(used / total, "the host")] if used is not None and total else []
    shares += [(own / limit, "the container")] if own is not None and limit else []
    if not shares:
        return Outcome("memory", "unknown", "memory was not watched")
    share, whose = max(shares)
    words = f"{share:.0%} of the memory of {whose} is used, some task waits for memory {pressure:.0f} % of the time"
    if share > FULL or pressure > SHORT:
        return Outcome("memory", "holds", words, f"Memory is the limit: {whose} is out of it.")
    return Outcome("memory", "cleared", words)


def disk(facts: Facts) -> Outcome:
    pressure, busy = facts.bad("psi.io"), facts.bad("disk.busy")
    if pressure is None and busy is None:
        return Outcome("disk", "unknown", "disks were not watched")
    waits = share_of(facts, ("db.wait.IO",)) if facts.database else 0.0
    asleep = facts.bad_or("process.blocked", "app") + facts.bad_or("process.blocked", "postgres")
    words = (
        f"some task waits for the disk {pressure or 0:.0f} % of the time, the busiest disk works {busy or 0:.0%} of it,"
        f" {waits:.0%} of the active sessions wait for it"
    )
    pressed = (pressure or 0.0) > PRESSED or (busy or 0.0) > FULL
    if pressed and (waits > WAITING or asleep >= 1):  # others may press the disk: it must be the product that waits
        return Outcome("disk", "holds", words, "The disk is the limit.")
    return Outcome("disk", "cleared", words)


def network(facts: Facts) -> Outcome:
    links = {card: facts.bad("net.link", card) for card in facts.subjects("net.bytes")}
    known = {card: link for card, link in links.items() if link}
    for card, link in known.items():
        rate = facts.bad_or("net.bytes", card)
        if rate >= LINK * link:
            words = f"{card} carries {rate / 1e6:.0f} of {link / 1e6:.0f} MB/s"
            return Outcome("network", "holds", words, "The network link is the limit.")
    busiest = max((facts.bad_or("net.bytes", card) for card in links), default=None)
    if busiest is None:
        return Outcome("network", "unknown", "the network was not watched")
    speed = "far below the link" if known else "the link's speed is not known"
    return Outcome("network", "cleared", f"the busiest card carries {busiest / 1e6:.1f} MB/s, {speed}")


def rate_limit(facts: Facts) -> Outcome:
    figures = facts.bad_step.figures
    share = figures.limited / figures.requests if figures.requests else 0.0
    words = f"{share:.1%} of the answers are 429"
    before = facts.good_step.figures if facts.good_step else None
    earlier = before.limited / before.requests if before and before.requests else 0.0
    if figures.limited and figures.limited >= LIMITED * figures.errors and share > max(0.01, earlier):
        summary = "A rate limiter answers, not the system: its capacity was not measured."
        probe = ("raise or switch off the limit for the test, or spread the load over more clients or users",)
        return Outcome("rate-limit", "holds", f"{words}, {earlier:.1%} at the last good step", summary, probe=probe,
                       direct=share > MANY)  # fmt: skip
    return Outcome("rate-limit", "cleared", words)
