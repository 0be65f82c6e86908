"""What one Rust file yields. Each pass of `extract` owns one field, and the model file of that name."""

from __future__ import annotations

import msgspec

from slowpath.model.diesel import DieselFacts
from slowpath.model.facts import Facts
from slowpath.model.guards import GuardFacts
from slowpath.model.mentions import MentionFacts


class RustFacts(Facts, array_like=True):
    """Facts of a Rust file."""

    diesel: DieselFacts = msgspec.field(default_factory=DieselFacts)
    guards: GuardFacts = msgspec.field(default_factory=GuardFacts)
    mentions: MentionFacts = msgspec.field(default_factory=MentionFacts)
