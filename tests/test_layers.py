"""The house is in order: rooms import downwards only; all is typed, linted and formatted (see pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "layers": ["lint-imports", "--no-cache"],
    "types": ["mypy"],
    "lint": ["ruff", "check", "--no-cache"],
    "format": ["ruff", "format", "--check", "--no-cache"],
}


@pytest.mark.parametrize("name", CHECKS)
def test_house(name: str) -> None:
    tool, *arguments = CHECKS[name]
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    outcome = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert outcome.returncode == 0, (outcome.stdout + outcome.stderr)[-3000:]
