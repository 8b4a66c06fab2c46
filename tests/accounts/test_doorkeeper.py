"""Who is let in, and that nobody can tell which names there are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from ulak.accounts import doorkeeper, password
from ulak.accounts.account import Account
from ulak.accounts.attempts import Attempts, Rules
from ulak.accounts.denied import Denied, Why
from ulak.accounts.doorkeeper import Doorkeeper
from ulak.accounts.memory import MemoryAccounts, MemoryRecords
from ulak.accounts.store import BusyError
from ulak.smtp.sasl.keys import ScramKeys

SECRET = "correct horse"
KEPT = password.hashed(SECRET, b"0123456789abcdef")
ADA = Account("ada@example.org", KEPT, ScramKeys(b"salt", 4096, b"stored", b"server"))
LOCKED = Account("locked@example.org", KEPT, ADA.scram, disabled=True)
SCRAM_ONLY = Account("scram@example.org", scram=ADA.scram)
PLAIN_ONLY = Account("plain@example.org", KEPT)
IP = "192.0.2.1"


class Door:
    """A doorkeeper with what it works with, and every password that it tries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.accounts = MemoryAccounts(ADA, LOCKED, SCRAM_ONLY, PLAIN_ONLY)
        self.now = 0.0
        self.tried: list[str] = []
        self.hashed = 0
        real = password.matches

        def matches(kept: str, given: str) -> bool:
            self.tried.append(kept)
            return real(kept, given)

        monkeypatch.setattr(password, "matches", matches)
        self.keeper = Doorkeeper(
            self.accounts,
            Attempts(MemoryRecords(), Rules(ban_after=3, network_factor=2)),
            clock=lambda: self.now,
            chance=lambda size: bytes(range(size)),
            pretend=lambda name, secret: ScramKeys(name.encode(), 4096, secret, b""),
        )

    def __call__(self, question: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run(question())

    def password(self, name: str, given: str = SECRET, ip: str = IP) -> Account | Denied:
        answer: Account | Denied = asyncio.run(self.keeper.password(ip, name, given))
        return answer

    def why(self, name: str, given: str = SECRET, ip: str = IP) -> Why:
        answer = self.password(name, given, ip)
        assert isinstance(answer, Denied)
        return answer.why


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    door = Door(monkeypatch)
    yield door
    asyncio.run(door.keeper.close())


def test_the_right_password_lets_in(door: Door) -> None:
    assert door.password("Ada@Example.Org") == ADA


def test_the_same_work_is_done_whoever_asks(door: Door) -> None:
    """No clock is looked at: one hash is made for each, at the same cost."""
    whys = [
        door.why("ada@example.org", "wrong horse", "198.51.100.1"),
        door.why("nobody@example.org", ip="198.51.100.2"),
        door.why("no name at all", ip="198.51.100.3"),
        door.why("scram@example.org", ip="198.51.100.4"),
        door.why("locked@example.org", "wrong horse", "198.51.100.5"),
        door.why("locked@example.org", ip="198.51.100.6"),
    ]
    assert whys == [
        Why.WRONG, Why.UNKNOWN, Why.UNKNOWN, Why.WITHOUT, Why.WRONG, Why.DISABLED,
    ]  # fmt: skip
    assert len(door.tried) == len(whys)
    assert {kept.rsplit("$", 2)[0] for kept in door.tried} == {"$argon2id$v=19$m=19456,t=2,p=1"}
    assert len(set(map(len, door.tried))) == 1


def test_a_failure_is_answered_as_late_for_nobody_as_for_somebody(door: Door) -> None:
    answers = [
        [door.password(name, f"wrong horse {n}", ip) for n in range(2)]
        for name, ip in (("ada@example.org", "198.51.100.1"), ("nobody@example.org", "10.0.0.1"))
    ]
    delays = [[a.delay for a in given if isinstance(a, Denied)] for given in answers]
    assert delays == [[1, 2], [1, 2]]


def test_the_same_wrong_password_counts_for_half_a_failure(door: Door) -> None:
    answers = [door.password("ada@example.org", "old horse") for _ in range(3)]
    assert [a.delay for a in answers if isinstance(a, Denied)] == [1, 2, 2]
    assert door.why("ada@example.org", "old horse") is Why.WRONG
    assert len(door.tried) == 4, "the work is done all the same"
    assert door.why("ada@example.org") is Why.SHUT_OUT


def test_a_telephone_with_an_old_password_shuts_nobody_out(door: Door) -> None:
    for _ in range(50):
        door.now += 900
        assert door.why("ada@example.org", "old horse") is Why.WRONG
    assert isinstance(door.password("ada@example.org"), Account)


def test_what_failed_is_remembered_within_bounds(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorkeeper, "_REMEMBERED", 2)
    delays = [
        door.password("ada@example.org", given, ip)
        for ip, given in (("10.0.1.1", "x1"), ("10.0.2.1", "x2"), ("10.0.3.1", "x3"))
    ]
    assert all(isinstance(one, Denied) for one in delays)
    assert len(door.keeper._tried) == 2
    again = door.password("ada@example.org", "x1", "10.0.1.1")
    assert isinstance(again, Denied)
    assert again.delay == 8, "forgotten, and counted as the fourth for this account"


def test_who_fails_too_often_is_shut_out_and_costs_nothing_more(door: Door) -> None:
    answers = [door.password("ada@example.org", f"wrong horse {n}") for n in range(3)]
    assert isinstance(answers[-1], Denied)
    assert set(answers[-1].banned.values()) == {900.0}
    tried = len(door.tried)
    assert door.password("ada@example.org") == Denied(Why.SHUT_OUT, minutes=15)
    assert door(lambda: door.keeper.barred(IP)) == Denied(Why.SHUT_OUT, minutes=15)
    assert door(lambda: door.keeper.barred("10.0.0.1")) is None
    assert len(door.tried) == tried
    door.now = 900.0
    assert door.password("ada@example.org") == ADA


def test_nobody_learns_from_a_shut_network_for_whom_it_is_known(door: Door) -> None:
    assert door.password("ada@example.org") == ADA
    for number in range(3):
        door.why("nobody@example.org", f"wrong horse {number}")
    door.tried.clear()
    assert door(lambda: door.keeper.barred(IP)) is None
    assert door.why("nobody@example.org") is Why.SHUT_OUT
    assert door.why("plain@example.org") is Why.SHUT_OUT, "its password is not even tried"
    assert KEPT not in door.tried
    assert len(door.tried) == 2
    assert door.password("ada@example.org") == ADA


def test_scram_keys_are_given_or_pretended(door: Door) -> None:
    def keys(name: str) -> Any:
        return door(lambda: door.keeper.keys(IP, name))

    assert keys("ADA@example.org") == ADA.scram
    for name in ("nobody@example.org", "locked@example.org", "plain@example.org"):
        pretended = keys(name.upper())
        assert pretended == ScramKeys(name.encode(), 4096, b"no secret at all", b"")


def test_keys_are_pretended_to_who_is_shut_out(door: Door) -> None:
    for _ in range(3):
        assert door(lambda: door.keeper.failed(IP, "ada@example.org")).why is Why.WRONG
    assert door(lambda: door.keeper.keys(IP, "ada@example.org")) != ADA.scram
    assert door(lambda: door.keeper.failed(IP, "ada@example.org")).why is Why.SHUT_OUT


def test_who_has_proved_a_name_is_looked_at_once_more(door: Door) -> None:
    def proved(name: str) -> Any:
        return door(lambda: door.keeper.proved(IP, name))

    assert proved("ADA@example.org") == ADA
    assert proved("locked@example.org") == Denied(Why.DISABLED)
    door.accounts.remove("ada@example.org")
    assert proved("ada@example.org").why is Why.UNKNOWN


def test_an_outdated_hash_is_made_anew_at_login(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = (password.MEMORY // 2, password.PASSES, password.LANES)
    with monkeypatch.context() as before:
        before.setattr(password, "_NOW", cost)
        before.setattr(password, "MEMORY", cost[0])
        old = password.hashed(SECRET, b"0123456789abcdef")
    door.accounts.replace(Account("ada@example.org", old))
    assert password.outdated(old)
    assert isinstance(door.password("ada@example.org"), Account)
    kept = door.accounts.find("ada@example.org")
    assert kept is not None
    assert not password.outdated(kept.password)
    assert isinstance(door.password("ada@example.org"), Account)


def test_a_crowd_is_told_to_come_back_later(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "_MOST_WAITING", 2)
    may_go_on = threading.Event()
    monkeypatch.setattr(door.accounts, "find", lambda _name: may_go_on.wait(10) and None)

    async def crowd() -> list[Account | Denied | BaseException]:
        tries = [door.keeper.password(f"10.0.{n}.1", "x@example.org", "") for n in range(4)]
        all_of_them = asyncio.gather(*tries, return_exceptions=True)
        await asyncio.sleep(0)
        may_go_on.set()
        return await all_of_them

    answers = asyncio.run(crowd())
    assert [isinstance(a, BusyError) for a in answers] == [False, False, True, True]
    assert door.why("nobody@example.org", ip="10.0.9.1") is Why.UNKNOWN


def test_a_name_without_a_domain_is_one_at_home() -> None:
    async def ask(home: str) -> list[object]:
        keeper = Doorkeeper(
            MemoryAccounts(ADA),
            Attempts(MemoryRecords(), Rules()),
            clock=lambda: 0.0,
            chance=bytes,
            pretend=lambda name, secret: ScramKeys(name.encode(), 4096, secret, b""),
            home=home,
        )
        given = [await keeper.password(IP, name, SECRET) for name in ("ADA", "ada@", "@", "")]
        keys = await keeper.keys(IP, "ada")
        proved = await keeper.proved(IP, "ada")
        await keeper.close()
        return [*given, keys, proved]

    ada, *others, keys, proved = asyncio.run(ask("example.org"))
    assert (ada, keys, proved) == (ADA, ADA.scram, ADA)
    assert all(isinstance(other, Denied) for other in others)
    ada, *_, keys, proved = asyncio.run(ask(""))
    assert isinstance(ada, Denied)
    assert isinstance(proved, Denied)
    assert keys != ADA.scram
