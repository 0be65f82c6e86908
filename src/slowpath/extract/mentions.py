"""One Rust source in, MentionFacts out: paths into other crates, with the file's own imports expanded.

By patterns over the blanked text, not by the tree: macro arguments and attributes are then read like any code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tree_sitter import Tree

from slowpath.extract.blank import blanked
from slowpath.model.mentions import Mention, MentionFacts

# Each pattern begins with literal text: the engine then skips to it, twice as fast as trying every position.
TAIL = re.compile(rb"::\s*((?:[A-Za-z_]\w*\s*::\s*)*[A-Za-z_]\w*|(?=[<{*(]))")
HEAD = re.compile(rb"(?<![\w.$'])(?<!::)([A-Za-z_]\w*)\s*$")
USE = re.compile(rb"use\s+")
SPLICED = re.compile(rb"(?<![\w.$:])([a-z_]\w*(?:::\w+){0,9})::\$")
"""What a macro completes: `tokio::$module` may be anything below."""
EXTERN = re.compile(rb"extern\s+crate\s+(\w+)(?:\s+as\s+(\w+))?\s*;")
MODULE = re.compile(rb"mod\s+(?:r#)?(\w+)")
RULES = re.compile(rb"macro_rules!\s*\w+\s*[({\[]")
PATH_ROOT = re.compile(rb"(?<![\w.$])(?<!\w::)([a-z_]\w*)\s*::")
MACRO_MODULES = re.compile(rb"mod\s+\$|automod\s*::\s*dir\s*!")
BEFORE = re.compile(rb"([ \t]*)(pub\s*(?:\([^)\n]*\)\s*)?)?$")
BEHIND = re.compile(rb"[{};\]][ \t]*(pub\s*(?:\([^)\n]*\)\s*)?)?$")
"""An item that shares its line, as in `mod a { use b as c; }`."""
ATTRIBUTE = re.compile(rb"#!?\s*\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]")
QUOTED = re.compile(rb'(\w*)\s*=\s*"([^"\n]*)"')
IN_QUOTES = re.compile(rb"(?<![\w:])([a-zA-Z_]\w*(?:::\w+)+)")
WORD = re.compile(rb"[.:](?:(?<=\.)|(?<=::))\s*([A-Za-z_]\w*)")
MACRO = re.compile(rb"!\s*[(\[{]")
DERIVE = re.compile(rb"\bderive\s*\(([^()]*)\)")
DERIVED = re.compile(rb"(\w+)\s*(?:,|$)")
NAME = re.compile(rb"\w+")
LAST_NAME = re.compile(rb"\w+$")
FIRST_NAME = re.compile(rb"^\s*([a-z_]\w*)\s*[,;)\]}]")
"""What a macro is given alone, or first: it may be a crate."""
TEST = re.compile(
    rb"#\s*\[\s*(?:cfg\s*\(\s*(?:test\b|all\s*\((?:[^()]*,)?\s*test\s*[,)])"
    rb"|(?:\w+\s*::\s*)*(?:test|rstest|bench|test_case|quickcheck)\b)[^\]]{0,400}\]"
)
WHOLE_FILE_TEST = re.compile(rb"^[ \t]*#!\s*\[\s*cfg\s*\(\s*test\s*\)", re.M)
ITEM_BODY = re.compile(rb"[{;]")
BRACE = re.compile(rb"[{}]")
GENERATED = re.compile(rb"OUT_DIR|include_proto!|include_modules!|lalrpop_mod!|include_generated")
DOC_LINE = re.compile(rb"^[ \t]*//[/!]([^\n]*)", re.M)
OWN = frozenset(["crate", "self", "super", "Self", "std", "core", "alloc"])
SINGLE_NAME_KEYS = frozenset([b"with", b"crate", b"flavor"])
SPACE = re.compile(r"\s+")
TREE_TOKEN = re.compile(r"\bas\b|\w+|::|[{},*]")
DEEPEST = 5
LONGEST = 64
"""No identifier that matters is longer."""
GLOBAL = frozenset([bytes([byte]) for byte in b" \t\n([{<&*,=;!|+-"])
"""What may stand before a path that begins with `::`."""
KEYWORDS = frozenset(
    b"as break const dyn else for if impl in let match move mut ref return unsafe where while yield".split()
)
"""So may these: in `match ::a::b()` there is no module `match`."""
MAX_GROUPS = 40
MAX_PATH = 400
MAX_MEANINGS = 4
"""Imports of one name in one file: at its top and in functions."""


class Import(NamedTuple):
    """A leaf of a `use` tree. `local` is empty for `as _`, `*` for a glob."""

    path: str
    local: str
    at: int
    top: bool
    public: bool


def extract(tree: Tree, source: bytes) -> MentionFacts:
    """The facts of one file."""
    code = blanked(source)
    imports = [*used(code), *extern(code)]
    found = Found(tests(code))
    modules = [(match[1].decode(), indent, match.start()) for match, indent, _ in items(MODULE, code)]
    scope = Scope(imports, {name for name, indent, _ in modules if not indent})
    for leaf in imports:
        for path in scope.expand(leaf.path, leaf.at):
            handed_on = leaf.public or leaf.local not in (path, "")
            found.add(path, leaf.at, bare="::" not in path and handed_on)
            if leaf.local == "*" or leaf.public:
                found.add(f"{path}::*", leaf.at)
    spans = [(start, end) for start, end, _, _ in declarations(code)]
    settled: set[str] = set()
    for at, path in outside(paths(code), spans):
        if path in settled:
            continue
        for full in scope.expand(path, at):
            found.add(full, at)
        if not found.in_test(at):
            settled.add(path)
    names = {name for name, _, _ in modules}
    compiled = {name for name, _, at in modules if not found.in_test(at)}
    strings = list(quoted(code, source))
    for at, path in strings:
        for full in scope.expand(path, at):
            found.add(full, at)
    for spliced in SPLICED.finditer(code):
        for full in scope.expand(SPACE.sub("", spliced[1].decode()), spliced.start()):
            if "::" in full:
                found.add(f"{full}::*", spliced.start())
            else:
                found.add(full, spliced.start(), bare=True)
    examples = list(documented(source))
    for start, text in examples:
        for path in named(text):
            found.add(path, start, test=True)
    return MentionFacts(
        found.sorted(),
        words(b"\n".join([code, *(text for _, text in examples)]), (path for _, path in strings)),
        tuple(sorted(names)),
        bool(GENERATED.search(source)),
        tuple(sorted(names - compiled)),
        bool(MACRO_MODULES.search(code)),
        tuple(sorted(in_macros(code))),
    )


class Found:
    """Mentions by path; one outside tests outweighs those in tests."""

    def __init__(self, tests: list[tuple[int, int]]) -> None:
        self.tests = tests
        self.by_path: dict[str, Mention] = {}

    def in_test(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.tests)

    def add(self, path: str, at: int, bare: bool = False, test: bool = False) -> None:
        test = test or self.in_test(at)
        known = self.by_path.get(path)
        if known is None:
            self.by_path[path] = Mention(path, at, test, bare)
        elif (known.test and not test) or (bare and not known.bare):
            self.by_path[path] = Mention(path, at, known.test and test, bare or known.bare)

    def sorted(self) -> list[Mention]:
        return [self.by_path[path] for path in sorted(self.by_path)]


class Scope:
    """What a name at the start of a path stands for in this file."""

    def __init__(self, imports: Iterable[Import], modules: set[str]) -> None:
        self.modules = modules
        self.imports: dict[str, list[Import]] = {}
        for leaf in imports:
            known = self.imports.setdefault(leaf.local, [])
            if leaf.local not in ("", "*") and len(known) < MAX_MEANINGS:
                known.append(leaf)

    def expand(self, path: str, at: int, depth: int = 0) -> Iterator[str]:
        """The path as other crates' names begin it; nothing where it begins with one of the crate's own."""
        root, colons, rest = path.partition("::")
        if root in OWN or depth > 3:
            return
        leaves = [leaf for leaf in self.imports.get(root, ()) if leaf.at != at and leaf.path != root]
        for leaf in leaves:
            yield from self.expand(f"{leaf.path}{colons}{rest}", leaf.at, depth + 1)
        shadowed = root in self.modules or any(leaf.top for leaf in leaves)
        if not shadowed and (root[:1].islower() or root[:1] == "_") and not (leaves and colons == ""):
            yield "::".join(path.split("::")[:DEEPEST])


def items(kind: re.Pattern[bytes], code: bytes) -> Iterator[tuple[re.Match[bytes], bool, bool]]:
    """Items of a kind that begin their line, with whether they are indented, and public."""
    for match in kind.finditer(code):
        start = code.rfind(b"\n", max(0, match.start() - LONGEST), match.start()) + 1
        before = BEFORE.match(code, start, match.start())
        behind = None if before else BEHIND.search(code, start, match.start())
        if before:
            yield match, bool(before[1]), bool(before[2])
        elif behind and kind is USE:
            yield match, True, bool(behind[1])


def declarations(code: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    """`use` declarations as (start of the tree, end, indented, public)."""
    end = 0
    for match, indented, public in items(USE, code):
        if match.start() >= end:
            end = code.find(b";", match.end())
            end = len(code) if end < 0 else end
            yield match.end(), end, indented, public


def used(code: bytes) -> Iterator[Import]:
    """The leaves of all `use` declarations."""
    for start, end, indented, public in declarations(code):
        for path, local in leaves(code[start:end].decode("utf-8", "replace")):
            yield Import(path, local, start, not indented, public)


def leaves(text: str) -> Iterator[tuple[str, str]]:
    """`a::{b, c as d}` → (`a::b`, `b`), (`a::c`, `d`)."""
    stack: list[str] = []
    prefix = path = alias = ""
    renaming = False
    for token in TREE_TOKEN.findall(text + ","):
        if token == "{" and len(stack) < MAX_GROUPS:
            stack.append(prefix)
            prefix, path = path, ""
        elif token in ",}":
            if path:
                yield whole(path, alias)
            path, alias, renaming = prefix, "", False
            if token == "}" and stack:
                prefix, path = stack.pop(), ""
            if token == ",":
                path = ""
        elif token == "as":
            renaming = True
        elif renaming:
            alias = token
        elif len(path) < MAX_PATH:
            path = (path or prefix) + token


def whole(path: str, alias: str) -> tuple[str, str]:
    """A leaf's full path and the name that it gets here."""
    path = path.removeprefix("::").removesuffix("::self")
    last = path.rsplit("::", 1)[-1]
    local = alias if alias != "_" else ""
    return (path.removesuffix("::*"), "*") if last == "*" else (path, local if alias else last)


