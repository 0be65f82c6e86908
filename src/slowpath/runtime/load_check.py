"""What is wrong with a k6 script by its text and its options, before a request is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slowpath.model.evidence import Remark
from slowpath.runtime import load_callers, targets
from slowpath.runtime.k6_log import is_secret
from slowpath.runtime.load_plan import LoadPlan, shown
from slowpath.runtime.load_script import File, files

MANY_USERS = 2000
GIGABYTES_OF_USER = (0.00025, 0.001)
SUMMARY = "import { textSummary } from 'https://jslib.k6.io/k6-summary/0.1.0/index.js'"
P95 = re.compile(r"p\(95\)\s*<=?\s*(\d+(?:\.\d+)?)")


def static(plan: LoadPlan, options: dict[str, Any]) -> tuple[Remark, ...]:
    """`options` are the script's as k6 merges them; empty where k6 cannot load it."""
    read = list(files(plan.script))
    texts = (remark for file in read for remark in _text(file, shown(plan, file.path)))
    variables = frozenset(each.name for _, facts in read for each in facts.variables)
    called = load_callers.remarks(plan, variables, any(facts.any_variable for _, facts in read))
    return (*texts, *_variables(plan, read), *_options(plan, options), *called)


def refuse(plan: LoadPlan, options: dict[str, Any]) -> None:
    """Raise TargetError where a variable or the option `hosts` names a public address.

    Other ways to one are cut by k6 itself: it opens no connection to a public address unless it is the user's own.
    """
    named = [_host(name, value) for name, value in plan.env.items() if "://" in value]
    mapped = [targets.host_of(f"//{value}") for value in (options.get("hosts") or {}).values()]
    for host in (*named, *mapped):
        targets.check(host, owned=plan.owned)


def _host(name: str, value: str) -> str:
    try:
        return targets.host_of(value)
    except targets.TargetError as error:
        raise targets.TargetError(f"--env {name}: {error}") from None


def _text(file: File, about: str) -> Iterator[Remark]:
    facts = file.facts
    if facts.broken:
        yield Remark("note", about, "its text could not be read whole: not all of it was checked")
    for name, line in dict(reversed(facts.undeclared)).items():
        message = f"`{name}` is neither imported nor declared: a ReferenceError where it is used"
        if name == "textSummary":
            yield Remark("error", about, f"{message}, so the summary is lost while k6 exits as ever", line, SUMMARY)
        else:
            yield Remark("error", about, message, line, f"import or declare `{name}`")
    for metric, line in facts.only_true:
        message = f"only true is ever added to rate `{metric}`: without a failure it is 0 of 0, with one it is 100 %"
        yield Remark("error", about, message, line, "add the outcome of every check: `.add(!ok)`")
    for address, line in facts.imports:
        if address.startswith(("http://", "https://")):
            yield Remark("note", about, f"k6 loads {address} from the network at each start", line)
    for name, line in facts.opened:
        if not Path(name).is_absolute() and not (file.path.parent / name).exists():
            yield Remark("error", about, f"open('{name}'): there is no such file beside it, where k6 looks", line)


def _variables(plan: LoadPlan, read: list[File]) -> Iterator[Remark]:
    for path, facts in read:
        for name, line, default in {each.name: each for each in reversed(facts.variables)}.values():
            if name in plan.env or name in os.environ:
                continue
            about, instead = shown(plan, path), f"--env {name}=…"
            if default is None:
                yield Remark("warning", about, f"{name} is read and not set", line, instead)
            else:
                yield Remark(
                    "note",
                    about,
                    f"{name} is not set: {_hidden(name, default) or 'an empty text'} is used",
                    line,
                    instead,
                )
    if any(facts.any_variable for _, facts in read):
        return
    for name in sorted(set(plan.env) - {each.name for _, facts in read for each in facts.variables}):
        yield Remark("warning", shown(plan, plan.script), f"nothing in the script reads {name}, given by --env")


def _hidden(name: str, default: str) -> str:
    return "the script's own" if default and is_secret(name) else default


def _options(plan: LoadPlan, options: dict[str, Any]) -> Iterator[Remark]:
    about = shown(plan, plan.script)
    most = options.get("maxVUs") or 0
    if most >= MANY_USERS:
        low, high = (most * each for each in GIGABYTES_OF_USER)
        own = f"its own options ask for {most} users, {low:.1f} to {high:.0f} GB of memory for k6 alone"
        yield Remark("note", about, f"{own}; the steps here replace them")
    if options.get("rps"):
        message = f"option `rps` holds all users together to {options['rps']} requests/s: nothing above can be measured"
        yield Remark("error", about, message, instead="take it out for this")
    for limit in (options.get("thresholds") or {}).get("http_req_duration") or ():
        asked = P95.fullmatch(str(limit).strip())
        if asked and float(asked[1]) != plan.limits.p95_ms:
            message = f"its own threshold is {limit}; what is judged here is p95 under {plan.limits.p95_ms:g} ms"
            yield Remark("note", about, message, instead=f"--p95-ms {asked[1]}")
