"""Whose mail is ours."""

from __future__ import annotations

import asyncio

import pytest

from ulak.mail.address import Address
from ulak.server.directory import Directory, Domain, Foreign, Found, Moved, Result, Unknown
from ulak.smtp.grammar import GrammarError, parse_path


def find(directory: Directory, text: str) -> Result | None:
    address, _ = parse_path(f"<{text}>")
    assert address is not None
    return directory.find(address)


def members(directory: Directory, text: str) -> tuple[str, ...]:
    found = find(directory, text)
    assert isinstance(found, Found), found
    return found.members


def test_a_mailbox_is_named_as_it_is_configured() -> None:
    directory = Directory("mx.example.org", {"Example.ORG": Domain(frozenset({"Ada", "a b"}))})
    assert members(directory, "ADA@EXAMPLE.org") == ("Ada@example.org",)
    assert members(directory, '"A B"@example.org') == ('"a b"@example.org',)
    assert find(directory, "adam@example.org") == Unknown()
    assert find(directory, "ada@example.net") == Foreign()


def test_postmaster_is_everywhere_at_home() -> None:
    directory = Directory("example.com", {"example.org": Domain(), "example.com": Domain()})
    assert members(directory, "PostMaster") == ("postmaster@example.com",)
    assert members(directory, "POSTMASTER@example.org") == ("postmaster@example.org",)
    elsewhere = Directory("mx.example.net", {"example.org": Domain()})
    assert members(elsewhere, "postmaster") == ("postmaster@example.org",)
    assert members(Directory("mx.example.net", {}), "postmaster") == ("postmaster@mx.example.net",)


@pytest.mark.parametrize(
    ("address", "here", "found"),
    [
        ("Postmaster@[192.0.2.25]", "192.0.2.25", True),
        ("postmaster@[IPv6:2001:DB8::0:25]", "2001:db8::25", True),
        ("postmaster@[192.0.2.26]", "192.0.2.25", False),
        ("ada@[192.0.2.25]", "192.0.2.25", False),
        ("postmaster@[x-tag:192.0.2.25]", "192.0.2.25", False),
        ("postmaster@[192.0.2.25]", "", False),
    ],
)
def test_postmaster_is_at_home_at_the_address_that_the_client_has_come_to(
    address: str, here: str, *, found: bool
) -> None:
    directory = Directory("mx.example.net", {"example.org": Domain(frozenset({"ada"}))})
    parsed, _ = parse_path(f"<{address}>")
    assert parsed is not None
    wanted = Found(("postmaster@example.org",)) if found else Foreign()
    assert directory.find(parsed, here) == wanted


def test_an_alias_for_postmaster_is_followed() -> None:
    domain = Domain(frozenset({"ada"}), {"Postmaster": ("ada@example.org",)})
    directory = Directory("mx.example.org", {"example.org": domain})
    assert members(directory, "postmaster") == ("ada@example.org",)


def test_everybody_may_have_a_mailbox() -> None:
    directory = Directory("mx", {"example.org": Domain(frozenset({"*", "Ada"}))})
    assert members(directory, "Who.Ever+tag@example.org") == ("who.ever+tag@example.org",)
    assert members(directory, "ada@example.org") == ("Ada@example.org",)
    assert asyncio.run(directory.candidates("who")) == [Address("who", "example.org")]


def test_aliases_are_followed_to_their_ends_once() -> None:
    domain = Domain(
        frozenset({"ada", "grace"}),
        {
            "all": ("staff@example.org", "ADA@example.org", "far@Example.net"),
            "staff": ("ada@example.org", "Grace@EXAMPLE.org", "all@example.org"),
        },
    )
    directory = Directory("mx", {"example.org": domain})
    assert find(directory, "All@example.org") == Found(
        ("ada@example.org", "far@Example.net", "grace@example.org"), alias="all@example.org"
    )


def test_an_alias_that_names_itself_keeps_a_copy() -> None:
    domain = Domain(frozenset({"ada"}), {"ada": ("Ada@example.org", "far@example.net")})
    directory = Directory("mx", {"example.org": domain})
    assert members(directory, "ada@example.org") == ("ada@example.org", "far@example.net")


def test_aliases_that_lead_only_to_each_other_end() -> None:
    domain = Domain(frozenset(), {"a": ("b@example.org",), "b": ("a@example.org",)})
    assert members(Directory("mx", {"example.org": domain}), "a@example.org") == ()


def test_an_alias_to_what_is_no_address_is_an_error_at_once() -> None:
    with pytest.raises(GrammarError):
        Directory("mx", {"example.org": Domain(frozenset(), {"a": ("nonsense",)})})


@pytest.mark.parametrize("name", ["örnek.example", "xn--rnek-4qa.example", "Örnek.example"])
def test_a_domain_is_the_same_in_both_spellings(name: str) -> None:
    directory = Directory("mx", {name: Domain(frozenset({"ada"}))})
    assert directory.local("örnek.example")
    assert directory.local("XN--RNEK-4QA.Example")
    assert not directory.local("ornek.example")
    assert members(directory, "ada@örnek.example") == members(directory, "ada@xn--rnek-4qa.example")


@pytest.mark.parametrize("mailbox", ["çağrı", "ÇAĞRI", "çağri", "ÇAĞRİ", "c\u0327ag\u0306rı"])
def test_the_four_letters_i_of_turkish_are_one(mailbox: str) -> None:
    directory = Directory("mx", {"example.org": Domain(frozenset({mailbox}))})
    for asked in ("çağrı", "ÇAĞRI", "çağri", "Çağrİ"):
        assert members(directory, f"{asked}@example.org") == (f"{mailbox}@example.org",)
    assert find(directory, "cagri@example.org") == Unknown()


def test_a_kelvin_sign_makes_no_domain_of_ours() -> None:
    directory = Directory("mx", {"k.example": Domain(frozenset({"ada"}))})
    assert directory.local("K.example")
    assert not directory.local("\u212a.example")


def test_who_has_moved_is_told_apart_from_who_was_never_here() -> None:
    domain = Domain(frozenset(), {}, {"Old": "new@example.net"})
    directory = Directory("mx", {"example.org": domain})
    assert find(directory, "OLD@example.org") == Moved("new@example.net")
    assert asyncio.run(directory.candidates("old")) == [Address("old", "example.org")]
