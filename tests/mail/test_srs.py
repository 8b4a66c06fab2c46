"""The Sender Rewriting Scheme: there and back, through a chain, and not by guessing."""

from __future__ import annotations

import pytest

from ulak.mail.address import Address
from ulak.mail.srs import Problem, forward, reverse, rewritten
from ulak.smtp.grammar import parse_mailbox

OURS, OLD, THEIRS = b"ours-ours-ours-ours", b"old-old-old-old-old", b"theirs-theirs-theirs"
DAY = 20_600


def made(text: str, secret: bytes = OURS, domain: str = "example.org", day: int = DAY) -> Address:
    address = forward(parse_mailbox(text), domain, secret, day)
    assert address is not None
    return address


def back(address: Address, *secrets: bytes, day: int = DAY) -> str:
    return str(reverse(address, secrets or (OURS,), day, 21))


@pytest.mark.parametrize("sender", ["ada@[x:a=1]", "SRS0=AAAAAAAA=AB=b.example=ada@[x:a=1]"])
def test_a_domain_that_would_be_parted_is_not_rewritten(sender: str) -> None:
    assert forward(parse_mailbox(sender), "example.org", OURS, DAY) is None


def test_the_quotes_of_a_local_part_count_for_its_length() -> None:
    head = len("SRS0=HHHHHHHH=TT=example.net=")
    fits = '"' + "x" * (64 - head - 3) + ' "@example.net'
    assert len(str(made(fits)).partition("@")[0]) == 64
    too_long = '"' + "x" * (64 - head - 2) + ' "@example.net'
    assert forward(parse_mailbox(too_long), "example.org", OURS, DAY) is None


def test_a_sender_is_rewritten_in_our_name_and_found_again() -> None:
    address = made("Ada@Example.net")
    head, hashed, stamp, rest = address.local.split("=", 3)
    assert (head, rest, address.domain) == ("SRS0", "Example.net=Ada", "example.org")
    assert (len(hashed), len(stamp)) == (8, 2)
    assert rewritten(address)
    assert back(address) == "Ada@Example.net"


@pytest.mark.parametrize("sender", ["a=b=c@example.net", "srs@example.net", "çağrı@örnek.example"])
def test_any_local_part_comes_back_as_it_was(sender: str) -> None:
    assert back(made(sender)) == sender


def test_a_server_on_the_way_may_change_the_case() -> None:
    address = made("Ada@Example.net")
    assert back(Address(address.local.lower(), "EXAMPLE.ORG")) == "ada@example.net"
    assert back(Address(address.local.upper(), "EXAMPLE.ORG")) == "ADA@EXAMPLE.NET"


def test_whoever_changes_an_address_or_has_no_secret_is_refused() -> None:
    address = made("ada@example.net")
    for forged in (
        address.local.replace("=ada", "=eve"),
        address.local.replace("example.net", "example.com"),
        "SRS0=AAAAAAAA=AA=example.net=ada",
        "SRS0====",
        "SRS0=",
        "SRS1=x",
        "SRS1====",
        "SRS0=\udce9=AA=example.net=ada",
    ):
        assert back(Address(forged, "example.org")) == Problem.FORGED, forged
    assert back(address, THEIRS) == Problem.FORGED
    assert reverse(address, (), DAY, 21) is Problem.FORGED
    stamp = address.local.split("=")[2]
    other = "AB" if stamp != "AB" else "AC"
    assert back(Address(address.local.replace(f"={stamp}=", f"={other}="), "x")) == Problem.FORGED


def test_old_secrets_still_open_what_they_made() -> None:
    address = made("ada@example.net", OLD)
    assert back(address, OURS, OLD) == "ada@example.net"
    assert back(address, OURS) == Problem.FORGED


def test_an_address_is_good_for_its_time_and_a_day_of_another_clock() -> None:
    address = made("ada@example.net")
    assert back(address, day=DAY + 21) == "ada@example.net"
    assert back(address, day=DAY + 22) == Problem.EXPIRED
    assert back(address, day=DAY + 1000) == Problem.EXPIRED
    assert back(address, day=DAY - 1) == "ada@example.net"
    assert back(address, day=DAY - 2) == Problem.EXPIRED
    late = made("ada@example.net", day=1023)
    assert back(late, day=1025) == "ada@example.net"  # the stamp has begun anew


def test_a_chain_of_forwarders_does_not_grow_and_leads_back_to_the_first() -> None:
    first = made("ada@example.net", THEIRS, "first.example")
    second = made(str(first), OURS, "second.example")
    assert second.local.startswith("SRS1=")
    assert "=first.example==" in second.local
    third = made(str(second), OLD, "third.example")
    assert len(third.local) == len(second.local)
    assert back(third, OLD) == str(first)
    assert back(second, OURS) == str(first)
    assert back(second, OLD) == Problem.FORGED
    assert back(first, THEIRS) == "ada@example.net"


@pytest.mark.parametrize("separator", "=+-")
def test_what_another_forwarder_parts_by_another_sign_stays_as_it_is(separator: str) -> None:
    theirs = f"SRS0{separator}abcd=XY=example.net=ada@first.example"
    assert back(made(theirs)) == theirs


def test_what_would_be_too_long_for_an_address_is_not_rewritten() -> None:
    assert forward(Address("a" * 35, "example.net"), "example.org", OURS, DAY) is not None
    assert forward(Address("a" * 36, "example.net"), "example.org", OURS, DAY) is None
