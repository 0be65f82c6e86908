"""Import specifiers → files of the project, as TypeScript and bundlers resolve them.

tsconfig and jsconfig `paths`, `baseUrl` and `extends`; workspace packages by name, with `exports`, `imports` and
`main`; index files; `.js` written for `.ts`. No file system here: only files that were scanned exist.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from slowpath.link.web_globs import matching
from slowpath.model.web import JsonFacts

SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
WRITTEN_AS = {".js": (".ts", ".tsx", ".jsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
BUILT = ("dist", "lib", "build", "out")
NAMED = ("tsconfig.json", "jsconfig.json")


class Alias(NamedTuple):
    """One path pattern; `targets` are paths from the project root."""

    prefix: str
    suffix: str
    star: bool
    targets: tuple[str, ...]


class Config(NamedTuple):
    """What a tsconfig says, its bases included."""

    aliases: tuple[Alias, ...]
    base: str | None


class Resolver:
    """`files` are the scanned sources; `configs` and `packages` the JSON files by path."""

    def __init__(
        self, files: frozenset[str], configs: Mapping[str, JsonFacts], packages: Mapping[str, JsonFacts]
    ) -> None:
        self.files = files
        self._ordered = sorted(files)
        self.configs = configs
        self.packages = packages
        self.named = {facts.name: posixpath.dirname(path) for path, facts in packages.items() if facts.name}
        self._beside: dict[str, list[str]] = {}
        for path in sorted(configs, key=lambda path: (posixpath.basename(path) not in NAMED, path)):
            self._beside.setdefault(posixpath.dirname(path), []).append(path)
        self._read_configs: dict[str, Config] = {}
        self._config_of_folder: dict[str, Config | None] = {}
        self._known: dict[tuple[str, str], str | None] = {}
        self.folder_package = lru_cache(maxsize=None)(self._folder_package)

    def resolve(self, importer: str, specifier: str) -> str | None:
        """The file that an import means, None for packages and what was not scanned."""
        folder = posixpath.dirname(importer)
        key = (folder, specifier)
        if key not in self._known:
            self._known[key] = next((hit for hit in self._candidates(folder, specifier) if hit is not None), None)
        return self._known[key]

    def matching(self, importer: str, specifier: str) -> list[str]:
        """The files that an import means; a pattern of a glob or a template may mean many."""
        if "*" not in specifier or specifier[0] not in "./":
            hit = self.resolve(importer, specifier)
            return [hit] if hit is not None else []
        folder = posixpath.dirname(importer)
        if specifier[0] == "/":
            folder = self.folder_package(folder) or ""
        pattern = posixpath.normpath(posixpath.join(folder, specifier.lstrip("/")))
        return [path for path in matching(self._ordered, pattern) if path != importer]

    def _candidates(self, folder: str, specifier: str) -> Iterator[str | None]:
        specifier = specifier.split("?")[0]
        if specifier.startswith("."):
            yield self.file(posixpath.join(folder, specifier))
            return
        config = self._config(folder)
        if config is not None:
            for target in _aliased(config.aliases, specifier):
                yield self.file(target)
        if specifier.startswith("/"):
            yield self.file(specifier[1:])
            yield self.file(posixpath.join(self.folder_package(folder) or "", specifier[1:]))
        elif specifier.startswith("#"):
            yield self._own_import(folder, specifier)
        else:
            yield self._workspace(specifier)
        if specifier.startswith(("@/", "~/", "~~/", "@@/")):
            yield from self._customary(folder, specifier.partition("/")[2])
        elif config is not None and config.base is not None:
            yield self.file(posixpath.join(config.base, specifier))

    def _customary(self, folder: str, rest: str) -> Iterator[str | None]:
        """`@/x` where only the bundler's configuration says what it means."""
        root = self.folder_package(folder) or ""
        for base in ("src", "app", ""):
            yield self.file(posixpath.join(root, base, rest))

    def file(self, path: str) -> str | None:
        """The scanned file that a path without its suffix, or a folder, stands for."""
        path = posixpath.normpath(path)
        if path in self.files:
            return path
        for suffix in SUFFIXES:
            if path + suffix in self.files:
                return path + suffix
        stem, written = posixpath.splitext(path)
        for suffix in WRITTEN_AS.get(written, ()):
            if stem + suffix in self.files:
                return stem + suffix
        folder = "" if path == "." else path + "/"
        for suffix in SUFFIXES:
            if f"{folder}index{suffix}" in self.files:
                return f"{folder}index{suffix}"
        return None

    def _folder_package(self, folder: str) -> str | None:
        """The folder of the nearest package.json at or above a folder."""
        while True:
            if posixpath.join(folder, "package.json") in self.packages:
                return folder
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    # packages of the project

    def _workspace(self, specifier: str) -> str | None:
        name, rest = split_package(specifier)
        folder = self.named.get(name)
        if folder is None:
            return None
        facts = self.packages[posixpath.join(folder, "package.json")]
        for target in _subpath(facts.exports, "./" + rest if rest else "."):
            hit = self._source(folder, target)
            if hit is not None:
                return hit
        if rest:
            return self.file(posixpath.join(folder, rest)) or self.file(posixpath.join(folder, "src", rest))
        return self.entry(folder)

    def entry(self, folder: str) -> str | None:
        """The source that importing a package by its name loads."""
        facts = self.packages[posixpath.join(folder, "package.json")]
        named = [target for pattern, targets in facts.exports if pattern == "." for target in targets]
        for target in [*named, *facts.mains]:
            hit = self._source(folder, target)
            if hit is not None:
                return hit
        return self.file(posixpath.join(folder, "src")) or self.file(folder)

    def _source(self, folder: str, target: str) -> str | None:
        """A file that a package.json names, or the source that it is built from."""
        target = posixpath.normpath(target)
        stem = target.removesuffix(".d.ts") if target.endswith(".d.ts") else posixpath.splitext(target)[0]
        first, _, rest = stem.partition("/")
        hit = self.file(posixpath.join(folder, target)) or self.file(posixpath.join(folder, stem))
        if hit is None and first in BUILT:
            for kind in ("esm/", "cjs/", "es/"):
                rest = rest.removeprefix(kind)
            hit = self.file(posixpath.join(folder, "src", rest)) or self.file(posixpath.join(folder, rest))
        return hit

    def _own_import(self, folder: str, specifier: str) -> str | None:
        root = self.folder_package(folder)
        if root is None:
            return None
        facts = self.packages[posixpath.join(root, "package.json")]
        hits = (self._source(root, target) for target in _subpath(facts.imports, specifier))
        return next((hit for hit in hits if hit is not None), None)

    # tsconfig

    def _config(self, folder: str) -> Config | None:
        """The nearest tsconfig or jsconfig; one without paths defers to those beside it and above."""
        if folder not in self._config_of_folder:
            self._config_of_folder[folder] = self._nearest(folder)
        return self._config_of_folder[folder]

    def _nearest(self, folder: str) -> Config | None:
        for config in (self._read(path) for path in self._beside.get(folder, [])):
            if config.aliases or config.base is not None:
                return config
        return self._config(posixpath.dirname(folder)) if folder else None

    def _read(self, path: str) -> Config:
        if path in self._read_configs:
            return self._read_configs[path]
        self._read_configs[path] = Config((), None)  # what a circle of `extends` sees of itself
        facts = self.configs[path]
        folder = posixpath.dirname(path)
        base = posixpath.normpath(posixpath.join(folder, facts.base_url)) if facts.base_url else None
        aliases = tuple(_alias(pattern, targets, base or folder) for pattern, targets in facts.paths)
        for name in reversed(facts.extends):
            other = self._config_file(folder, name)
            if other is not None:
                inherited = self._read(other)
                aliases = aliases or inherited.aliases
                base = base or inherited.base
        config = self._read_configs[path] = Config(aliases, base)
        return config

    def _config_file(self, folder: str, name: str) -> str | None:
        if not name.startswith("."):
            package, rest = split_package(name)
            if package not in self.named:
                return None
            folder, name = self.named[package], rest or "tsconfig.json"
        path = posixpath.normpath(posixpath.join(folder, name))
        options = (path, path + ".json", posixpath.join(path, "tsconfig.json"))
        return next((option for option in options if option in self.configs), None)


