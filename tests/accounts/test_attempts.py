"""Failed logins are slowed, then shut out for a while; the clock is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.delivery.postgres import prepared

from ulak.accounts.attempts import Attempts, Key, Kind, Record, Records, Rules
from ulak.accounts.memory import MemoryRecords
from ulak.accounts.postgres import PostgresRecords
from ulak.accounts.sqlite import SqliteRecords
from ulak.database.blocking import Blocking

RULES = Rules(ban_after=4, network_factor=2, ban_for=900.0, longest_ban=3600.0)
ADA, GRACE = "ada@example.org", "grace@example.org"
HOME, NEIGHBOUR, AWAY = "192.0.2.1", "192.0.2.2", "198.51.100.9"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    if request.param == "memory":
        yield MemoryRecords()
    elif request.param == "postgres":
        url = prepared(request.getfixturevalue("database").fresh())
        shared = PostgresRecords(Blocking(url, "logins"))
        yield shared
        shared.close()
    else:
        store = SqliteRecords(tmp_path / "attempts.db")
        yield store
        store.close()


@pytest.fixture
def attempts(records: Records) -> Attempts:
    return Attempts(records, RULES)


def fail(attempts: Attempts, times: int, ip: str = AWAY, name: str = ADA, now: float = 0) -> None:
    for _ in range(times):
        attempts.failed(ip, name, now)


def test_each_failure_is_answered_later_than_the_one_before(records: Records) -> None:
    attempts = Attempts(records, replace(RULES, ban_after=100))
    delays = [attempts.failed(AWAY, ADA, 0.0).delay for _ in range(7)]
    assert delays == [1, 2, 4, 8, 16, 16, 16]


def test_guessing_at_one_account_from_many_places_is_slowed(attempts: Attempts) -> None:
    delays = [attempts.failed(f"203.0.{n}.1", ADA, 0.0).delay for n in range(6)]
    assert delays == [1, 2, 4, 8, 16, 16]
    assert attempts.failed("203.0.200.1", GRACE, 0.0).delay == 1


def test_too_many_failures_shut_an_address_out_for_a_while(attempts: Attempts) -> None:
    fail(attempts, 3)
    assert not attempts.look_at(AWAY, 0.0).until
    failure = attempts.failed(AWAY, ADA, 1.0)
    assert failure.banned[Key(Kind.ADDRESS, AWAY)] == 901.0
    assert attempts.look_at(AWAY, 1.0).until == 901.0
    assert attempts.look(AWAY, GRACE, 900.9).until == 901.0
    assert not attempts.look_at(AWAY, 901.0).until
    assert not attempts.look_at("198.51.100.10", 1.0).until


def test_the_next_time_it_is_for_twice_as_long_up_to_a_bound(attempts: Attempts) -> None:
    now, bans = 0.0, []
    for _ in range(4):
        fail(attempts, 4, now=now)
        until = attempts.look_at(AWAY, now).until
        bans.append(until - now)
        now = until
    assert bans == [900, 1800, 3600, 3600]


def test_failures_from_a_whole_network_shut_it_out(attempts: Attempts) -> None:
    for number in range(8):
        assert not attempts.look_at("198.51.100.200", 0.0).until
        attempts.failed(f"198.51.100.{number}", f"user{number}@example.org", 0.0)
    assert attempts.look_at("198.51.100.200", 0.0).until
    assert not attempts.look_at("198.51.101.1", 0.0).until


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("2001:db8:0:aa00::1", "2001:db8:0:aa00:ffff::2", "2001:db8:0:aa01::1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
    ],
)
def test_an_address_is_what_one_customer_has(
    attempts: Attempts, one: str, same: str, other: str
) -> None:
    fail(attempts, 4, one)
    assert attempts.look_at(same, 0.0).until
    assert not attempts.look_at(other, 0.0).until


def test_a_network_of_ipv6_is_larger_than_one_customers_link(attempts: Attempts) -> None:
    for number in range(8):
        attempts.failed(f"2001:db8:0:aa{number:02x}::1", ADA, 0.0)
    assert attempts.look_at("2001:db8:0:aaff::1", 0.0).until
    assert not attempts.look_at("2001:db8:0:ab00::1", 0.0).until


def test_failures_fade(attempts: Attempts) -> None:
    for hour in range(20):
        assert attempts.failed(AWAY, ADA, hour * 3600.0).delay == 1
    assert attempts.bans(20 * 3600.0) == []


def test_who_is_shut_out_does_not_make_it_longer_by_trying(attempts: Attempts) -> None:
    fail(attempts, 50)
    assert attempts.look_at(AWAY, 0.0).until == 900.0


def test_whoever_guesses_from_outside_shuts_no_owner_out(attempts: Attempts) -> None:
    attempts.succeeded(HOME, ADA, 0.0)
    for number in range(200):
        attempts.failed(f"198.51.{number}.1", ADA, 1.0)
    assert not attempts.look(HOME, ADA, 1.0).until
    assert not attempts.look("203.0.113.1", ADA, 1.0).until


def test_guesses_of_a_neighbour_do_not_shut_the_owner_out(attempts: Attempts) -> None:
    attempts.succeeded(HOME, ADA, 0.0)
    fail(attempts, 8, NEIGHBOUR, GRACE, 1.0)
    assert attempts.look(HOME, GRACE, 1.0).until
    assert attempts.look_at(HOME, 1.0).until
    assert attempts.look_at(HOME, 1.0).home
    assert not attempts.look(HOME, ADA, 1.0).until


def test_but_guesses_at_the_owner_from_their_own_network_do(attempts: Attempts) -> None:
    attempts.succeeded(HOME, ADA, 0.0)
    fail(attempts, 4, NEIGHBOUR, ADA, 1.0)
    assert attempts.look(HOME, ADA, 1.0).until
    assert not attempts.look(AWAY, ADA, 1.0).until


def test_a_network_is_known_for_a_while_only(attempts: Attempts) -> None:
    attempts.succeeded(HOME, ADA, 0.0)
    late = RULES.known_for
    fail(attempts, 8, NEIGHBOUR, GRACE, late)
    assert attempts.look(HOME, ADA, late).until
    assert not attempts.look_at(HOME, late).home


def test_a_login_takes_back_what_failed_before_it(attempts: Attempts) -> None:
    for _ in range(5):
        fail(attempts, 3, HOME)
        attempts.succeeded(HOME, ADA, 0.0)
    assert attempts.bans(0.0) == []
    assert attempts.failed(HOME, ADA, 0.0).delay == 1


def test_a_login_takes_nothing_back_that_failed_for_others(attempts: Attempts) -> None:
    for _ in range(4):
        attempts.failed(AWAY, GRACE, 0.0)
        attempts.succeeded(AWAY, ADA, 0.0)
    assert attempts.look(AWAY, GRACE, 0.0).until


def test_what_is_no_name_counts_for_the_address_alone(attempts: Attempts, records: Records) -> None:
    fail(attempts, 4, name="")
    assert [ban.kind for ban in attempts.bans(0.0)] == [Kind.ADDRESS]
    assert not records.read([Key(Kind.ACCOUNT, "")])


def test_bans_are_listed_and_lifted(attempts: Attempts) -> None:
    fail(attempts, 4, AWAY, "", 0.0)
    fail(attempts, 5, HOME, "", 5.0)
    fail(attempts, 4, "2001:db8::1", GRACE, 6.0)
    told = [(ban.kind.value, ban.name, ban.until) for ban in attempts.bans(10.0)]
    assert told == [
        ("address", "2001:db8::/64", 906.0),
        ("door", "grace@example.org 2001:db8::/56", 906.0),
        ("address", "192.0.2.1", 905.0),
        ("address", "198.51.100.9", 900.0),
    ]
    assert attempts.lift("2001:db8::5", 10.0) == 2
    assert attempts.lift("203.0.113.5", 10.0) == 0
    assert attempts.lift("192.0.2.0/24", 10.0) == 1
    assert not attempts.look_at("2001:db8::1", 10.0).until
    assert [ban.name for ban in attempts.bans(10.0)] == [AWAY]


def test_a_ban_is_lifted_by_the_account_it_is_about(attempts: Attempts) -> None:
    fail(attempts, 4)
    assert attempts.lift(ADA, 0.0) == 1
    assert [ban.kind for ban in attempts.bans(0.0)] == [Kind.ADDRESS]


def test_nobody_is_shut_out_where_that_is_switched_off(records: Records) -> None:
    attempts = Attempts(records, replace(RULES, ban_after=0))
    fail(attempts, 500)
    assert attempts.bans(0.0) == []
    assert attempts.failed(AWAY, ADA, 0.0).delay == 16


def test_a_flood_of_addresses_is_kept_within_bounds(records: Records) -> None:
    attempts = Attempts(records, replace(RULES, most_records=30))
    fail(attempts, 4, HOME, now=0.0)
    for number in range(250):
        attempts.failed(f"10.{number}.0.1", f"user{number}@example.org", 1.0)
    attempts.trim(1.0)
    found = records.read([Key(Kind.ADDRESS, f"10.{n}.0.1") for n in range(250)])
    assert len(found) <= 30
    assert attempts.look_at(HOME, 1.0).until, "who is shut out is forgotten last"


def test_what_has_faded_is_forgotten(attempts: Attempts, records: Records) -> None:
    fail(attempts, 4)
    attempts.succeeded(HOME, GRACE, 0.0)
    known = Key(Kind.KNOWN, f"{GRACE} 192.0.2.0/24")
    attempts.trim(7200.0)
    assert records.read([Key(Kind.ADDRESS, AWAY), known]) == {known: Record(at=0.0)}
    attempts.trim(RULES.known_for + 1)
    assert not records.read([known])


def test_another_process_knows_who_is_shut_out(tmp_path: Path) -> None:
    one, other = (SqliteRecords(tmp_path / "attempts.db") for _ in range(2))
    fail(Attempts(one, RULES), 2)
    fail(Attempts(other, RULES), 2)
    one.close()
    later = SqliteRecords(tmp_path / "attempts.db")
    assert Attempts(later, RULES).look_at(AWAY, 0.0).until == 900.0
    assert Attempts(other, RULES).look_at(AWAY, 0.0).until == 900.0
    for each in (other, later):
        each.close()


def test_nobody_is_shut_out_through_whom_others_log_in(records: Records) -> None:
    attempts = Attempts(records, RULES, trusted=lambda ip: ip == HOME)
    delays = [attempts.failed(HOME, ADA, 0.0).delay for _ in range(20)]
    assert delays[:6] == [1, 2, 4, 8, 16, 16]
    assert attempts.failed(HOME, GRACE, 0.0).delay == 1
    assert attempts.bans(0.0) == []
    assert not attempts.look(HOME, ADA, 0.0).until
    attempts.succeeded(HOME, ADA, 0.0)
    assert attempts.failed(HOME, ADA, 0.0).delay == 1


def test_a_network_in_which_one_is_trusted_may_be_shut_out(records: Records) -> None:
    attempts = Attempts(records, RULES, trusted=lambda ip: ip == HOME)
    fail(attempts, 8, NEIGHBOUR, "")
    assert attempts.look_at(NEIGHBOUR, 0.0).until
    assert not attempts.look_at(HOME, 0.0).until
