"""What one JavaScript or TypeScript file yields: each pass of `extract` owns one field and the model file named so."""

from __future__ import annotations

import msgspec

from slowpath.model.awaits import AwaitFacts
from slowpath.model.facts import Facts
from slowpath.model.modules import Compiler, ModuleFacts
from slowpath.model.react import ReactFacts
from slowpath.model.requests import RequestFacts


class WebFacts(Facts, array_like=True):
    """Facts of a JavaScript or TypeScript file."""

    module: ModuleFacts = msgspec.field(default_factory=ModuleFacts)
    react: ReactFacts = msgspec.field(default_factory=ReactFacts)
    awaits: AwaitFacts = msgspec.field(default_factory=AwaitFacts)
    requests: RequestFacts = msgspec.field(default_factory=RequestFacts)


class JsonFacts(Facts, array_like=True):
    """Facts of a package.json, tsconfig, app.json or a Babel configuration; what it does not say is empty."""

    name: str = ""
    dependencies: list[str] = msgspec.field(default_factory=list)
    """Names under any kind of dependency."""
    side_effects: bool = True
    """False where `sideEffects` is exactly false."""
    workspaces: list[str] = msgspec.field(default_factory=list)
    mains: list[str] = msgspec.field(default_factory=list)
    """Files that the package offers as its entry, the likeliest source first."""
    exports: list[tuple[str, list[str]]] = msgspec.field(default_factory=list)
    """Subpath (`.`, `./x`, `./*`) → files, over all conditions."""
    imports: list[tuple[str, list[str]]] = msgspec.field(default_factory=list)
    """`#name` → files or packages."""
    compiler: Compiler = Compiler()
    extends: list[str] = msgspec.field(default_factory=list)
    base_url: str = ""
    paths: list[tuple[str, list[str]]] = msgspec.field(default_factory=list)
    """tsconfig path patterns → targets, both as written."""
