"""Facts about what a Rust file mentions of other crates, as the Cargo rules need them. Comments mention nothing."""

from __future__ import annotations

import msgspec


class Mention(msgspec.Struct, array_like=True, frozen=True):
    """A path that may start at another crate: `tokio::time::sleep`, whatever import shortened it in the text.

    `tokio::io::*` says that anything below may be meant: a glob, or a re-export that other files go through.
    """

    path: str
    at: int
    """Byte offset of the first such mention."""
    test: bool = False
    """All of them stand below `#[cfg(test)]`, `#[test]` or the like, or in an example of a doc comment."""
    bare: bool = False
    """The crate itself is handed on, by glob, alias or re-export: what is used of it cannot be seen."""


class MentionFacts(msgspec.Struct, array_like=True):
    """One Rust file's part. Mentions are sorted by path."""

    mentions: list[Mention] = []
    words: str = ""
    """Every identifier behind `.` or `::`, before `!`, in a `derive` or an attribute: each once, between spaces.
    What a `derive` names stands there as `#Name` as well."""
    modules: tuple[str, ...] = ()
    """Modules that the file declares."""
    generated: bool = False
    """The file includes code that a build script writes."""
    test_modules: tuple[str, ...] = ()
    """Those of them that only tests compile."""
    macro_modules: bool = False
    """A macro declares modules, so that the files beside may be compiled without being named."""
    in_macros: tuple[str, ...] = ()
    """The crates that bodies of exported `macro_rules!` name: the code that calls them names them too."""
