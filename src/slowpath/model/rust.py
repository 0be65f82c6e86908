"""What one Rust file yields. Each pass of `extract` owns one field, and the model file of that name."""

from __future__ import annotations

import msgspec

from slowpath.model.code import CodeFacts
from slowpath.model.diesel import DieselFacts
from slowpath.model.facts import Facts
from slowpath.model.mentions import MentionFacts


class RustFacts(Facts, array_like=True):
    """Facts of a Rust file."""

    code: CodeFacts = msgspec.field(default_factory=CodeFacts)
    diesel: DieselFacts = msgspec.field(default_factory=DieselFacts)
    mentions: MentionFacts = msgspec.field(default_factory=MentionFacts)
