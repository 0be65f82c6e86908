"""What an analysis leaves for the next one of a project that stays loaded, where only some files have changed.

A rule is a pure function of what it asks the program for: while that is the same, so is its answer.
"""

from __future__ import annotations

from collections.abc import Callable

from slowpath.asking import Answer
from slowpath.discover import Discovery
from slowpath.facts import keys_of
from slowpath.model.rule import Rule
from slowpath.program import ALL, UNREAD, VIEWS, File, Program


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

    def keys_of(self, found: Discovery, rules: list[Rule]) -> dict[str, bytes]:
        """What stands for each file's facts, by path."""
        fresh = [entry for entry in found.files if self._texts.get(entry[0]) is not entry[2]]
        known, self._keys = self._keys, keys_of(found._replace(files=fresh), rules)
        self._texts = {path: text for path, _, text in found.files}
        self._keys |= {path: known[path] for path in self._texts.keys() - self._keys.keys()}
        return self._keys

    def files(self) -> dict[str, File]:
        """The files of the last program that did not change."""
        old = self._program.by_path if self._program is not None else {}
        return {path: file for path, file in old.items() if self._keys.get(path) == self._judged[path]}

    def turn(self, program: Program, unread: frozenset[str]) -> None:
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
        if old is not None:
            program.views |= {name: view for name, view in old.views.items() if not VIEWS[name] & changed}

    def answer(self, rule: Rule, ask: Callable[[], Answer]) -> Answer:
        """What a rule says of the program."""
        known = self._answers.get(rule.id)
        if known is not None:
            return known
        answer = ask()
        if not answer.troubles:
            self._answers[rule.id] = answer
        return answer


def differing(old: Program, new: Program) -> set[str]:
    """The languages of files that are not the same in both."""
    before, after = old.by_path, new.by_path
    changed = {file.language for path, file in before.items() if after.get(path) is not file}
    return changed | {file.language for path, file in after.items() if before.get(path) is not file}