def extern(code: bytes) -> Iterator[Import]:
    """`extern crate` declarations; one with `#[macro_use]` hands on macros that are then used by their names alone."""
    for match in EXTERN.finditer(code):
        name, alias = match[1].decode(), (match[2] or match[1]).decode()
        start = code.rfind(b"\n", max(0, match.start() - LONGEST), match.start()) + 1
        handed_on = b"pub" in code[start : match.start()] or b"macro_use" in code[max(0, start - 60) : match.start()]
        yield Import(name, "" if alias == "_" else alias, match.start(1), True, handed_on)


def paths(code: bytes) -> Iterator[tuple[int, str]]:
    """Paths of two segments or more, with their offsets."""
    for match in TAIL.finditer(code):
        start = max(0, match.start() - LONGEST)
        head = HEAD.search(code, start, match.start())
        if head and head[1] not in KEYWORDS:
            path = f"{head[1].decode()}::{match[1].decode()}"
            yield head.start(1), SPACE.sub("", path).removesuffix("::")
        elif (head or code[match.start() - 1 : match.start()] in GLOBAL) and b"::" in match[1]:
            yield match.start(1), SPACE.sub("", match[1].decode())


def outside(found: Iterable[tuple[int, str]], spans: list[tuple[int, int]]) -> Iterator[tuple[int, str]]:
    """What does not lie in the given spans; both in order of their offsets."""
    rest = iter(spans)
    span = next(rest, None)
    for at, path in found:
        while span and at >= span[1]:
            span = next(rest, None)
        if span is None or at < span[0]:
            yield at, path


