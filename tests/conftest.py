"""Real tools for the tests that ask for one: they skip by name where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
import repos


def pytest_configure(config: pytest.Config) -> None:
    """Where the environment forbids byte code, each run of slowpath would compile its sources anew."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = tempfile.TemporaryDirectory(prefix="slowpath-bytecode-")
        os.environ["PYTHONPYCACHEPREFIX"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    lacking = postgres.missing()
    if lacking:
        pytest.skip(f"not on PATH: {', '.join(lacking)}")
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def watched() -> Iterator[postgres.Cluster]:
    """A server that counts statements and logs each of them twice, as JSON and as CSV, with the plans of slow ones."""
    lacking = postgres.missing()
    if lacking:
        pytest.skip(f"not on PATH: {', '.join(lacking)}")
    settings = {
        "shared_preload_libraries": "pg_stat_statements,auto_explain",
        "logging_collector": "on",
        "log_destination": "jsonlog,csvlog",
        "log_directory": "log",
        "log_filename": "server.log",
        "log_file_mode": "0644",
        "log_min_duration_statement": "0",
        "log_parameter_max_length": "0",
        "compute_query_id": "on",
        "auto_explain.log_min_duration": "2ms",
        "auto_explain.log_format": "json",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_timing": "off",
    }
    with postgres.cluster(**settings) as running:
        yield running


@pytest.fixture(scope="session")
def cargo() -> str:
    found = shutil.which("cargo")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        pytest.skip("cargo is not installed, or has no toolchain")
    return found


@pytest.fixture(scope="session")
def packages() -> Path:
    """TypeScript, React and the others that the shop's client is installed with."""
    found = Path(__file__).parents[1] / "fixtures/shop/web/node_modules"
    if shutil.which("node") is None or not found.is_dir():
        pytest.skip("node or the packages of fixtures/shop/web are missing: npm ci --prefix fixtures/shop/web")
    return found


@pytest.fixture(scope="session")
def k6() -> str:
    from slowpath.runtime.k6 import K6Error, find

    try:
        return find().path
    except K6Error as error:
        pytest.skip(str(error))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> repos.Repo:
    """A checkout with one finding. No variable of an outer git or pre-commit leads elsewhere."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "PRE_COMMIT"))]:
        monkeypatch.delenv(name)
    return repos.Repo(tmp_path / "server").commit(repos.SERVER)


@pytest.fixture
def pre_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("pre-commit", path=os.pathsep.join([beside, os.environ["PATH"]]))
    if found is None:
        pytest.skip("pre-commit is not installed")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    return found
