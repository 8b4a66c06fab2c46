"""As whom an account may send."""

from __future__ import annotations

import pytest

from ulak.accounts.account import Account
from ulak.smtp.grammar import parse_mailbox
from ulak.smtp.sasl.keys import ScramKeys

ADA = Account("ada@example.org", send_as=("info@Örnek.example", "*@example.net"))


@pytest.mark.parametrize(
    "sender",
    [
        "ada@example.org",
        "ADA@EXAMPLE.ORG",
        '"ada"@example.org',
        "info@xn--rnek-4qa.example",
        "INFO@örnek.example",
        "whoever@example.net",
        '"*"@example.net',
    ],
)
def test_an_account_sends_as_its_own_addresses(sender: str) -> None:
    assert ADA.owns(parse_mailbox(sender))


@pytest.mark.parametrize(
    "sender",
    [
        "grace@example.org",
        "ada@mail.example.org",
        "ada@example.com",
        "*@example.org",
        "ada@xn--rnek-4qa.example",
        "whoever@mail.example.net",
        "whoever@xexample.net",
    ],
)
def test_and_as_nobody_else(sender: str) -> None:
    assert not ADA.owns(parse_mailbox(sender))


def test_an_account_does_not_show_its_secrets() -> None:
    keys = ScramKeys(b"salt", 4096, b"stored-key", b"server-key")
    shown = repr(Account("ada@example.org", "the-hash", keys))
    assert "the-hash" not in shown
    assert "key'" not in shown
