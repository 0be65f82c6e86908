"""What one JavaScript or TypeScript file yields. Each pass of `extract` owns one field, and the model file of that name."""

from __future__ import annotations

import msgspec

from slowpath.model.awaits import AwaitFacts
from slowpath.model.facts import Facts
from slowpath.model.modules import ModuleFacts
from slowpath.model.react import ReactFacts


class WebFacts(Facts, array_like=True):
    """Facts of a JavaScript or TypeScript file."""

    module: ModuleFacts = msgspec.field(default_factory=ModuleFacts)
    react: ReactFacts = msgspec.field(default_factory=ReactFacts)
    awaits: AwaitFacts = msgspec.field(default_factory=AwaitFacts)


class JsonFacts(Facts, array_like=True):
    """Facts of a package.json or tsconfig."""