def quoted(code: bytes, source: bytes) -> Iterator[tuple[int, str]]:
    """Paths in the strings of attributes: `#[serde(with = "a::b")]`."""
    if b'"' not in source:
        return
    for attribute in ATTRIBUTE.finditer(code):
        for string in QUOTED.finditer(source, attribute.start(), attribute.end()):
            if string[1] == b"doc":
                continue
            if string[1] in SINGLE_NAME_KEYS and NAME.fullmatch(string[2]):
                yield string.start(2), string[2].decode()
            for match in IN_QUOTES.finditer(string[2]):
                yield string.start(2) + match.start(), match[1].decode()


def documented(source: bytes) -> Iterator[tuple[int, bytes]]:
    """The examples in doc comments, which `cargo test` compiles: (offset, code)."""
    if b"```" not in source:
        return
    start, lines = -1, list[bytes]()
    for line in DOC_LINE.finditer(source):
        if b"```" in line[1]:
            if lines:
                yield start, b"\n".join(lines)
            start, lines = (line.end() if start < 0 else -1), []
        elif start >= 0:
            lines.append(line[1].strip().removeprefix(b"# "))


def named(text: bytes) -> Iterator[str]:
    """The paths into other crates that an example names."""
    imports = [*used(text), *extern(text)]
    scope = Scope(imports, set())
    for leaf in imports:
        for path in scope.expand(leaf.path, leaf.at):
            yield f"{path}::*" if leaf.local == "*" else path
    for at, path in paths(text):
        yield from scope.expand(path, at)


