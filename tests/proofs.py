"""Fixers' proofs: small projects that compile, one page per rule in `fix_proofs/`, as they are and as fixed.

Below `## safe: …` or `## unsafe: …` stand the files of one. Where `src/run.ts` is among them, what its default export
returns stays the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from surface import write

from slowpath import config, engine, rulebook, testing
from slowpath.cache import Cache, directory
from slowpath.engine import Mended
from slowpath.extract.parsing import broken, parse_part
from slowpath.model.rule import Rule

PAGES = Path(__file__).parent / "fix_proofs"
TITLE = re.compile(r"^## (safe|unsafe): (.+)$", re.M)
TSC_ERROR = re.compile(r"^(?P<when>before|after)/(?P<name>[^/]+)/(?P<text>.*error TS.*)$", re.M)
TSCONFIG = {
    "compilerOptions": {
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "lib": ["ES2023", "DOM", "DOM.Iterable"],
        "jsx": "react-jsx",
        "strict": True,
        "noUnusedLocals": True,
        "noEmit": True,
        "skipLibCheck": True,
        "types": [],
    },
    "include": ["before", "after"],
}
RUN_ALL = """const told = {};
for (const name of process.argv.slice(2)) {
  for (const when of ["before", "after"]) told[`${when}/${name}`] = await require(`./${when}/${name}.js`).default();
}
console.log(JSON.stringify(told));
"""


class Proof(NamedTuple):
    """One project of a page."""

    rule: str
    safe: bool
    title: str
    files: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.rule}-{re.sub(r'[^a-z]+', '-', self.title.lower())}"

    @property
    def run(self) -> str:
        return next((path for path in self.files if path.startswith("src/run.")), "")


def proofs() -> list[Proof]:
    found = []
    for page in sorted(PAGES.glob("*.md")):
        parts = TITLE.split(page.read_text("utf-8"))[1:]
        for kind, title, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            files = {fence[2].strip(): fence[3] for fence in testing.FENCE.finditer(text)}
            found.append(Proof(page.stem, kind == "safe", title, files))
    return found


def mended(root: Path, rules: Iterable[Rule], *, unsafe: bool) -> Mended:
    settings = config.load(root)
    more = {"start_after": str(settings.migrations.start_after), "features": settings.bundle.features}
    cache = Cache(directory())
    return engine.mend(root, rules, unsafe=unsafe, min_confidence="low", jobs=1, cache=cache, **more)


def fixed(proof: Proof, root: Path) -> Mended:
    """The project's files below `before`, and with its fixes below `after`; every rule is on."""
    own = write(root / "before" / proof.name, proof.files)
    done = mended(own, rulebook.load(), unsafe=not proof.safe)
    after = proof.files | {path: text.decode() for path, text in done.texts.items()}
    write(root / "after" / proof.name, after)
    return done


def disagreements(proof: Proof, done: Mended) -> list[str]:
    """What the fixes did not do, or did besides."""
    rules = Counter(each.finding.rule for each in done.fixed)
    told = [f"{rule}: {count} fixed" for rule, count in rules.items() if rule != proof.rule]
    told += [] if rules[proof.rule] else ["nothing is fixed"]
    told += [f"a fix is {'safe' if e.fix.safe else 'unsafe'}" for e in done.fixed if e.fix.safe != proof.safe]
    left = Counter(finding.rule for finding in done.report.findings)
    told += ["a finding is still there"] if left[proof.rule] else []
    told += [f"{rule} is new" for rule in left - Counter(finding.rule for finding in done.before.findings)]
    return told + [f"{path}: does not parse" for path in unparsed(done.texts)]


def unparsed(texts: dict[str, bytes]) -> list[str]:
    """TypeScript that a grammar does not know."""
    grammars = {".ts": "typescript", ".tsx": "tsx", ".js": "tsx", ".jsx": "tsx", ".mts": "typescript"}
    return [
        path
        for path, text in texts.items()
        if Path(path).suffix in grammars and broken(parse_part(grammars[Path(path).suffix], text))
    ]


def type_errors(root: Path, packages: Path) -> dict[str, list[str]]:
    """What TypeScript has to say of each proof, `before …` and `after …`; one run for all."""
    (root / "tsconfig.json").write_text(json.dumps(TSCONFIG))
    (root / "package.json").write_text('{"name": "proofs"}')
    if not (root / "node_modules").exists():
        (root / "node_modules").symlink_to(packages)
    command = [str(packages / ".bin/tsc"), "-p", ".", "--pretty", "false"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    told: dict[str, list[str]] = {}
    for each in TSC_ERROR.finditer(done.stdout):
        told.setdefault(each["name"], []).append(f"{each['when']} {each['text']}")
    assert bool(done.returncode) == bool(told), done.stdout
    return told


def results(root: Path, packages: Path, runs: Iterable[Proof]) -> dict[str, object]:
    """What the default exports of `src/run.ts` return, by `before/name` and `after/name`."""
    wanted = list(runs)
    entries = [
        f"{when}/{proof.name}={root / when / proof.name / proof.run}"
        for proof in wanted
        for when in ("before", "after")
    ]
    shape = ["--bundle", "--platform=node", "--format=cjs", "--jsx=automatic", "--log-level=error", "--outdir=built"]
    subprocess.run([str(packages / ".bin/esbuild"), *entries, *shape], cwd=root, check=True)
    (root / "built/all.cjs").write_text(f"(async () => {{ {RUN_ALL} }})();")
    (root / "built/package.json").write_text('{"type": "commonjs"}')
    command = ["node", "built/all.cjs", *(proof.name for proof in wanted)]
    env = {**os.environ, "NODE_ENV": "production"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told
