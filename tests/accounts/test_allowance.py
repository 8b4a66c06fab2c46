"""What an account may send within an hour, counted over all workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ulak.accounts.account import Account
from ulak.accounts.allowance import Allowance, Ledger, Sent
from ulak.accounts.memory import MemoryLedger
from ulak.accounts.purser import Purser
from ulak.accounts.sqlite import SqliteLedger

ADA = Account("Ada@example.org")
OWN = Account("own@example.org", messages_per_hour=1, recipients_per_hour=0)


class Office:
    """A purser and a clock."""

    def __init__(self, ledger: Ledger, allowance: Allowance) -> None:
        self.now = 7200.0
        self.purser = Purser(ledger, allowance, clock=lambda: self.now)

    def take(self, recipients: int = 1, account: Account = ADA) -> bool:
        return asyncio.run(self.purser.take(account, recipients))

    def sent(self, account: Account = ADA) -> Sent:
        return asyncio.run(self.purser.sent(account))


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return MemoryLedger() if request.param == "memory" else SqliteLedger(tmp_path / "sent.db")


@pytest.fixture
def office(ledger: Ledger) -> Iterator[Office]:
    office = Office(ledger, Allowance(messages=3, recipients=10))
    yield office
    asyncio.run(office.purser.close())


def test_so_many_messages_may_go_in_an_hour(office: Office) -> None:
    assert [office.take() for _ in range(5)] == [True, True, True, False, False]
    assert office.sent() == Sent(3, 3)
    assert office.take(account=Account("grace@example.org"))


def test_so_many_recipients_may_there_be_in_an_hour(office: Office) -> None:
    assert office.take(9)
    assert not office.take(2)
    assert office.take(1)
    assert office.sent() == Sent(2, 10)


def test_a_name_is_one_however_it_is_spelled(office: Office) -> None:
    office.take()
    assert office.sent(Account("ADA@EXAMPLE.ORG")) == Sent(1, 1)


def test_the_hour_slides(office: Office) -> None:
    office.now += 3599.0
    for _ in range(3):
        office.take()
    office.now += 2.0
    assert not office.take(), "the stroke of the hour forgives nothing"
    office.now += 1200.0
    assert office.take(), "two thirds of what was sent before count"
    assert not office.take()
    office.now += 7200.0
    assert office.sent() == Sent()


def test_an_account_may_have_an_allowance_of_its_own(office: Office) -> None:
    assert office.take(1000, OWN)
    assert not office.take(1, OWN)
    assert office.purser.allowance(OWN) == Allowance(1, 0)


def test_without_an_allowance_all_may_go(ledger: Ledger) -> None:
    office = Office(ledger, Allowance())
    assert not office.purser.allowance(ADA)
    assert all(office.take(1000) for _ in range(10))
    asyncio.run(office.purser.close())


def test_all_processes_count_together(tmp_path: Path) -> None:
    offices = [Office(SqliteLedger(tmp_path / "sent.db"), Allowance(messages=3)) for _ in "ab"]
    taken = [office.take() for _ in range(3) for office in offices]
    assert taken == [True, True, True, False, False, False]
    for office in offices:
        asyncio.run(office.purser.close())


def test_nothing_is_kept_of_hours_that_do_not_count(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "sent.db")
    for hour in range(10):
        ledger.take("ada@example.org", hour * 3600.0, 1, lambda _sent: True)
    rows = ledger._file.look(lambda db: db.execute("SELECT count(*) FROM sent").get, None)
    assert rows == 2
    ledger.close()
