"""`slowpath measure resources` as a command: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from limits import load, resources
from surface import run

from slowpath import parts
from slowpath.model.evidence import ResourcesPart

COMMAND = ("measure", "resources")


def test_it_watches_for_a_time(tmp_path: Path) -> None:
    done = run(*COMMAND, "-o", tmp_path / "r.json", "--app", str(os.getpid()), "--seconds", "2.2", DATABASE_URL="")
    assert done.returncode == 0, done.stderr
    assert "Watched for 2 s" in done.stdout and "process.memory app" in done.stdout
    part = parts.read_as(tmp_path / "r.json", ResourcesPart)
    assert part.complete and part.verdict is None
    assert ("process.cpu", "app") in {(one.name, one.subject) for one in part.series}


@pytest.mark.parametrize(("number", "limited"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_a_signal_ends_it_and_all_is_kept(number: signal.Signals, limited: bool, tmp_path: Path) -> None:
    """Where a time was said it was cut short; where none was, this is how it ends."""
    command = [sys.executable, "-c", "from slowpath.cli import main; main()", *COMMAND, "-o", str(tmp_path / "r.json")]
    command += ["--seconds", "60"] if limited else []
    environment = {**os.environ, "DATABASE_URL": ""}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and psutil.Process(process.pid).num_threads() < 3:
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in err) == (4 if limited else 0, False), err
    part = parts.read_as(tmp_path / "r.json", ResourcesPart)
    assert part.complete is not limited
    assert (b"interrupted after" in out) == limited


def test_it_judges(tmp_path: Path) -> None:
    figures = {"db__active": 8, "db__idle": 0, "db__wait__none": 0, "db__wait__Timeout": 8}
    parts.write(tmp_path / "r.json", resources(pool_max=None, **figures))
    parts.write(tmp_path / "l.json", load())
    done = run(*COMMAND, "--judge", tmp_path / "r.json", "--load", tmp_path / "l.json", "--pool-max", "8")
    assert done.returncode == 0, done.stderr
    assert "Limiter: db-pool (confidence: high)" in done.stdout
    assert "  - 8 of 8 connections are active" in done.stdout and "Not:\n  - load-generator: " in done.stdout
    part = parts.read_as(tmp_path / "r.json", ResourcesPart)
    assert part.verdict is not None and part.verdict.limiter == "db-pool" and part.pool_max == 8


def test_what_is_inconclusive_is_told_by_the_exit_code(tmp_path: Path) -> None:
    parts.write(tmp_path / "r.json", resources())
    parts.write(tmp_path / "l.json", load())
    done = run(*COMMAND, "--judge", tmp_path / "r.json", "--load", tmp_path / "l.json", "-o", tmp_path / "j.json")
    assert done.returncode == 4 and "Limiter: inconclusive\n" in done.stdout and "Next:\n  - " in done.stdout
    assert parts.read_as(tmp_path / "r.json", ResourcesPart).verdict is None
    assert parts.read_as(tmp_path / "j.json", ResourcesPart).verdict is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "-o resources.json"),
        (("-o", "r.json", "--app", "no-such-program-here"), "no process has the name no-such-program-here"),
        (("-o", "r.json", "--app", ":1"), "nothing listens on port 1"),
        (("-o", "r.json", "--database-env", "NOT_SET_HERE"), "NOT_SET_HERE is not set"),
        (("-o", "r.json", "--prometheus", "http://127.0.0.1:9"), "--prometheus and --range go together"),
        (("-o", "r.json", "--prometheus", "http://127.0.0.1:9", "--range", "up"), "is not NAME=PROMQL"),
        (("-o", "r.json", "--target", "http://8.8.8.8/"), "public address"),
        (("--judge", "r.json"), "--judge and --load go together"),
        (("--judge", "missing.json", "--load", "l.json"), "missing.json: No such file"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = run(*COMMAND, *arguments, cwd=tmp_path, DATABASE_URL="")
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"schema":"slowpath-resources/1","series":7}',
        '{"schema":"other"}',
        '{"schema":"slowpath-load/1"}',
    ],
)
def test_a_part_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    parts.write(tmp_path / "l.json", load())
    done = run(*COMMAND, "--judge", tmp_path / "r.json", "--load", tmp_path / "l.json")
    assert done.returncode == 2 and "r.json: " in done.stderr and done.stderr.count("\n") == 1


def test_odd_series_are_no_traceback(tmp_path: Path) -> None:
    """Times without values, and the other way round, as a hand may leave them."""
    part = json.loads(json.dumps({"schema": "slowpath-resources/1", "pool_max": 0, "series": []}))
    part["series"] = [{"name": "host.cpu", "times": [1100.0] * 9}, {"name": "db.active", "values": [1.0]}]
    (tmp_path / "r.json").write_text(json.dumps(part))
    parts.write(tmp_path / "l.json", load())
    done = run(*COMMAND, "--judge", tmp_path / "r.json", "--load", tmp_path / "l.json")
    assert done.returncode == 4 and "Limiter: inconclusive" in done.stdout


def test_no_secret_is_written(tmp_path: Path) -> None:
    address = "postgresql://shop:geheim@127.0.0.1:1/secretshop"
    done = run(*COMMAND, "-o", tmp_path / "r.json", "--seconds", "1.2", DATABASE_URL=address)
    told = done.stdout + done.stderr + (tmp_path / "r.json").read_text()
    assert done.returncode == 0 and "pg_stat_activity: not measured" in done.stdout
    assert "geheim" not in told and "secretshop" not in told
