"""Numbers as people read them. Sizes are in kB of 1,000 bytes, as bundlers print them."""

from __future__ import annotations

from datetime import UTC, datetime

from slowpath.model.evidence import Range

NONE = "–"


def number(value: float | None) -> str:
    """Three digits that count, thousands apart."""
    if value is None:
        return NONE
    if 0 < abs(value) < 0.01:
        return f"{value:.1g}" if abs(value) >= 0.001 else "almost 0"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def ms(value: float | None) -> str:
    """Milliseconds; seconds from ten on."""
    if value is None:
        return NONE
    return f"{number(value / 1000)} s" if abs(value) >= 10_000 else f"{number(value)} ms"


def percent(fraction: float | None) -> str:
    return NONE if fraction is None else f"{number(fraction * 100)} %"


def kilobytes(size: int) -> str:
    return f"{number(size / 1000)} kB"


def between(interval: Range, scale: float = 1.0) -> str:
    """An interval's bounds; a question mark where the samples are too few for one."""
    low, high = (number(bound * scale) if bound is not None else "?" for bound in interval)
    return NONE if interval == (None, None) else f"{low} to {high}"


def within(value: str, interval: Range, scale: float = 1.0) -> str:
    """A value with its interval, where there is one."""
    return value if interval == (None, None) else f"{value} ({between(interval, scale)})"


def seconds(value: float) -> str:
    return f"{number(value / 60)} min" if value >= 120 else f"{number(value)} s"


def moment(time: float) -> str:
    """In UTC; nothing where it is no time of this age."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if 0 < time < 1e11 else NONE


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def cut(text: str, width: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    line = " ".join(text.split())
    if line.partition(" ")[0].isalpha():
        line = line[0].upper() + line[1:]
    return line if not line or line.endswith((".", "!", "?")) else f"{line}."
