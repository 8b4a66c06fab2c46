"""Return addresses: made for one recipient of one message, and by nobody else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ulak.mail.address import Address
from ulak.mail.returnpath import ReturnPath
from ulak.smtp.grammar import parse_mailbox

PATH = ReturnPath("bounces.example.org", (b"s" * 32,))
ID = "1m8enem9t5gnm3731"


def test_an_address_leads_back_to_its_message_and_recipient() -> None:
    address = parse_mailbox(PATH.address(ID, "Bob@Example.net"))
    assert len(address.local) <= 64, "RFC 5321 §4.5.3.1.1"
    token = PATH.read(address)
    assert token is not None
    assert token.message == ID
    assert token.names("Bob@example.net")
    assert not token.names("bob@example.net")
    assert not token.names("Bob@example.com")


def test_the_case_of_its_letters_may_get_lost() -> None:
    local = PATH.address(ID, "bob@example.net").partition("@")[0]
    assert PATH.read(Address(local.upper(), "BOUNCES.example.org")) is not None


def test_what_was_made_up_is_none_of_ours() -> None:
    local = PATH.address(ID, "bob@example.net").partition("@")[0]
    assert PATH.read(Address(local, "example.org")) is None
    for at in range(len("return+"), len(local)):
        if local[at] == "-":
            continue
        other = "b" if local[at] != "b" else "c"
        assert PATH.read(Address(local[:at] + other + local[at + 1 :], PATH.domain)) is None, at
    for wrong in ("", "return+", "return+a-b-c", f"{local}x", f"x{local}", local.replace("-", "+")):
        assert PATH.read(Address(wrong, PATH.domain)) is None, wrong


def test_another_secret_knows_nothing_and_an_older_one_still_does() -> None:
    address = parse_mailbox(PATH.address(ID, "bob@example.net"))
    fresh = ReturnPath(PATH.domain, (b"t" * 32,))
    assert fresh.read(address) is None
    both = ReturnPath(PATH.domain, (b"t" * 32, b"s" * 32))
    assert both.read(address) is not None
    assert both.address(ID, "bob@example.net") == fresh.address(ID, "bob@example.net")


@given(st.text(max_size=80))
def test_whatever_stands_there_is_an_address_or_none(local: str) -> None:
    assert PATH.read(Address(local, PATH.domain)) is None
