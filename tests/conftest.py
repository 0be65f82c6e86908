"""Real tools for the tests that ask for one: they skip by name where it is missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import postgres
import pytest


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    lacking = postgres.missing()
    if lacking:
        pytest.skip(f"not on PATH: {', '.join(lacking)}")
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def cargo() -> str:
    found = shutil.which("cargo")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        pytest.skip("cargo is not installed, or has no toolchain")
    return found
