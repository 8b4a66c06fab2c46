"""Where a query has its parameters, and what rows say."""

from __future__ import annotations

import pytest

from ulak.rosters.roster import Known, RosterError
from ulak.rosters.rows import MOST, answer, numbered


@pytest.mark.parametrize(
    ("query", "expected", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("WHERE a = :address", "WHERE a = $1", ("address",)),
        ("a=:local AND d=:domain OR x=:local", "a=$1 AND d=$2 OR x=$1", ("local", "domain")),
        ("a::text = :local::text", "a::text = $1::text", ("local",)),
        ("':local' || 'it''s :local' || :local", "':local' || 'it''s :local' || $1", ("local",)),
        (r"E'\':local' || :local", r"E'\':local' || $1", ("local",)),
        ('":local" = :local', '":local" = $1', ("local",)),
        ("-- :local\n:domain /* :local */", "-- :local\n$1 /* :local */", ("domain",)),
        ("$$:local$$ $x$:local$$$x$ :local", "$$:local$$ $x$:local$$$x$ $1", ("local",)),
        (":locals :other :domain", ":locals :other $1", ("domain",)),
        ("LIKE '%' || :local || '%s'", "LIKE '%' || $1 || '%s'", ("local",)),
    ],
)
def test_parameters_are_numbered_where_they_are_some(
    query: str, expected: str, names: tuple[str, ...]
) -> None:
    assert numbered(query) == (expected, names)


def test_rows_are_members_and_nothing_stands_for_a_mailbox() -> None:
    assert answer([], "ada@example.org", "db") is None
    assert answer([None], "ada@example.org", "db") == Known()
    assert answer(["", "ADA@example.org"], "ada@example.org", "db") == Known()
    several = ["a@example.net", "b@example.net", "a@example.net"]
    assert answer(several, "ada@example.org", "db") == Known(("a@example.net", "b@example.net"))
    with pytest.raises(RosterError, match="db: a row has what is no address"):
        answer([1], "ada@example.org", "db")
    with pytest.raises(RosterError, match="db: more than 10000 rows"):
        answer([None] * (MOST + 1), "ada@example.org", "db")