def split_package(specifier: str) -> tuple[str, str]:
    """`@scope/name/sub/path` → (`@scope/name`, `sub/path`)."""
    parts = specifier.split("/")
    count = 2 if specifier.startswith("@") else 1
    return "/".join(parts[:count]), "/".join(parts[count:])


def _alias(pattern: str, targets: list[str], base: str) -> Alias:
    prefix, star, suffix = pattern.partition("*")
    return Alias(prefix, suffix, bool(star), tuple(posixpath.normpath(posixpath.join(base, t)) for t in targets))


def _aliased(aliases: tuple[Alias, ...], specifier: str) -> Iterator[str]:
    """Targets of the patterns that match, the longest prefix first as TypeScript has it."""
    for alias in sorted(aliases, key=lambda a: (a.star, -len(a.prefix))):
        if not alias.star:
            if specifier == alias.prefix:
                yield from alias.targets
        elif (
            specifier.startswith(alias.prefix)
            and specifier.endswith(alias.suffix)
            and len(specifier) >= len(alias.prefix) + len(alias.suffix)
        ):
            middle = specifier[len(alias.prefix) : len(specifier) - len(alias.suffix)]
            for target in alias.targets:
                yield target.replace("*", middle, 1)


def _subpath(table: list[tuple[str, list[str]]], wanted: str) -> Iterator[str]:
    for pattern, targets in table:
        prefix, star, suffix = pattern.partition("*")
        if pattern == wanted:
            yield from targets
        elif star and wanted.startswith(prefix) and wanted.endswith(suffix):
            middle = wanted[len(prefix) : len(wanted) - len(suffix)]
            yield from (target.replace("*", middle) for target in targets)
