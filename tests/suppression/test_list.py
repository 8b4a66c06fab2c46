"""The suppression list: who stands there, for whom, for how long, and who sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ulak.replies import catalog
from ulak.smtp.grammar import parse_mailbox
from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import (
    COMPLAINT,
    FAMILIES,
    Rules,
    Suppressed,
    SuppressionError,
    key_of,
    whose_of,
)

NOW = 1_800_000_000.0
BOB = "bob@example.net"
UNKNOWN = Suppressed(BOB, "", "no-such-mailbox", "550 5.1.1 no such user", "M1", NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteSuppressions]:
    made = SqliteSuppressions(tmp_path / "suppressions.db")
    yield made
    made.close()


def test_the_local_part_stays_as_it_is_and_the_domain_is_folded() -> None:
    assert key_of("Bob@Example.NET") == "Bob@example.net"
    assert key_of("Bob@example.net") != key_of("bob@example.net")
    assert key_of("çağrı@ÖRNEK.example") == "çağrı@xn--rnek-4qa.example"
    assert key_of('"a@b"@example.net') == '"a@b"@example.net'
    assert key_of("bob") is key_of("@example.net") is key_of("bob@") is None
    assert whose_of("Ada@Örnek.example") == "xn--rnek-4qa.example"
    assert whose_of("") == ""


def test_looking_makes_no_file_and_putting_there_is_seen_by_others(
    store: SqliteSuppressions, tmp_path: Path
) -> None:
    assert not store.any()
    assert store.find(BOB, "example.org", NOW) is None
    assert not (tmp_path / "suppressions.db").exists()
    store.add(UNKNOWN)
    other = SqliteSuppressions(tmp_path / "suppressions.db")
    assert other.any()
    assert other.find(BOB, "example.org", NOW) == UNKNOWN
    assert other.find("Bob@example.net", "example.org", NOW) is None
    assert other.remove(BOB) == 1
    assert not store.any()
    other.close()


def test_an_entry_holds_for_its_senders_and_until_its_end(store: SqliteSuppressions) -> None:
    one = Suppressed(BOB, "example.org", COMPLAINT, since=NOW, until=NOW + 60)
    store.add(one)
    assert store.find(BOB, "example.org", NOW) == one
    assert store.find(BOB, "example.com", NOW) is None
    assert store.find(BOB, "example.org", NOW + 60) is None
    assert store.list(NOW)[1] == 1
    assert store.list(NOW + 60) == ([], 0)
    assert one.ended(NOW + 60)
    assert not one.ended(NOW + 59)
    store.add(Suppressed("eve@example.net", since=NOW + 61))  # what has ended goes then
    assert store.every(BOB) == []


def test_it_is_given_in_pages_the_newest_first(store: SqliteSuppressions) -> None:
    for number in range(5):
        store.add(Suppressed(f"u{number}@example.net", since=NOW + number))
    store.add(Suppressed("x@notexample.net", since=NOW + 9))
    found, total = store.list(NOW + 10, "example.net", 1, 2)
    assert [one.address for one in found] == ["u3@example.net", "u2@example.net"]
    assert total == 5
    assert store.list(NOW + 10)[1] == 6
    found, total = store.list(NOW + 10, part="U3@exam")
    assert ([one.address for one in found], total) == (["u3@example.net"], 1)
    assert store.list(NOW + 10, "example.net", part="notexample") == ([], 0)
    assert store.list(NOW + 10, part="%")[1] == 0
    assert store.remove("u3@example.net", "example.org") == 0
    assert store.remove("u3@example.net", "") == 1


def test_only_what_is_said_of_the_recipient_puts_an_address_there() -> None:
    rules = Rules(frozenset((*FAMILIES, COMPLAINT)))
    for name, row in catalog.CATALOG.items():
        found = rules.of_failure("ada@example.org", BOB, name, "550 no", "M1", NOW)
        assert (found is not None) == (row.family in FAMILIES), name
    assert Rules().of_failure("a@b.example", BOB, "mailbox-disabled", "550 off", "M", NOW) is None
    assert Rules().of_failure("a@b.example", "nobody", "no-such-mailbox", "550", "M", NOW) is None
    assert Rules().of_failure("a@b.example", BOB, "made-up", "550", "M", NOW) is None


def test_a_rule_says_for_whom_and_for_how_long() -> None:
    keep = {"recipient-unknown": 3600.0, COMPLAINT: 60.0}
    found = Rules(keep=keep).of_failure("ada@example.org", BOB, "no-such-mailbox", "550", "M", NOW)
    assert found == Suppressed(BOB, "", "no-such-mailbox", "550", "M", NOW, NOW + 3600)
    apart = Rules(shared=False)
    found = apart.of_failure("ada@Example.org", BOB, "no-such-mailbox", "550", "M", NOW)
    assert found == Suppressed(BOB, "example.org", "no-such-mailbox", "550", "M", NOW)
    complained = Rules(keep=keep).of_complaint("ada@example.org", BOB, "abuse", "M", NOW)
    assert complained == Suppressed(BOB, "example.org", COMPLAINT, "abuse", "M", NOW, NOW + 60)
    assert Rules(frozenset()).of_complaint("ada@example.org", BOB, "abuse", "M", NOW) is None


class Broken(SqliteSuppressions):
    def any(self) -> bool:
        where, problem = "suppressions.db", "the disk is gone"
        raise SuppressionError(where, problem)


class World:
    def __init__(self, store: SqliteSuppressions) -> None:
        self.now = NOW
        self.incidents: list[BaseException] = []
        self.gate = Gate(
            store,
            store,
            Rules(),
            local=lambda domain: domain == "example.org",
            clock=lambda: self.now,
            incident=self.incident,
        )

    def incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "I1"


def test_a_gate_says_why_nothing_is_sent(store: SqliteSuppressions) -> None:
    world = World(store)
    assert world.gate.find("ada@example.org", BOB) is None
    asyncio.run(world.gate.add([UNKNOWN]))
    assert world.gate.find("ada@example.org", BOB) == UNKNOWN
    assert world.gate.find("", BOB) is None, "a report goes"
    reply = world.gate.refusal("ada@example.org", parse_mailbox("bob@EXAMPLE.net"))
    assert reply is not None
    assert str(reply) == (
        "550 5.7.1 <bob@EXAMPLE.net>: this server has sent nothing there since 2027-01-15 "
        "(550 5.1.1 no such user); its postmaster can take the address off the suppression list"
    )
    assert reply.cause == "on-suppression-list"


def test_what_another_process_put_there_is_seen_within_a_second(
    store: SqliteSuppressions,
) -> None:
    world = World(store)
    assert world.gate.find("ada@example.org", BOB) is None
    store.add(UNKNOWN)
    world.now += 1.5
    assert world.gate.find("ada@example.org", BOB) == UNKNOWN
    store.remove(BOB)
    assert world.gate.find("ada@example.org", BOB) is None


def test_who_has_a_mailbox_here_is_not_looked_for(store: SqliteSuppressions) -> None:
    world = World(store)
    store.add(Suppressed("ada@example.org", since=NOW))
    assert world.gate.find("grace@example.org", "ada@example.org") is None


def test_a_list_that_cannot_be_read_holds_nothing_up(tmp_path: Path) -> None:
    world = World(Broken(tmp_path / "suppressions.db"))
    assert world.gate.find("ada@example.org", BOB) is None
    assert world.gate.find("ada@example.org", BOB) is None
    assert len(world.incidents) == 1, "once in a while is enough"


def test_a_list_that_cannot_be_written_is_an_incident(tmp_path: Path) -> None:
    (tmp_path / "suppressions.db").write_bytes(b"nonsense" * 1000)
    world = World(SqliteSuppressions(tmp_path / "suppressions.db"))
    asyncio.run(world.gate.add([UNKNOWN]))
    assert len(world.incidents) == 1