def words(code: bytes, strings: Iterable[str]) -> str:
    """See MentionFacts.words."""
    found = set(WORD.findall(code))
    for bang in MACRO.finditer(code):
        found.update(LAST_NAME.findall(code[max(0, bang.start() - LONGEST) : bang.start()]))
        found.update(FIRST_NAME.findall(code[bang.end() : bang.end() + LONGEST]))
    found.update(name.encode() for path in strings for name in path.split("::"))
    for derive in DERIVE.finditer(code):
        found.update(NAME.findall(derive[1]))
        found.update(b"#" + name for name in DERIVED.findall(derive[1]))
    if b"macro_rules!" in code:
        found.add(b"macro_rules")
    return f" {b' '.join(sorted(found)).decode()} "


def in_macros(code: bytes) -> set[str]:
    """See MentionFacts.in_macros."""
    if b"macro_export" not in code:
        return set()
    found: set[str] = set()
    end = 0
    for rules in RULES.finditer(code):
        if rules.start() >= end:
            end = closing(code, rules.end() - 1)
            found.update(root[1].decode() for root in PATH_ROOT.finditer(code, rules.end(), end))
    return found - OWN


def tests(code: bytes) -> list[tuple[int, int]]:
    """The spans that only tests compile."""
    if WHOLE_FILE_TEST.search(code):
        return [(0, len(code))]
    spans: list[tuple[int, int]] = []
    for match in TEST.finditer(code):
        if spans and match.start() < spans[-1][1]:
            continue
        body = ITEM_BODY.search(code, match.end())
        if body is None:
            break
        spans.append((match.start(), body.end() if body[0] == b";" else closing(code, body.start())))
    return spans


def closing(code: bytes, start: int) -> int:
    """Where the brace that opens at `start` closes."""
    depth = 0
    for brace in BRACE.finditer(code, start):
        depth += 1 if brace[0] == b"{" else -1
        if depth == 0:
            return brace.end()
    return len(code)
