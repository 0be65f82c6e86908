"""The GitHub Action, as a runner would run it: action.yml is read step by step, its expressions are filled in, its
scripts run, in checkouts that are made as GitHub makes them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from surface import CLIENT, project, write

from slowpath.commands import init_files
from slowpath.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SCRIPT = ROOT / ".github/action.sh"
BESIDE = Path(sys.executable).parent


def tool(name: str) -> str:
    """A program on PATH, or of this virtual environment."""
    found = shutil.which(name) or shutil.which(name, path=str(BESIDE))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def git(root: Path, *arguments: str | Path) -> str:
    names = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "protocol.file.allow=always",
    ]
    done = subprocess.run(["git", *names, "-C", root, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Step(NamedTuple):
    """A step that was run, or an action that was used, with what it was given."""

    name: str
    code: int
    log: str
    given: dict[str, str]


class Run(NamedTuple):
    """What a run of the action did, in order, and what it left."""

    steps: list[Step]
    outputs: dict[str, str]
    summary: str

    @property
    def failed(self) -> bool:
        return any(step.code for step in self.steps)

    def log(self, name: str) -> str:
        return next(step.log for step in self.steps if step.name == name)

    def names(self) -> list[str]:
        return [step.name for step in self.steps]


class Context(dict[str, Any]):
    """A context of expressions: what is not there is nothing."""

    def __getattr__(self, name: str) -> Any:
        value = self.get(name.replace("_DASH_", "-"), {})
        return Context(value) if isinstance(value, dict) else value


def value(expression: str, contexts: dict[str, Any]) -> Any:
    """The few operators that action.yml uses, in Python."""
    dashed = re.sub(r"(?<=\w)-(?=\w)", "_DASH_", re.sub(r"'[^']*'", lambda m: m[0].replace("-", "\0"), expression))
    text = dashed.replace("\0", "-").replace("&&", " and ").replace("||", " or ").strip()
    return eval(text, {"__builtins__": {}}, {name: Context(own) for name, own in contexts.items()})


def filled(text: str, contexts: dict[str, Any]) -> str:
    def one(match: re.Match[str]) -> str:
        found = value(match[1], contexts)
        return str(found).lower() if isinstance(found, bool) else str(found or "")

    return re.sub(r"\$\{\{(.*?)\}\}", one, str(text))


class Runner:
    """What GitHub gives to a job: a checkout, folders, a token that may or may not upload."""

    def __init__(self, tmp: Path, checkout: Path, *, uploads: bool = True, base: str = "") -> None:
        self.checkout = checkout
        self.uploads = uploads
        self.event = {"pull_request": {"base": {"sha": base}}} if base else {}
        self.event_name = "pull_request" if base else "push"
        self.temp = tmp / "temp"
        self.temp.mkdir(exist_ok=True)
        self.tmp = tmp

    def installed(self) -> None:
        """slowpath as this test has it, where the script would install it."""
        number = subprocess.run(["cksum"], input=f"{ROOT}\n", capture_output=True, text=True).stdout.split()[0]
        folder = self.temp / f"slowpath-venv-{number}" / "bin"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "python").symlink_to(sys.executable)
            (folder / "slowpath").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m slowpath "$@"\n')
            (folder / "slowpath").chmod(0o755)

    def run(self, **given: str) -> Run:
        self.installed()
        defaults = {name: own.get("default", "") for name, own in ACTION["inputs"].items()}
        own = {name.replace("_", "-"): text for name, text in given.items()}
        assert own.keys() <= defaults.keys()
        sha = git(self.checkout, "rev-parse", "HEAD") if (self.checkout / ".git").exists() else "0" * 40
        contexts: dict[str, Any] = {
            "inputs": defaults | own,
            "steps": {},
            "github": {"event_name": self.event_name, "event": self.event, "action_path": str(ROOT)},
            "runner": {"os": "Linux"},
        }
        done: list[Step] = []
        summary = self.tmp / "summary"
        summary.write_text("")
        for step in ACTION["runs"]["steps"]:
            if any(each.code for each in done) or not value(step.get("if", "True"), contexts):
                continue
            env = {name: filled(text, contexts) for name, text in step.get("env", {}).items()}
            outputs, code, log, outcome = {}, 0, "", "success"
            if "run" in step:
                assert "${{" not in step["run"], "text of others would become part of the script"
                outputs, code, log = self.shell(step["run"], env, sha, summary)
                outcome = "failure" if code else "success"
            else:
                env = {name: filled(text, contexts) for name, text in step["with"].items()}
                if "setup-python" in step["uses"]:
                    outputs = {"python-path": sys.executable}
                if "upload-sarif" in step["uses"] and not self.uploads:
                    outcome = "failure"
                    code = filled(step["continue-on-error"], contexts) != "true"
            done.append(Step(step["name"], code, log, env))
            contexts["steps"][step.get("id", "")] = {"outputs": outputs, "outcome": outcome}
        told = {name: filled(own["value"], contexts) for name, own in ACTION["outputs"].items()}
        return Run(done, told, summary.read_text())

    def shell(self, script: str, env: dict[str, str], sha: str, summary: Path) -> tuple[dict[str, str], int, str]:
        """A step as GitHub runs it: bash -e -o pipefail in the checkout."""
        output = self.tmp / "output"
        output.write_text("")
        (self.tmp / "step.sh").write_text(script)
        known = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        given = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_SHA": sha,
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", self.tmp / "step.sh"],
            cwd=self.checkout,
            env=known | given | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        pairs = (line.split("=", 1) for line in output.read_text().splitlines())
        return dict(pairs), done.returncode, done.stdout


def commands(log: str) -> list[str]:
    """What of a log the runner would obey."""
    found, stopped = [], ""
    for line in log.splitlines():
        match = re.match(r"\s*::([\w-]+)( [^:]*)?::(.*)", line)
        if stopped:
            stopped = "" if match and match[1] == stopped else stopped
        elif match and match[1] == "stop-commands":
            stopped = match[3]
        elif match:
            found.append(line)
    assert not stopped, "commands stay switched off"
    return found


def repository(root: Path) -> Path:
    """A project with two findings, in its first commit."""
    write(project(root), {"slowpath.toml": ""})
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def pull_request(root: Path, depth: int | None) -> tuple[Path, str]:
    """A checkout of the merge that GitHub makes of a branch with one more finding, `depth` commits deep; its base."""
    git(root, "checkout", "-qb", "topic")
    write(root, {"src/New.tsx": CLIENT.format(name="New")})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "topic")
    git(root, "checkout", "-q", "main")
    write(root, {"README.md": "more"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "meanwhile")
    base = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "--detach")
    git(root, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    git(root, "update-ref", "refs/pull/1/merge", "HEAD")
    git(root, "checkout", "-q", "main")
    checkout = root.parent / "checkout"
    git(root.parent, "init", "-q", checkout)
    deep = [f"--depth={depth}"] if depth else []
    git(checkout, "fetch", "-q", *deep, f"file://{root}", "refs/pull/1/merge")
    git(checkout, "checkout", "-q", "FETCH_HEAD")
    return checkout, base


def results(path: str) -> list[str]:
    log = json.loads(Path(path).read_text())
    return [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    ]


def test_a_push_uploads_everything_and_fails_nothing(tmp_path: Path) -> None:
    done = Runner(tmp_path, repository(tmp_path / "repo")).run()
    assert not done.failed
    assert done.names() == [step["name"] for step in ACTION["runs"]["steps"]]
    upload = next(step for step in done.steps if step.name == "Upload to code scanning")
    assert upload.given["category"] == "slowpath" and upload.given["sarif_file"] == done.outputs["sarif-file"]
    assert results(done.outputs["sarif-file"]) == ["src/Basket.tsx", "src/Shelf.tsx"]
    assert {name: done.outputs[name] for name in ("findings", "new", "exit-code")} == {
        "findings": "2",
        "new": "2",
        "exit-code": "0",
    }
    assert "query-client-per-render" in done.summary
    assert "src/Basket.tsx:4:18" in done.log("Scan")
    assert not [line for step in done.steps for line in commands(step.log)], "code scanning annotates"


def test_where_the_upload_is_refused_the_lines_are_annotated(tmp_path: Path) -> None:
    runner = Runner(tmp_path, repository(tmp_path / "repo"), uploads=False)
    done = runner.run()
    assert not done.failed
    told = commands(done.log("Report"))
    assert [line[: line.index(",")] for line in told[:2]] == [
        "::warning file=src/Basket.tsx",
        "::warning file=src/Shelf.tsx",
    ]
    assert len(told) == 3 and "security-events: write" in told[2]
    assert runner.run(upload="true").failed
    quiet = runner.run(upload="false", annotations="false", summary="false")
    assert not quiet.failed and quiet.summary == "" and not commands(quiet.log("Report"))
    assert "Upload to code scanning" not in quiet.names()


def test_fail_on_fails_the_job_after_the_upload(tmp_path: Path) -> None:
    runner = Runner(tmp_path, repository(tmp_path / "repo"))
    done = runner.run(fail_on="warning")
    assert [step.name for step in done.steps if step.code] == ["Report"] and done.outputs["exit-code"] == "1"
    assert "Upload to code scanning" in done.names() and "query-client-per-render" in done.summary
    assert commands(done.log("Report")) == [
        "::error title=slowpath::2 finding(s), at least one of level warning or above"
    ]
    assert not runner.run(fail_on="error").failed


def test_no_findings_are_uploaded_too(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    for name in ("Basket", "Shelf"):
        (root / f"src/{name}.tsx").write_text("export const a = 1;\n")
    done = Runner(tmp_path, root).run(fail_on="note")
    assert not done.failed and done.outputs["findings"] == "0"
    assert results(done.outputs["sarif-file"]) == [] and "Upload to code scanning" in done.names()


@pytest.mark.parametrize("depth", [2, None])
def test_a_pull_request_speaks_of_what_is_new_and_uploads_all(tmp_path: Path, depth: int | None) -> None:
    checkout, base = pull_request(repository(tmp_path / "repo"), depth)
    done = Runner(tmp_path, checkout, uploads=False, base=base).run(fail_on="warning")
    assert (done.outputs["findings"], done.outputs["new"], done.outputs["exit-code"]) == ("3", "1", "1")
    assert len(results(done.outputs["sarif-file"])) == 3
    annotated = [line for line in commands(done.log("Report")) if " file=" in line]
    assert len(annotated) == 1 and annotated[0].startswith("::warning file=src/New.tsx,")
    assert "New.tsx" in done.summary and "Basket.tsx" not in done.summary
    assert "Save facts" not in done.names()


def test_a_checkout_that_is_too_shallow_says_so_and_shows_all(tmp_path: Path) -> None:
    checkout, base = pull_request(repository(tmp_path / "repo"), 1)
    done = Runner(tmp_path, checkout, base=base).run()
    assert not done.failed and done.outputs["new"] == done.outputs["findings"] == "3"
    (told,) = commands(done.log("Scan"))
    assert told.startswith("::notice") and "fetch-depth: 2" in told


def test_the_head_of_a_pull_request_may_be_checked_out_instead(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    _, base = pull_request(root, None)
    git(root, "checkout", "-q", "topic")
    done = Runner(tmp_path, root, base=base).run()
    assert (done.outputs["findings"], done.outputs["new"]) == ("3", "1")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"paths": "$(touch x)"}, "$(touch x): no such file or directory"),
        ({"paths": "src\n`touch x`;touch x"}, "`touch x`;touch x: no such file or directory"),
        ({"paths": "--output-file=x"}, "--output-file=x: no such file or directory"),
        ({"working_directory": "$(touch x)"}, "working-directory: $(touch x): no such folder"),
        ({"working_directory": "-P"}, "working-directory: -P: no such folder"),
        ({"fail_on": "note --output-file=x"}, "'note --output-file=x' is not one of"),
        ({"since": "--output=x"}, "--output=x"),
        ({"arguments": "--nope; touch x"}, "No such option"),
        ({"category": "a\nnew=7"}, "category: "),
        ({"category": "$(touch x)"}, "category: "),
    ],
)
def test_inputs_are_never_run(tmp_path: Path, given: dict[str, str], words: str) -> None:
    root = repository(tmp_path / "repo")
    before = sorted(path.name for path in root.iterdir())
    done = Runner(tmp_path, root).run(**given)
    assert sorted(path.name for path in root.iterdir()) == before
    last = done.steps[-1]
    assert last.code == 2 and done.outputs["new"] == ""
    (told,) = commands(last.log)
    assert told.startswith("::error title=slowpath::") and words in told, last.log


def test_paths_and_arguments_are_lines(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    write(root, {"a b/My Page.tsx": CLIENT.format(name="Page")})
    runner = Runner(tmp_path, root)
    assert runner.run(paths="a b\n\n  \nsrc/Basket.tsx\r\n").outputs["findings"] == "2"
    assert runner.run(arguments="--select\nn-plus-one\n\n--preset=strict").outputs["findings"] == "0"


def test_several_projects_of_one_checkout(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    write(project(root / "apps/web"), {"apps/web/slowpath.toml": ""})
    runner = Runner(tmp_path, root)
    first, second = runner.run(), runner.run(working_directory="apps/web", category="web")
    assert (first.outputs["findings"], second.outputs["findings"]) == ("4", "2")
    assert results(second.outputs["sarif-file"]) == ["apps/web/src/Basket.tsx", "apps/web/src/Shelf.tsx"]
    assert first.outputs["sarif-file"] != second.outputs["sarif-file"]


def test_facts_are_kept_by_version_category_and_tree(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    runner = Runner(tmp_path, root)
    restored, saved = (step.given for step in runner.run().steps if step.name in ("Restore facts", "Save facts"))
    tree = git(root, "rev-parse", "HEAD^{tree}")
    assert restored["key"] == saved["key"] and re.fullmatch(rf"slowpath-Linux-[\d.]+-slowpath-{tree}", saved["key"])
    assert restored["restore-keys"] == saved["key"].removesuffix(tree)
    assert Path(saved["path"]).is_relative_to(runner.temp) and list(Path(saved["path"]).iterdir())
    assert not {"Restore facts", "Save facts"} & {*runner.run(cache="false").names()}


def test_broken_settings_fail_the_step_with_one_line(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    write(root, {"slowpath.toml": "selekt = []"})
    done = Runner(tmp_path, root).run()
    assert (done.names()[-1], done.steps[-1].code, done.outputs["exit-code"]) == ("Scan", 2, "2")
    (told,) = commands(done.log("Scan"))
    assert "slowpath.toml" in told and "selekt" in told


def test_an_internal_error_fails_the_step_and_uploads_nothing(tmp_path: Path) -> None:
    runner = Runner(tmp_path, repository(tmp_path / "repo"))
    runner.installed()
    program = next(runner.temp.glob("slowpath-venv-*/bin/slowpath"))
    broken = "from slowpath.commands import project; project.opened = None; from slowpath.cli import main; main()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -c "{broken}" "$@"\n')
    done = runner.run()
    assert (done.names()[-1], done.steps[-1].code) == ("Scan", 3)
    (told,) = commands(done.log("Scan"))
    assert "internal error" in told


def test_what_a_checkout_says_commands_nothing(tmp_path: Path) -> None:
    """Neither names of files nor lines of code reach the runner as commands."""
    root = repository(tmp_path / "repo")
    line = "::add-mask::e"
    write(
        root, {f"{line}/::error file=a::b.tsx": CLIENT.format(name="Bad").replace("  const", f"/*\n{line}\n*/ const")}
    )
    write(root, {"json.py": "raise SystemExit('run')\n", "src/json.py": "raise SystemExit('run')\n"})
    done = Runner(tmp_path, root, uploads=False).run()
    assert not done.failed and done.outputs["findings"] == "3"
    assert not commands(done.log("Scan"))
    told = commands(done.log("Report"))
    assert len(told) == 4 and all(each.startswith(("::warning file=", "::notice title=")) for each in told)


def test_without_git(tmp_path: Path) -> None:
    root = write(project(tmp_path / "repo"), {})
    done = Runner(tmp_path, root).run()
    assert not done.failed and done.outputs["findings"] == "2"


def test_it_installs_itself(tmp_path: Path) -> None:
    """From its own checkout into a virtual environment, whatever lies in the working directory."""
    root = repository(tmp_path / "repo")
    write(root, {"pip.py": "raise SystemExit('run')\n", "venv.py": "raise SystemExit('run')\n"})
    runner = Runner(tmp_path, root)
    env = {"PYTHON": sys.executable, "CATEGORY": "slowpath", "PYTHONPATH": ""}
    told, code, log = runner.shell(f'"{SCRIPT}" install', env, "0" * 40, tmp_path / "summary")
    if code and re.search("No matching distribution|ConnectionError|ProxyError|Temporary failure", log):
        pytest.skip("pip reaches no package index")
    assert code == 0, log
    done = subprocess.run([f"{told['venv']}/bin/slowpath", "scan", root], capture_output=True, text=True, env={})
    assert done.returncode == 1 and "2 findings" in done.stdout, done


def test_script_is_clean() -> None:
    subprocess.run([tool("shellcheck"), SCRIPT], check=True)


def test_action_and_workflow_are_what_their_schemas_ask_for(tmp_path: Path) -> None:
    check = tool("check-jsonschema")
    (tmp_path / "slowpath.yml").write_text(init_files.workflow("main", "apps/web"))
    (tmp_path / "gitlab.yml").write_text(init_files.GITLAB)
    subprocess.run([check, "--builtin-schema", "vendor.github-actions", ROOT / "action.yml"], check=True)
    subprocess.run([check, "--builtin-schema", "vendor.github-workflows", tmp_path / "slowpath.yml"], check=True)
    subprocess.run([check, "--builtin-schema", "vendor.gitlab-ci", tmp_path / "gitlab.yml"], check=True)


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    """But that the sample names a version of slowpath, which has no commit yet when it is written."""
    zizmor = tool("zizmor")
    rules = "rules: {unpinned-uses: {config: {policies: {'slowpath/*': ref-pin, '*': hash-pin}}}}"
    write(tmp_path, {"zizmor.yml": rules, ".github/workflows/slowpath.yml": init_files.workflow("main", "")})
    flags = ["--offline", "--no-progress", "--config", tmp_path / "zizmor.yml"]
    for path in (ROOT / "action.yml", tmp_path / ".github/workflows/slowpath.yml"):
        done = subprocess.run([zizmor, *flags, path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slowpath.yml"
    path.write_text(init_files.workflow("main", "apps/web"))
    subprocess.run([tool("actionlint"), path], check=True)


def test_others_are_pinned_by_commit() -> None:
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert len(used) == 4 and all(re.search(r"@[0-9a-f]{40}$", each) for each in used)


PAGE = (ROOT / "docs/ci.md").read_text()


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_page_shows_what_init_writes() -> None:
    workflow, *steps, gitlab = fences("yaml")
    assert workflow == init_files.workflow("main", "") and gitlab == init_files.GITLAB
    given = [step["with"] for fence in steps for step in yaml.safe_load(fence)]
    assert len(given) == 3 and all(own.keys() <= ACTION["inputs"].keys() for own in given)


def test_the_page_lists_the_inputs_and_outputs() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`(.*?)` )?\| (.*) \|$", PAGE, re.M)
    assert rows == [(name, own["default"], own["description"]) for name, own in ACTION["inputs"].items()]
    assert all(f"`{name}`" in PAGE.partition("Outputs:")[2] for name in ACTION["outputs"])


def test_the_page_names_the_formats() -> None:
    table = PAGE.partition("| format | read by |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"`([\w-]+)`", table)) == sorted(FORMATS)


def test_commands_of_the_page_run(tmp_path: Path) -> None:
    root = repository(tmp_path)
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    write(root, {"src/New.tsx": CLIENT.format(name="New")})
    inline = re.findall(r"`(slowpath scan [^`]+)`", PAGE)
    told = [line for fence in (*fences("sh"), *fences("yaml")) for line in fence.splitlines()]
    lines = [line.strip(" -") for line in told if line.strip(" -").startswith("slowpath scan")]
    assert len(inline) == 3 and len(lines) == 3
    env = os.environ | {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    for line in sorted((*inline, *lines), key=lambda line: "--write-baseline" in line):
        command = line.partition(" | ")[0].replace("slowpath", f"{sys.executable} -m slowpath", 1)
        done = subprocess.run(["bash", "-c", command], cwd=root, env=env, capture_output=True, text=True)
        assert done.returncode == ("--exit-zero" not in line and "--write" not in line), (line, done)
