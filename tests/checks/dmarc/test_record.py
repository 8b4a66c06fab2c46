"""A record is read as RFC 9989 §4.7 and §4.8 have it, and its mistakes are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.dmarc.record import Policy, Record, read, resembles


def record(text: str) -> Record:
    found = read(text.encode("latin-1"))
    assert found is not None
    return found


def mistakes(text: str) -> list[str]:
    return [reason.key.removeprefix("dmarc.") for reason in record(text).mistakes]


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1",
        "v=DMARC1;",
        "v = DMARC1 ; p=none",
        "V\t=\tDMARC1;p=none;",
        "v=DMARC1;p=none; ",
    ],
)
def test_a_record_begins_with_its_version(text: str) -> None:
    assert read(text.encode()) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " v=DMARC1; p=none",
        "v=dmarc1; p=none",
        "v=DMARC2; p=none",
        "v=DMARC1p=none",
        "v=DMARC1, p=none",
        "v=DMARC11; p=none",
        "p=none; v=DMARC1",
        '"v=DMARC1; p=none"',
        "v=spf1 -all",
        "v==DMARC1; p=none",
    ],
)
def test_what_does_not_is_none(text: str) -> None:
    assert read(text.encode()) is None


def test_what_was_meant_to_be_one_is_told_apart_from_what_was_not() -> None:
    for text in (b"v=dmarc1", b' "v=DMARC1"', b"V = DMARC"):
        assert resembles(text)
    for text in (b"v=DMARC1", b"v=spf1", b"hello"):
        assert not resembles(text)


def test_every_tag() -> None:
    """The tags of §4.7, none of them at its default."""
    found = record(
        "v=DMARC1; p=reject; sp=quarantine; np=none; t=y; psd=n; adkim=s; aspf=s; fo=1:d:s;"
        "rua=mailto:a@example.org , mailto:b%2Bc@example.org!10m; ruf=https://example.org/%21"
    )
    assert (found.policy, found.subdomains, found.nonexistent) == ("reject", "quarantine", "none")
    assert found.testing
    assert found.psd == "n"
    assert found.strict_dkim
    assert found.strict_spf
    assert found.fo == ("1", "d", "s")
    assert [(u.address, u.size) for u in found.rua] == [
        ("a@example.org", None),
        ("b+c@example.org", 10 * 2**20),
    ]
    assert [(u.scheme, u.address) for u in found.ruf] == [("https", "")]
    assert [m.key for m in found.mistakes] == ["dmarc.uri-size", "dmarc.uri-scheme"]


def test_defaults() -> None:
    found = record("v=DMARC1; p=none")
    assert (found.psd, found.testing, found.fo) == ("u", False, ("0",))
    assert not found.strict_dkim
    assert not found.strict_spf
    assert found.subdomains is found.nonexistent is None
    assert found.mistakes == ()


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ("p=none; x=1", ["tag-unknown"]),
        ("p=none; pct=20; rf=afrf; ri=86400", ["tag-obsolete"] * 3),
        ("p=none; reject", ["part-unreadable"]),
        ("p=none; a1=b", ["part-unreadable"]),
        ("p=none; p=reject", ["tag-twice"]),
        ("p=none; v=DMARC1", ["tag-twice"]),
        ("p=none; adkim=", ["tag-empty"]),
        ("p=none; adkim=\xe4", ["tag-empty"]),
        ("p=none; adkim=x", ["tag-value"]),
        ("p=none; aspf=rs", ["tag-value"]),
        ("p=none; t=yes", ["tag-value"]),
        ("p=none; psd=x", ["tag-value"]),
        ("p=none; fo=1", ["fo-without-ruf"]),
        ("p=none; ruf=mailto:a@b.example; fo=0:1", ["tag-value"]),
        ("p=none; ruf=mailto:a@b.example; fo=d:d", ["tag-value"]),
        ("p=none; ruf=mailto:a@b.example; fo=x", ["tag-value"]),
        ("p=none; rua=a@b.example", ["uri-wrong"]),
        ("p=none; rua=mailto:a@b!c.example", ["uri-wrong"]),
        ("p=none; rua=mailto:a", ["uri-wrong"]),
        ("p=none; rua=mailto:a%0d%0ab@c.example", ["uri-wrong"]),
        ("p=none; rua=mailto:a@b.example,", ["uri-wrong"]),
        ("sp=none", ["p-missing"]),
        ("p=rejct", ["tag-value"]),
        ("p=", ["tag-empty"]),
    ],
)
def test_a_mistake_is_passed_over_and_said(tags: str, said: list[str]) -> None:
    assert mistakes(f"v=DMARC1; {tags}") == said


def test_of_a_tag_that_stands_there_twice_the_first_counts() -> None:
    assert record("v=DMARC1; p=none; p=reject").policy == "none"


def test_names_and_values_are_compared_without_case() -> None:
    found = record("v=DMARC1; P=Reject; T=Y; ADKIM=S; RUA=MAILTO:a@b.example")
    assert (found.policy, found.testing, found.strict_dkim) == ("reject", True, True)
    assert found.rua[0].address == "a@b.example"


@pytest.mark.parametrize(
    ("tags", "own", "below", "nowhere"),
    [
        ("p=reject", "reject", "reject", "reject"),
        ("p=reject; sp=none", "reject", "none", "none"),
        ("p=reject; sp=none; np=quarantine", "reject", "none", "quarantine"),
        ("p=reject; np=none", "reject", "reject", "none"),
        # Not sound, but somebody wants its reports (§4.10.1).
        ("p=rejct; sp=reject; rua=mailto:a@b.example", "none", "none", "none"),
        ("p=reject; sp=x; rua=mailto:a@b.example", "none", "none", "none"),
    ],
)
def test_which_tag_counts(tags: str, own: str, below: str, nowhere: str) -> None:
    found = record(f"v=DMARC1; {tags}")
    assert found.applies
    assert found.asks(below=False)[0] == own
    assert found.asks(below=False, exists=False)[0] == own
    assert found.asks(below=True)[0] == below
    assert found.asks(below=True, exists=False)[0] == nowhere


@pytest.mark.parametrize("tags", ["sp=reject", "p=x", "p=none; np=x", "p=; rua=x", "p=x; rua=b"])
def test_a_record_without_a_policy_and_without_anybody_to_tell_does_not_apply(tags: str) -> None:
    assert not record(f"v=DMARC1; {tags}").applies


@given(st.binary(max_size=200))
def test_any_octets_are_read_and_shown(octets: bytes) -> None:
    found = read(b"v=DMARC1;" + octets)
    assert found is not None
    assert found.text.isprintable()
    assert found.text.isascii()
    assert isinstance(found.asks(below=True)[0], Policy)
    for reason in found.mistakes:
        assert reason.text("tr")


@pytest.mark.parametrize(
    "octets",
    [
        b"x=y;" * 16_000,
        b";" * 64_000,
        b"a=" + b"b" * 64_000,
        b"rua=" + b"mailto:a@b.example," * 3_400,
        b"rua=mailto:" + b"%40" * 21_000,
        b"fo=" + b"d:" * 32_000,
        b"=" * 64_000,
        b" " * 64_000 + b"x",
    ],
)
def test_of_a_record_of_64_kilobytes_little_is_kept(octets: bytes) -> None:
    found = read(b"v=DMARC1;" + octets)
    assert found is not None
    assert len(found.mistakes) <= 20
    assert len(found.rua) <= 20
    assert len(found.unknown) <= 100
