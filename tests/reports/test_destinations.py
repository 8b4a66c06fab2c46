"""Nobody gets reports about others who has not said that they want them."""

from __future__ import annotations

import asyncio

import pytest

from ulak.checks.dmarc.uris import read as read_uri
from ulak.dns import Answer, Resolver, Status, Zone
from ulak.reports.destinations import Standing, Unsure, Unwilling, Why, Willing, verify

ZONE = {
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=none"],
    ("_dmarc.third.example", "TXT"): ["v=DMARC1; p=none"],
    ("example.org._report._dmarc.third.example", "TXT"): ["v=DMARC1;"],
    ("example.org._report._dmarc.mute.example", "TXT"): ["v=spf1 -all", "hello"],
    ("*._report._dmarc.any.example", "TXT"): ["v=DMARC1"],
    ("example.org._report._dmarc.other.example", "TXT"): [
        "v=DMARC1; rua=mailto:dmarc@other.example; ruf=mailto:ruf@other.example"
    ],
    ("example.org._report._dmarc.lying.example", "TXT"): [
        "v=DMARC1; rua=mailto:a@lying.example,mailto:victim@example.com"
    ],
}


def asked(uri: str, resolver: Resolver | None = None, *, tag: str = "rua") -> Standing:
    found = read_uri(uri)
    assert found is not None
    return asyncio.run(
        verify(
            Zone(ZONE) if resolver is None else resolver,
            found,
            domain="example.org",
            organizational="example.org",
            tag=tag,
        )
    )


@pytest.mark.parametrize(
    ("uri", "standing"),
    [
        ("mailto:a@example.org", Willing(("a@example.org",))),
        ("mailto:a@EXAMPLE.org", Willing(("a@EXAMPLE.org",))),
        ("mailto:a@reports.example.org", Willing(("a@reports.example.org",))),
        ("mailto:a@third.example", Willing(("a@third.example",), external=True)),
        ("mailto:a@any.example", Willing(("a@any.example",), external=True)),
        ("mailto:a@other.example", Willing(("dmarc@other.example",), external=True)),
        ("mailto:a@mute.example", Unwilling(Why.NOT_WILLING)),
        ("mailto:a@nowhere.example", Unwilling(Why.NOT_WILLING)),
        ("mailto:a@lying.example", Unwilling(Why.OTHER_HOST)),
        ("https://example.org/dmarc", Unwilling(Why.SCHEME)),
        ("mailto:a@" + ".".join(["x" * 60] * 4), Unwilling(Why.LONG_NAME)),
    ],
)
def test_a_destination_is_asked_whether_it_is_willing(uri: str, standing: Standing) -> None:
    assert asked(uri) == standing


def test_failure_reports_have_a_tag_of_their_own() -> None:
    found = asked("mailto:a@other.example", tag="ruf")
    assert found == Willing(("ruf@other.example",), external=True)


class Failing:
    """Answers as the zone does, but does not know of one name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.asked: list[str] = []

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked.append(name)
        if name == self._name:
            return Answer(name, kind, Status.TIMEOUT)
        return await Zone(ZONE).resolve(name, kind)


@pytest.mark.parametrize(
    "name", ["example.org._report._dmarc.third.example", "_dmarc.third.example"]
)
def test_where_dns_does_not_answer_nothing_is_known(name: str) -> None:
    assert isinstance(asked("mailto:a@third.example", Failing(name)), Unsure)


def test_one_domain_under_a_public_suffix_is_not_the_suffix() -> None:
    zone = Zone(
        {
            ("_dmarc.bank", "TXT"): ["v=DMARC1; p=none; psd=y"],
            ("_dmarc.giant.bank", "TXT"): ["v=DMARC1; p=none"],
        }
    )
    uri = read_uri("mailto:a@giant.bank")
    assert uri is not None
    found = asyncio.run(verify(zone, uri, domain="bank", organizational="giant.bank"))
    assert found == Unwilling(Why.NOT_WILLING)


def test_its_own_domain_is_not_asked_about() -> None:
    resolver = Failing("")
    assert asked("mailto:a@example.org", resolver) == Willing(("a@example.org",))
    assert resolver.asked == []
