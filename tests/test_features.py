"""Whatever a list of features holds and whatever the code needs: nothing that is needed goes, and once is enough."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from slowpath.program.features import DEFAULT, FeatureGraph, verdict
from slowpath.rulebook import PAGES
from slowpath.tables import Tables, numbers

TABLES = Tables(Path(PAGES) / "cargo" / "features")
ROUNDS = 60


@pytest.mark.parametrize("name", TABLES.names)
def test_no_needed_feature_goes(name: str) -> None:
    crate = TABLES.crate(name)
    assert crate is not None
    dice = random.Random(name)
    for release in dice.sample(crate.versions, min(3, len(crate.versions))):
        graph = FeatureGraph(release, TABLES.table(name))
        every = sorted(graph.features)
        judged = [feature for feature in every if feature in graph.table.needs]
        for _ in range(ROUNDS if every else 0):
            asked = dice.sample(every, dice.randint(1, min(6, len(every))))
            needs = set(dice.sample(judged, dice.randint(0, min(6, len(judged)))))
            base = [DEFAULT] if dice.random() < 0.5 else []
            found = verdict(asked, graph, needs, base)
            before, after = graph.closure([*asked, *base]), graph.closure([*found.stays, *base])
            lost = before - after
            assert not lost & needs
            assert not set(found.goes) - lost
            assert all(
                part in graph.table.needs or part in graph.aggregates or graph.comes_along(part) for part in lost
            )
            assert found.stays == asked or lost or set(graph.aggregates).intersection(asked)
            again = verdict(found.stays, graph, needs, base)
            assert not graph.closure([*found.stays, *base]) - graph.closure([*again.stays, *base]) - set(again.goes)


def test_a_version_gets_the_graph_of_the_release_that_it_is_of() -> None:
    tokio = TABLES.crate("tokio")
    assert tokio is not None
    assert numbers("=1.4.0-rc.1") == (1, 4, 0)
    for release in tokio.versions:
        assert tokio.release(release.version) == release
    newest = tokio.release("1")
    assert newest is not None and newest == tokio.versions[-1]
    old = tokio.release("0.2.3")
    assert old is not None and "uds" in old.features and "uds" not in newest.features
    assert tokio.release("0.0.1") is None and tokio.release("*") is None


def test_a_feature_stays_where_what_must_stand_in_for_it_is_not_on() -> None:
    for version, asked, goes in [
        ("1.40.0", [DEFAULT], []),
        ("1.157.0", ["rustls", "rt-tokio"], []),
        ("1.157.0", ["rustls", "default-https-client"], ["rustls"]),
    ]:
        crate = TABLES.crate("aws-sdk-s3")
        release = crate.release(version) if crate else None
        assert release is not None
        assert verdict(asked, FeatureGraph(release, TABLES.table("aws-sdk-s3")), set(), []).goes == goes
