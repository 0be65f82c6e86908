"""What an analysis leaves for the next one of a project that stays loaded, where only some files have changed.

A rule is a pure function of what it asks the program for: while that is the same, so is its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from slowpath.asking import Answer, answer, with_manifests
from slowpath.discover import Discovery
from slowpath.facts import keys_of
from slowpath.link.rust_edit import edited, is_circular
from slowpath.model.code import CodeFacts
from slowpath.model.rule import Rule
from slowpath.model.rust import RustFacts
from slowpath.program import ALL, RUST, UNREAD, VIEWS, File, Program
from slowpath.program.rust import RustProgram


class Memory:
    """The last program, and the answers of its rules."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._keys: dict[str, bytes] = {}
        self._judged: dict[str, bytes] = {}
        """The keys of what the last program was made of."""
        self._program: Program | None = None
        self._unread: frozenset[str] = frozenset()
        self._answers: dict[str, Answer] = {}
        self._edited: set[int] | None = None
        """id(function) of those that were asked anew since the last edit, where the rest of Rust is as it was."""

    def keys_of(self, found: Discovery, rules: list[Rule]) -> dict[str, bytes]:
        """What stands for each file's facts, by path."""
        fresh = [entry for entry in found.files if self._texts.get(entry[0]) is not entry[2]]
        known, self._keys = self._keys, keys_of(found._replace(files=fresh), rules)
        self._texts = {path: text for path, _, text in found.files}
        self._keys |= {path: known[path] for path in self._texts.keys() - self._keys.keys()}
        return self._keys

    @property
    def before(self) -> Mapping[str, File]:
        """The files of the last program."""
        return self._program.by_path if self._program is not None else {}

    def files(self) -> dict[str, File]:
        """Those of them that have the same text now."""
        return {path: file for path, file in self.before.items() if self._keys.get(path) == self._judged[path]}

    def answers(self, program: Program, unread: frozenset[str], rules: list[Rule]) -> list[Answer]:
        """What each rule says of the program, in order."""
        self._turn(program, unread)
        return with_manifests([self._answer(rule, program) for rule in rules], program)

    def _turn(self, program: Program, unread: frozenset[str]) -> None:
        """Go on to a new program; what of the old one still holds is handed on."""
        old, self._program = self._program, program
        self._judged = self._keys
        changed = differing(old, program) if old is not None else {ALL}
        if unread != self._unread:
            changed.add(UNREAD)
        if changed:
            changed.add(ALL)
        self._unread = unread
        self._answers = {rule: own for rule, own in self._answers.items() if not own.read & changed}
        self._edited = None
        if old is None:
            return
        rust = old.views.get("rust")
        for name in [name for name in old.views if VIEWS[name] & changed]:
            del old.views[name]
        program.views = old.views  # one dict for all: a view that is kept holds the program that it was made for
        if isinstance(rust, RustProgram) and RUST & changed == {"rust"}:
            changes = rust_changes(old, program)
            self._edited = edited(rust, changes) if changes is not None else None
            if self._edited is not None:
                program.views["rust"] = rust

    def doubtful(self) -> bool:
        """Whether an answer about Rust may depend on what was asked before the last edit."""
        if self._edited is None or self._program is None:
            return False
        return is_circular(self._program.rust) or not self._program.rust.unsettled <= self._edited

    def forget(self) -> None:
        """Begin anew."""
        self._program, self._answers = None, {}

    def _answer(self, rule: Rule, program: Program) -> Answer:
        known = self._answers.get(rule.id)
        if known is None:
            known = answer(program, rule)
            if not known.troubles:
                self._answers[rule.id] = known
        return known


def rust_changes(old: Program, new: Program) -> dict[str, CodeFacts] | None:
    """The new facts of the Rust files that differ; None where there are others than before."""
    before = {file.path: file for file in old.of("rust")}
    after = {file.path: file for file in new.of("rust")}
    if list(before) != list(after):
        return None
    return {path: cast(RustFacts, after[path].facts).code for path in after if before[path] is not after[path]}


def differing(old: Program, new: Program) -> set[str]:
    """The languages of files that are not the same in both."""
    before, after = old.by_path, new.by_path
    changed = {file.language for path, file in before.items() if after.get(path) is not file}
    return changed | {file.language for path, file in after.items() if before.get(path) is not file}
