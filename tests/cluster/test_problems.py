"""What is found to be wrong with a cluster, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ulak.cluster.database import Database, Slot, Standby, Table, Transaction
from ulak.cluster.member import Duty, Member, Spilled, Stand
from ulak.cluster.problems import older, problems

ANNA = Member("a", "mx1", "/d", "1", 1, 0.0, 2, Stand(Duty.SERVING, 0.0), (1,), 100.0, 1.0, 0.01)
BEN = replace(ANNA, name="b", host="mx2")
STANDBY = Standby("s1", "192.0.2.1", "streaming", "sync", 0, 0.0)
SOUND = Database(
    version="15.4",
    number=150_004,
    standby=False,
    durable="on",
    wanted="s1",
    standbys=(STANDBY,),
    sees_all=True,
    used=20,
    most=100,
    autovacuum=True,
    tables=(Table("pending", 100, 50_000, 5.0),),
    bodies=(1000, 2000),
    size=10_000,
    oldest=Transaction("ulak", "ulak a", 1.0),
    slots=(Slot("s1", 1000),),
    begun=1,
    ended=1,
    known=1,
    keep_for=86400.0,
    kept_until=None,
)


def keys(members: list[Member], database: Database | None) -> list[str]:
    return [problem.key for problem in problems(members, database)]


def test_where_all_is_well_nothing_is_said() -> None:
    assert keys([ANNA, BEN], SOUND) == []
    assert keys([ANNA], None) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"standby": True}, "only-standby"),
        ({"wanted": "", "standbys": ()}, "none-confirms"),
        ({"standbys": ()}, "confirming-away"),
        ({"standbys": (replace(STANDBY, sync="async"),)}, "confirming-away"),
        ({"standbys": (replace(STANDBY, state="catchup"),)}, "confirming-away"),
        ({"standbys": (replace(STANDBY, behind=64_000_001),)}, "behind"),
        ({"sees_all": False, "standbys": ()}, "not-allowed"),
        ({"number": 140_000}, "old-server"),
        ({"used": 85}, "connections"),
        ({"autovacuum": False}, "autovacuum-off"),
        ({"tables": (Table("pending", 100_001, 200_003, None),)}, "dead-rows"),
        ({"oldest": Transaction("ada", "psql", 901.0)}, "open"),
        ({"oldest": Transaction("ada", "", 901.0, "p1")}, "prepared"),
        ({"slots": (Slot("s2", 1_000_000_001),)}, "slot"),
    ],
)
def test_each_trouble_of_the_database_is_found(more: dict[str, Any], found: str) -> None:
    assert keys([ANNA], replace(SOUND, **more)) == [found]


def test_a_member_that_is_silent_slow_or_has_a_rival_is_named() -> None:
    silent = replace(ANNA, age=60.0)
    assert keys([silent, BEN], SOUND) == ["silent"]
    assert problems([silent, BEN], SOUND)[0].facts["name"] == "a"
    assert keys([replace(ANNA, lag=1.5), BEN], SOUND) == ["slow"]
    assert keys([replace(ANNA, rival=1.0), BEN], SOUND) == ["rival"]


def test_mail_on_one_disk_alone_is_named_and_grave_where_nobody_takes_it_from_there() -> None:
    spilled = replace(ANNA, stand=Stand(Duty.SERVING, 0.0, spilled=Spilled(3, 5000)))
    (found,) = problems([spilled, BEN], SOUND)
    assert (found.key, found.grave) == ("spilled", False)
    assert found.facts == {
        "name": "a",
        "host": "mx1",
        "data": "/d",
        "messages": 3,
        "size": 5000,
    }
    gone = problems([replace(spilled, age=60.0), BEN], SOUND)
    assert [(problem.key, problem.grave) for problem in gone] == [
        ("silent", True),
        ("spilled-gone", True),
    ]


def test_nobody_serving_is_grave_but_for_a_server_that_is_alone() -> None:
    drained = replace(ANNA, stand=Stand(Duty.DRAINED, 0.0))
    assert keys([], SOUND) == ["nobody"]
    assert keys([replace(ANNA, age=60.0)], SOUND) == ["nobody", "silent"]
    assert keys([drained, BEN], SOUND) == []
    assert keys([drained], SOUND) == ["all-drained"]
    assert [problem.grave for problem in problems([drained], SOUND)] == [True]
    assert [problem.grave for problem in problems([drained], None)] == [False]


def test_versions_that_differ_are_no_grave_thing() -> None:
    (found,) = problems([ANNA, replace(BEN, version="2")], SOUND)
    assert (found.key, found.grave, found.facts) == ("mixed", False, {"versions": "1, 2"})
    # Of one that is down the version does not matter.
    assert keys([ANNA, replace(BEN, version="2", age=60.0)], SOUND) == ["silent"]


def test_newer_tables_are_a_trouble_as_long_as_newer_servers_are_at_work() -> None:
    newer = replace(SOUND, begun=2)
    assert keys([ANNA, replace(BEN, tables=2)], newer) == ["newer-tables"]
    assert keys([ANNA, BEN], newer) == [], "they went back to the version before"
    assert keys([ANNA, replace(BEN, tables=2, age=60.0)], newer) == ["silent"]


def test_who_needs_what_newer_servers_do_not_is_named() -> None:
    silent = replace(ANNA, name="c", age=60.0)
    assert older([ANNA, replace(BEN, tables=2), silent], replace(SOUND, begun=2)) == ["a"]
    assert older([ANNA, BEN], SOUND) == []


def test_what_is_grave_comes_first() -> None:
    found = problems([], replace(SOUND, wanted="", standbys=(), autovacuum=False))
    assert [problem.key for problem in found] == ["nobody", "autovacuum-off", "none-confirms"]


def test_a_bucket_that_does_not_do_is_grave() -> None:
    (found,) = problems([ANNA], SOUND, "AccessDenied")
    assert (found.key, found.grave, found.facts) == (
        "bucket-away",
        True,
        {"problem": "AccessDenied"},
    )
    assert problems([ANNA], SOUND) == []
