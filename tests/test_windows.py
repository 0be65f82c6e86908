"""What repeats within one window of a session, where a pool tests its connections and where it does not."""

from __future__ import annotations

from slowpath.runtime.windows import Groups, Repeats, Session

Found = tuple[str, int, str]


def groups(asked: str, *, pause: float = 0.0005) -> list[Found]:
    """A session as letters: `p` is SELECT 1, `(` and `)` a transaction, `.` a pause of 100 ms, all else a statement."""
    session, found, now = Session(), list[Repeats](), 1000.0
    for letter in asked:
        now += 0.1 if letter == "." else pause
        if letter == "p":
            found += session.ping()
        elif letter in "()":
            found += session.begin() if letter == "(" else session.end()
        elif letter != ".":
            found += session.add(letter, 0.1, now)
    found += session.close()
    return sorted((each.statement, each.times, each.first) for each in found)


def test_checkouts() -> None:
    assert groups("pabbbbbbpabbbbbp") == [("b", 5, "a"), ("b", 6, "a")]
    assert groups("pabpabpabpabpabpabpab") == []
    assert groups("pabcbcbcbcbcp") == [("b", 5, "a"), ("c", 5, "b")]
    assert groups("pabbbb.bbbp") == [("b", 7, "a")], "a connection may be held over other work"
    assert groups("p(abb)(abb)(abb)p") == [("b", 6, "a")], "transactions do not part a checkout"
    assert groups("abbbbbpabp") == [("b", 5, "a")], "the log began within a checkout"


def test_transactions() -> None:
    assert groups("(abbbbb)(abb)(abb)(abb)") == [("b", 5, "a")]
    assert groups("(abcbcbcbcbc)") == [("b", 5, "a"), ("c", 5, "b")]


def test_pauses() -> None:
    assert groups("abbbbb.ab.ab.ab") == [("b", 5, "a")]
    assert groups("ab.ab.ab.ab.ab.ab.ab.ab") == []


def test_without_pauses_many_requests_are_no_group() -> None:
    assert groups("ab" * 50) == []
    assert groups("a" * 50) == [], "nothing gave the rows"


def test_rare_pings_are_no_checkouts() -> None:
    found = Groups()
    for repeats in (Repeats("b", "ping", 900, 90.0, "a"), Repeats("c", "transaction", 5, 1.0, "a")):
        found.add(repeats)
    assert [each.confidence for each in found.result(statements_per_ping=1000.0)] == ["low", "medium"]
    assert [each.confidence for each in found.result(statements_per_ping=12.0)] == ["high", "medium"]


def test_medians_of_a_group() -> None:
    found = Groups()
    for times in (5, 5, 8, 30):
        found.add(Repeats("b", "ping", times, times / 10, "a"))
    (group,) = found.result(5.0)
    assert (group.windows, group.repeats_median, group.repeats_max, group.ms_median) == (4, 6.5, 30, 0.65)
