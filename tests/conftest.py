"""A real PostgreSQL for the tests that ask for one."""

from __future__ import annotations

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
