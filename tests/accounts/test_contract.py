"""What every store of accounts does, told once and held by each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.accounts.account import Account, Role
from ulak.accounts.memory import MemoryAccounts
from ulak.accounts.sqlite import SqliteAccounts
from ulak.accounts.store import Accounts
from ulak.smtp.sasl.keys import ScramKeys

ADA = Account(
    "Ada@Example.org",
    "$argon2id$…",
    ScramKeys(b"salt", 4096, b"stored", b"server"),
    ("*@example.net", "info@example.org"),
    disabled=True,
    messages_per_hour=10,
    recipients_per_hour=0,
    made=1.5,
    changed=2.25,
    role=Role.ADMIN,
)
GRACE = Account("grace@example.org", "$argon2id$…")


@pytest.fixture(params=["memory", "sqlite"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Accounts]:
    store: Accounts
    store = MemoryAccounts() if request.param == "memory" else SqliteAccounts(tmp_path / "a.db")
    yield store
    store.close()


def test_an_account_is_kept_whole(accounts: Accounts) -> None:
    assert accounts.add(ADA)
    assert accounts.find("ada@example.org") == ADA


def test_the_stores_know_all_that_an_account_has() -> None:
    """Fails when a field is added: the stores have to keep it, and `ADA` to show it."""
    plain = Account("ada@example.org")
    for field in dataclasses.fields(Account):
        assert getattr(ADA, field.name) != getattr(plain, field.name), field.name


def test_a_name_is_found_however_it_is_spelled(accounts: Accounts) -> None:
    accounts.add(Account("Işıl@Örnek.example"))
    for name in ("ışıl@örnek.example", "IŞIL@xn--rnek-4qa.EXAMPLE", '"işıl"@örnek.example'):
        assert accounts.find(name) is not None, name


@pytest.mark.parametrize("name", ["nobody@example.org", "ada", "", "ada@", "\x00@\n", "a@b" * 500])
def test_who_is_not_there_is_not_found(accounts: Accounts, name: str) -> None:
    accounts.add(ADA)
    assert accounts.find(name) is None
    assert not accounts.remove(name)


def test_what_is_no_address_is_no_account(accounts: Accounts) -> None:
    with pytest.raises(ValueError, match="no address"):
        accounts.add(Account("ada"))
    assert accounts.list() == []


def test_a_name_has_one_account(accounts: Accounts) -> None:
    assert accounts.add(ADA)
    assert not accounts.add(replace(GRACE, address="ADA@example.org"))
    assert accounts.list() == [ADA]


def test_an_account_is_replaced_by_its_name(accounts: Accounts) -> None:
    assert not accounts.replace(ADA)
    accounts.add(ADA)
    other = Account("ada@example.org", "other")
    assert accounts.replace(other)
    assert accounts.list() == [other]


def test_what_somebody_else_has_changed_stays(accounts: Accounts) -> None:
    accounts.add(ADA)
    changed = replace(ADA, password="new")
    assert accounts.replace(changed, was=ADA)
    assert not accounts.replace(replace(ADA, password="newer"), was=ADA)
    assert accounts.find("ada@example.org") == changed


def test_an_account_is_removed_once(accounts: Accounts) -> None:
    accounts.add(ADA)
    accounts.add(GRACE)
    assert accounts.remove("ADA@EXAMPLE.ORG")
    assert not accounts.remove("ada@example.org")
    assert accounts.list() == [GRACE]


def test_accounts_are_listed_by_name(accounts: Accounts) -> None:
    assert not accounts.any()
    accounts.add(GRACE)
    accounts.add(ADA)
    assert accounts.list() == [ADA, GRACE]
    assert accounts.any()


def test_it_is_known_whether_anybody_has_a_role(accounts: Accounts) -> None:
    assert not accounts.operators()
    accounts.add(GRACE)
    assert not accounts.operators()
    accounts.add(replace(ADA, role=Role.READ_ONLY))
    assert accounts.operators()
