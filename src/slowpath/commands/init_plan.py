"""What `slowpath init` would write into a repository that has some of it already: a checkout in, texts by path out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from slowpath import config, git
from slowpath.commands import init_files
from slowpath.commands.init_found import Found
from slowpath.config import ConfigError

CONFIG, HOOKS, WORKFLOW = "slowpath.toml", ".pre-commit-config.yaml", ".github/workflows/slowpath.yml"
OTHER_HOOKS = (".husky/pre-commit", "lefthook.yml", ".lefthook.yml", "lefthook.toml")
MAX_BYTES = 1_000_000


class Where(NamedTuple):
    """The checkout, and the project's folder below it; nothing where they are one."""

    checkout: Path
    folder: str

    @property
    def root(self) -> Path:
        return self.checkout / self.folder

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name


class Plan(NamedTuple):
    """Texts to write by their path below the checkout, the texts that they replace, and what else there is to say."""

    old: dict[str, bytes]
    new: dict[str, bytes]
    told: list[str]


def located(path: Path) -> Where:
    """The project whose settings claim the folder, else the folder itself."""
    here = path.resolve()
    marked = config.project_root([here])
    root = marked if _settings(marked) else here
    checkout = git.checkout(root) or root
    folder = root.relative_to(checkout).as_posix()
    return Where(checkout, "" if folder == "." else folder)


def planned(where: Where, found: Found, hook: bool | None, workflow: bool | None) -> Plan:
    """All that is to be written. Raises ConfigError for settings that cannot be used."""
    plan = Plan({}, {}, [])
    _settings_of(where, found, plan)
    _hook(where, hook, plan)
    _workflow(where, workflow, plan)
    return plan


def _settings(root: Path) -> str:
    """The file that holds a project's settings."""
    if (root / CONFIG).exists():
        return CONFIG
    return "pyproject.toml" if "[tool.slowpath" in (_read(root, "pyproject.toml") or "") else ""


def _settings_of(where: Where, found: Found, plan: Plan) -> None:
    file = _settings(where.root)
    if not file:
        plan.new[where.path(CONFIG)] = init_files.config(found).encode()
        return
    lacking = [setting for setting in init_files.settings(found, config.load(where.root)) if setting.key]
    plan.told.append(f"{where.path(file)} is there already and stays as it is" + (", it lacks:" if lacking else ""))
    for setting in lacking:
        plan.told.extend([f"+[{setting.table}]"] if setting.table else [])
        plan.told.extend([f"+{line}" for line in setting.lines])


def _hook(where: Where, asked: bool | None, plan: Plan) -> None:
    text = _read(where.checkout, HOOKS)
    if asked is False:
        return
    if text is None and not asked:
        others = (name for name in OTHER_HOOKS if (where.checkout / name).exists())
        plan.told.extend(f"{name} runs the hooks here: give it `slowpath scan --staged`" for name in others)
    elif text is None:
        plan.new[HOOKS] = "\n".join(["repos:", *init_files.hook(where.folder), ""]).encode()
    elif re.search(r"^\s*-\s+id:\s+[\"']?slowpath\b", text, re.M):
        plan.told.append(f"{HOOKS} runs slowpath already")
    else:
        hooked = init_files.hooked(text, where.folder)
        if hooked is None:
            plan.told.extend([f"{HOOKS} is not laid out in lines; add to its repos:", *init_files.hook(where.folder)])
        else:
            plan.old[HOOKS], plan.new[HOOKS] = text.encode(), hooked.encode()


def _workflow(where: Where, asked: bool | None, plan: Plan) -> None:
    own = _read(where.checkout, ".git/config") or ""
    if asked is False:
        return
    if asked or (where.checkout / ".github").is_dir() or "github.com" in own:
        name = (
            WORKFLOW
            if not where.folder
            else WORKFLOW.replace("slowpath.yml", f"{init_files.category(where.folder)}.yml")
        )
        if (where.checkout / name).exists():
            plan.told.append(f"{name} is there already and stays as it is")
        else:
            plan.new[name] = init_files.workflow(_branch(where.checkout), where.folder).encode()
    elif (where.checkout / ".gitlab-ci.yml").is_file() or "gitlab" in own:
        plan.told.extend(["for .gitlab-ci.yml:", "", *init_files.GITLAB.splitlines()])
    else:
        plan.told.append("no workflow: nothing says GitHub or GitLab here (--workflow writes one for GitHub)")


def _branch(checkout: Path) -> str:
    """The branch that others start from, as far as the checkout knows; else the one that is checked out."""
    for name in (".git/refs/remotes/origin/HEAD", ".git/HEAD"):
        match = re.fullmatch(r"ref: refs/(?:remotes/origin|heads)/([\w./-]+)\s*", _read(checkout, name) or "")
        if match:
            return match[1]
    return "main"


def _read(root: Path, path: str) -> str | None:
    """A file of the checkout as text; None where there is none. Raises ConfigError where it cannot be read."""
    file = root / path
    if not file.is_file():
        return None
    if not file.resolve().is_relative_to(root):
        raise ConfigError(f"{path}: leads out of the project")
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES).decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start})") from None
