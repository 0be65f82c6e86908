"""What one Rust file yields. Each pass of `extract` owns one field, and the model file of that name."""

from __future__ import annotations

from slowpath.model.diesel import DieselFacts
from slowpath.model.facts import Facts
from slowpath.model.guards import GuardFacts
from slowpath.model.mentions import MentionFacts


class RustFacts(Facts, array_like=True):
    """Facts of a Rust file."""

    diesel: DieselFacts = DieselFacts()
    guards: GuardFacts = GuardFacts()
    mentions: MentionFacts = MentionFacts()
