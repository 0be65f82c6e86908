"""The wrapper around a user's k6 script (`load_wrapper.js`), and the plan that it reads from its environment.

The script stays as it is. What is replaced is its load profile: each level of users is a scenario of its own, shared
among the functions that the script's scenarios run by the most users that each of those asks for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

IDS = (
    r"^(\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=.*\d)[0-9a-fA-F]{8,}|(?=.*\d)(?=.*[A-Za-z])\w{16,}"
    r"|.*\d{4}.*|.*@.*|.*%40.*)$"
)
"""A part of a path that is one thing's: number, UUID, hash, token, digits, mail address. JavaScript reads it too."""
SMOKE_ITERATIONS = 10


class Part(NamedTuple):
    """A scenario of the script: the function that it runs and its share of the users."""

    function: str
    weight: float
    env: dict[str, str]
    tags: dict[str, str]


class Level(NamedTuple):
    """Users held for some seconds, after `start` seconds of the run."""

    vus: int
    start: float
    hold: float


def parts(options: dict[str, Any]) -> tuple[Part, ...]:
    """The script's scenarios, as `k6 inspect` prints them."""
    found = []
    for scenario in (options.get("scenarios") or {}).values():
        targets = [stage.get("target") or 0 for stage in scenario.get("stages") or ()]
        users = [scenario.get(key) or 0 for key in ("vus", "maxVUs", "preAllocatedVUs", "startVUs")]
        if not (scenario.get("executor") or "").endswith("arrival-rate"):
            users += targets
        weight = float(max([*users, 1]))
        found.append(
            Part(scenario.get("exec") or "default", weight, scenario.get("env") or {}, scenario.get("tags") or {})
        )
    return tuple(found) or (Part("default", 1.0, {}, {}),)


def shared(vus: int, weights: Sequence[float]) -> list[int]:
    """Users divided by weight, whole, by largest remainder."""
    exact = [vus * weight / sum(weights) for weight in weights]
    whole = [int(each) for each in exact]
    rest = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in rest[: vus - sum(whole)]:
        whole[place] += 1
    return whole


def held(levels: Sequence[Level], run: Sequence[Part], drain: float) -> dict[str, Any]:
    """k6 scenarios `step_PART_LEVEL` that hold each level."""
    made = {}
    for number, level in enumerate(levels):
        for place, vus in enumerate(shared(level.vus, [part.weight for part in run])):
            if vus:
                made[f"step_{place}_{number}"] = _scenario(run[place]) | {
                    "executor": "constant-vus",
                    "vus": vus,
                    "duration": f"{level.hold:.3f}s",
                    "startTime": f"{level.start:.3f}s",
                    "gracefulStop": f"{drain:.3f}s",
                }
    return made


def tried(run: Sequence[Part], seconds: float) -> dict[str, Any]:
    """One user for each of the script's scenarios, for a few iterations."""
    return {
        f"step_{place}_0": _scenario(part)
        | {"executor": "per-vu-iterations", "vus": 1, "iterations": SMOKE_ITERATIONS, "maxDuration": f"{seconds:.3f}s"}
        for place, part in enumerate(run)
    }


def alone(seconds: float) -> dict[str, Any]:
    """One user that drives one route after the other."""
    return {"isolate_0_0": {"executor": "per-vu-iterations", "vus": 1, "iterations": 1, "exec": "isolate",
                            "maxDuration": f"{seconds:.0f}s"}}  # fmt: skip


def plan(scenarios: dict[str, Any], run: Sequence[Part], **settings: Any) -> str:
    """What the wrapper reads from SLOWPATH_PLAN."""
    defaults = {"jitter": 0.0, "statuses": (), "blocked": (), "watch": False, "isolate": None, "ids": IDS}
    functions = [part.function for part in run]
    return msgspec.json.encode(defaults | settings | {"scenarios": scenarios, "functions": functions}).decode()


def write(folder: Path, script: Path) -> Path:
    """Put the wrapper for a script into a folder."""
    text = resources.files("slowpath.runtime").joinpath("load_wrapper.js").read_text(encoding="utf-8")
    path = folder / "slowpath-load.js"
    name = msgspec.json.encode(script.resolve().as_posix()).decode()
    path.write_text(text.replace('"SLOWPATH_SCRIPT"', name, 1), encoding="utf-8")
    return path


@cache
def public() -> tuple[str, ...]:
    """All addresses that are neither loopback nor private nor link-local, as networks for k6's `blacklistIPs`."""
    near = ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
    return (*_without("0.0.0.0/0", near), *_without("::/0", ["::1/128", "fc00::/7", "fe80::/10", "::ffff:0:0/96"]))


@lru_cache(maxsize=4096)
def path_of(name: str) -> str:
    """A k6 `name` → the path of its route, ids replaced; a name that is no URL stays as it is."""
    bare = re.sub(r"^[a-zA-Z][a-zA-Z+.-]*://[^/?#]*", "", name)
    if bare == name and not name.startswith("/"):
        return name
    path = re.split(r"[?#]", bare, maxsplit=1)[0] or "/"
    return "/".join("{id}" if _is_id(each) else each for each in path.split("/"))


_is_id = re.compile(IDS).match


def _scenario(part: Part) -> dict[str, Any]:
    return {"exec": "visit", "env": part.env, "tags": part.tags}


def _without(whole: str, holes: Sequence[str]) -> list[str]:
    left = [ipaddress.ip_network(whole)]
    for hole in map(ipaddress.ip_network, holes):
        left = [rest for net in left for rest in (_cut(net, hole) if net.overlaps(hole) else [net])]
    return [str(net) for net in left]


def _cut(net: Any, hole: Any) -> list[Any]:
    return list(net.address_exclude(hole))
