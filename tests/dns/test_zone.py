"""A table answers as DNS does."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from ulak.dns import MX, Answer, Status, Zone
from ulak.dns.names import to_ascii

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits; an event loop is not needed."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    value: T = end.value.value
    return value


def ask(zone: Zone, name: str, kind: str) -> Answer:
    return drive(zone.resolve(name, kind))


def test_records_have_the_types_that_the_protocol_promises() -> None:
    zone = Zone(
        {
            ("example.org", "TXT"): ["v=spf1 -all", b"\xff"],
            ("example.org", "MX"): [(10, "MX.Example.org."), MX(20, "b.example.org")],
            ("example.net", "MX"): [(0, "")],
            ("1.2.0.192.in-addr.arpa", "PTR"): ["Host.Example.org."],
        }
    )
    assert ask(zone, "example.org", "TXT").records == (b"v=spf1 -all", b"\xff")
    assert ask(zone, "EXAMPLE.org.", "mx").exchanges == (
        MX(10, "mx.example.org"),
        MX(20, "b.example.org"),
    )
    assert ask(zone, "example.net", "MX").exchanges == (MX(0, ""),)
    assert ask(zone, "1.2.0.192.in-addr.arpa", "PTR").texts == ("host.example.org",)


def test_a_name_with_names_below_it_exists() -> None:
    zone = Zone({("a.b.example.org", "A"): ["192.0.2.1"]})
    assert ask(zone, "a.b.example.org", "AAAA").status is Status.NO_DATA
    assert ask(zone, "b.example.org", "A").status is Status.NO_DATA
    assert ask(zone, "c.example.org", "A").status is Status.NXDOMAIN
    assert ask(zone, "x.a.b.example.org", "A").status is Status.NXDOMAIN


def test_what_is_taken_out_is_gone_with_the_names_above_it() -> None:
    zone = Zone({("a.b.example.org", "A"): ["192.0.2.1"], ("example.org", "A"): ["192.0.2.2"]})
    zone.remove("a.b.example.org", "A")
    assert ask(zone, "b.example.org", "A").status is Status.NXDOMAIN
    assert ask(zone, "example.org", "A").status is Status.OK


def test_aliases_are_followed_to_their_end() -> None:
    zone = Zone(
        {
            ("www.example.org", "CNAME"): ["web.example.net"],
            ("web.example.net", "CNAME"): ["host.example.net."],
            ("host.example.net", "A"): ["192.0.2.1"],
            ("gone.example.org", "CNAME"): ["nowhere.example.com"],
        }
    )
    answer = ask(zone, "www.example.org", "A")
    assert (answer.texts, answer.canonical) == (("192.0.2.1",), "host.example.net")
    assert answer.name == "www.example.org"
    assert ask(zone, "www.example.org", "MX").status is Status.NO_DATA
    assert ask(zone, "www.example.org", "CNAME").texts == ("web.example.net",)
    assert ask(zone, "gone.example.org", "A").status is Status.NXDOMAIN


def test_aliases_without_an_end_are_a_failure() -> None:
    zone = Zone({("a.example", "CNAME"): ["b.example"], ("b.example", "CNAME"): ["a.example"]})
    assert ask(zone, "a.example", "A").status is Status.SERVFAIL


def test_a_wildcard_stands_only_for_names_that_do_not_exist() -> None:
    zone = Zone(
        {
            ("*.example.org", "A"): ["192.0.2.1"],
            ("mail.example.org", "MX"): [(10, "mx.example.org")],
        }
    )
    assert ask(zone, "x.example.org", "A").texts == ("192.0.2.1",)
    assert ask(zone, "x.y.example.org", "A").texts == ("192.0.2.1",)
    assert ask(zone, "x.example.org", "AAAA").status is Status.NO_DATA
    # RFC 4592 §2.2.1: neither a name that exists nor anything below it.
    assert ask(zone, "mail.example.org", "A").status is Status.NO_DATA
    assert ask(zone, "x.mail.example.org", "A").status is Status.NXDOMAIN
    assert ask(zone, "example.org", "A").status is Status.NO_DATA


def test_an_entry_can_stand_for_a_failure_of_one_kind_or_of_all() -> None:
    zone = Zone(
        {
            ("a.example", "MX"): Status.SERVFAIL,
            ("a.example", "A"): ["192.0.2.1"],
            ("b.example", "*"): Status.TIMEOUT,
            ("b.example", "TXT"): ["there"],
            ("c.example", "CNAME"): ["b.example"],
        }
    )
    assert ask(zone, "a.example", "MX").status is Status.SERVFAIL
    assert ask(zone, "a.example", "MX").failed
    assert ask(zone, "a.example", "A").status is Status.OK
    assert ask(zone, "b.example", "A").status is Status.TIMEOUT
    assert ask(zone, "b.example", "TXT").status is Status.OK
    assert ask(zone, "c.example", "A").status is Status.TIMEOUT


def test_questions_are_remembered_in_their_order() -> None:
    zone = Zone({})
    ask(zone, "A.example.", "mx")
    ask(zone, "b.example", "TXT")
    assert list(zone.asked) == [("a.example", "MX"), ("b.example", "TXT")]


def test_a_table_with_a_mistake_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.\.b"):
        Zone({("a..b", "A"): ["192.0.2.1"]})
    with pytest.raises(TypeError, match="list"):
        Zone({("example.org", "A"): "192.0.2.1"})


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Example.ORG.", "example.org"),
        (".", ""),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("çiçek.example", "xn--iek-1lab.example"),
        # IDNA 2003 would ask for strasse.example, which is somebody else's.
        ("straße.example", "xn--strae-oqa.example"),
        # Capitals as UTS #46 maps them, not as a locale or str.lower() would.
        ("IŞIK.example", "xn--iik-sza.example"),
        ("ışık.example", "xn--k-ekaa7p.example"),
        ("a..b", None),
        (".example.org", None),
        ("x" * 64 + ".example", None),
        ("x." * 127 + "xx", None),
        ("a\nb.example", None),
        ("a\0b.example", None),
        ("\u200d.example", None),
        ("ü" * 300, None),
    ],
)
def test_a_name_becomes_what_dns_is_asked_for(name: str, asked: str | None) -> None:
    assert to_ascii(name) == asked


def test_a_name_that_cannot_be_does_not_exist() -> None:
    answer = ask(Zone({}), "x" * 70, "A")
    assert answer.status is Status.NXDOMAIN
    assert "no such name" in answer.detail
