"""The rooms of the house import downwards only: the contract is in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_layers() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    outcome = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:]
