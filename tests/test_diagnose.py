"""`slowpath diagnose`: what is there is measured, what is not is named with the reason, and an end keeps the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import known_knee
import psutil
import pytest
import surface

from slowpath import parts
from slowpath.model.evidence import Evidence

SETTINGS = """[diagnose]
script = "load.js"
hold = {hold}
start-vus = 2
max-vus = 4
error-rate = 0.2
"""
CHUNK = {"src/main.tsx": {"file": "main.js", "isEntry": True, "src": "src/main.tsx"}}


def project(root: Path, port: int, hold: float) -> Path:
    script = known_knee.SCRIPT.format(port=port, pause=0.05)
    return surface.write(surface.project(root), {"load.js": script, "slowpath.toml": SETTINGS.format(hold=hold)})


def evidence(folder: Path) -> Evidence:
    return parts.read_as(folder / "evidence.json", Evidence)


def ended(text: str) -> dict[str, tuple[str, str]]:
    """Step → how it ended, and why, as the last lines of the output tell."""
    found = {}
    for line in text.rpartition("\n\n")[2].splitlines():
        name, _, reason = line[8:].strip().partition(": ")
        found[name] = line[:8].strip(), reason
    return found


def test_what_is_there_is_measured_and_what_is_not_is_named(tmp_path: Path, k6: str) -> None:
    with known_knee.server(200) as port:
        root = project(tmp_path, port, 2)
        done = surface.run("diagnose", root, DATABASE_URL="")
    steps = ended(done.stdout)
    assert steps["schema"] == ("skipped", "the environment variable DATABASE_URL is not set")
    assert steps["bundle"] == ("skipped", "no `bundle` in [diagnose]")
    assert steps["queries"] == ("skipped", "no `logs` in [diagnose], and no statistics were taken")
    assert steps["resources"][0] == "done" and steps["report"][0] == "done"
    assert steps["load"][0] in ("done", "partial"), done.stdout  # a loaded machine may leave it undecided
    assert done.returncode in (0, 4)
    found = evidence(root / "diagnosis")
    assert found.load is not None and {step.vus for step in found.load.steps} >= {1, 2, 4}
    assert found.resources is not None and found.resources.verdict is not None
    assert any("DATABASE_URL" in remark.message for remark in found.remarks)
    assert "environment variable" in (root / "diagnosis/DIAGNOSTIC_REPORT.md").read_text()
    assert (root / "diagnosis/report.html").is_file()


def test_values_for_the_script_stand_on_no_command_line(tmp_path: Path, k6: str) -> None:
    with known_knee.server(200) as port:
        root = project(tmp_path, port, 1)
        with (root / "slowpath.toml").open("a") as file:
            file.write('env = { API_TOKEN = "h1dden" }\n')
        done = surface.run("diagnose", root, DATABASE_URL="")
    written = [path.read_text(errors="replace") for path in (root / "diagnosis").iterdir()]
    assert not any("h1dden" in text for text in (done.stdout, done.stderr, *written))


@pytest.mark.parametrize("interrupts", [1, 2])
def test_interrupt_keeps_what_was_gathered_and_leaves_nothing_running(tmp_path: Path, k6: str, interrupts: int) -> None:
    with known_knee.server(200) as port:
        root = project(tmp_path, port, 20)
        command = [sys.executable, "-m", "slowpath", "diagnose", str(root), "-o", str(tmp_path / "out")]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"DATABASE_URL": ""})
        below = _load_begins(running.pid)
        for _ in range(interrupts):
            running.send_signal(signal.SIGINT)
            time.sleep(0.1)
        output, _ = running.communicate(timeout=60)
    assert running.returncode in (2, 4), output
    assert ended(output)["load"][0] == "partial" or interrupts == 1
    assert ended(output)["report"][0] == "done"
    found = evidence(tmp_path / "out")
    assert found.load is not None and not found.load.complete
    assert not [process for process in below if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_variables_of_the_script_stand_on_no_command_line(tmp_path: Path, k6: str) -> None:
    with known_knee.server(200) as port:
        root = project(tmp_path, port, 1)
        (root / "load.js").write_text((root / "load.js").read_text() + "if (__ENV.KEY !== 's3cr3t') throw 'no key';\n")
        with (root / "slowpath.toml").open("a") as settings:
            settings.write('env = { KEY = "s3cr3t" }\n')
        done = surface.run("diagnose", root, DATABASE_URL="")
    assert evidence(root / "diagnosis").load is not None, done.stdout
    written = [path.read_text(errors="replace") for path in (root / "diagnosis").iterdir()]
    assert not [text for text in (done.stdout, done.stderr, *written) if "s3cr3t" in text]


def _load_begins(pid: int) -> list[psutil.Process]:
    """Wait until k6 drives its first level, and name all that was started."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        below = psutil.Process(pid).children(recursive=True)
        names = [process.name() for process in below if process.is_running()]
        if "k6" in names:
            time.sleep(1)
            return below
        time.sleep(0.05)
    raise AssertionError("k6 was not started")


def test_files_of_the_project_are_not_taken_for_parts(tmp_path: Path) -> None:
    root = surface.write(surface.project(tmp_path), {"bundle.json": '{"name": "mine"}'})
    done = surface.run("diagnose", root, "-o", root)
    assert (done.returncode, "bundle.json: is no part of a measurement" in done.stderr) == (2, True)
    assert (root / "bundle.json").read_text() == '{"name": "mine"}'


def test_bundle_alone(tmp_path: Path) -> None:
    root = surface.project(tmp_path)
    built = {"dist/.vite/manifest.json": json.dumps(CHUNK), "dist/main.js": "console.log(1)\n"}
    surface.write(
        root, built | {"slowpath.toml": '[diagnose]\nbundle = ["dist/.vite/manifest.json"]\noutput = "out"\n'}
    )
    done = surface.run("diagnose", root)
    assert (done.returncode, ended(done.stdout)["bundle"]) == (0, ("done", "")), done.stdout + done.stderr
    assert ended(done.stdout)["load"] == ("skipped", "no `script` in [diagnose]")
    bundle = evidence(root / "out").bundle
    assert bundle is not None and bundle.first_load_bytes == 15


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("", "nothing was measured"),
        ('[diagnose]\nscript = "no.js"\n', "nothing was measured"),
        ("[diagnose]\nholt = 3\n", "unknown field `holt`"),
        ("[diagnose]\nhold = 0\n", "hold"),
        ('[diagnose]\noutput = "../out"\n', "leaves the project"),
        ("[diagnose.env]\nA-B = '1'\n", "A-B"),
    ],
)
def test_nothing_to_measure(tmp_path: Path, settings: str, message: str) -> None:
    root = surface.write(surface.project(tmp_path), {"slowpath.toml": settings})
    done = surface.run("diagnose", root, DATABASE_URL="")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr
