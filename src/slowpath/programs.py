"""Where a program lies. A folder that is scanned or measured must not lend us one, whatever PATH says of `.`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def on_path(name: str) -> str | None:
    """The program in a folder that PATH names absolutely."""
    folders = [folder for folder in os.get_exec_path() if Path(folder).is_absolute()]
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    return found if found and Path(found).is_absolute() else None
