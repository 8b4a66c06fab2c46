"""XCLIENT's attributes: what is read, what is refused, and what is written comes back."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import xtext
from ulak.smtp.events import XClient
from ulak.smtp.grammar import GrammarError
from ulak.smtp.xclient import ATTRIBUTES, parse

KEYS = dict(zip([f.name for f in fields(XClient)], ATTRIBUTES, strict=True))

texts = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60).filter(
    lambda t: t.upper() not in ("[UNAVAILABLE]", "[TEMPUNAVAIL]") and len(t) <= 255
)
ips = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str).filter(lambda ip: "::ffff:" not in ip),
)
ports = st.integers(1, 65_535)
names = st.sampled_from(["spike.example", "a.b.c.example.org"])
said = st.fixed_dictionaries(
    {},
    optional={
        "name": names | st.just(""),
        "ip": ips | st.just(""),
        "port": ports,
        "protocol": st.sampled_from(["SMTP", "ESMTP"]),
        "helo": texts | st.just(""),
        "login": texts | st.just(""),
        "own_ip": ips,
        "own_port": ports,
    },
).filter(bool)


def written(values: dict[str, str | int]) -> str:
    """Write attributes as a server in front does."""

    def one(key: str, value: str | int) -> str:
        text = str(value)
        if key in ("ip", "own_ip") and ":" in text:
            text = f"IPV6:{text}"
        return f"{KEYS[key]}={xtext.encode(text) if text else '[UNAVAILABLE]'}"

    return " ".join(one(key, value) for key, value in values.items())


@given(said)
def test_what_is_written_is_read(values: dict[str, str | int]) -> None:
    assert parse(written(values)) == XClient(**values)  # type: ignore[arg-type]  # fields by their names


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.tuples(st.sampled_from(ATTRIBUTES), st.text(max_size=30)).map("=".join), max_size=5
        ).map(" ".join),
    )
)
def test_whatever_comes_is_read_or_refused_and_nothing_unprintable_comes_out(rest: str) -> None:
    try:
        found = parse(rest)
    except GrammarError:
        return
    for text in (found.name, found.ip, found.helo, found.login):
        assert text is None or text.isprintable()


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        (
            "NAME=spike.example ADDR=192.0.2.1",
            XClient(name="spike.example", ip="192.0.2.1"),
        ),
        ("addr=ipv6:2001:DB8::1", XClient(ip="2001:db8::1")),
        ("ADDR=IPV6:::ffff:192.0.2.1", XClient(ip="192.0.2.1")),
        ("NAME=[tempunavail] ADDR=[UNAVAILABLE]", XClient(name="", ip="")),
        ("PORT=[UNAVAILABLE] PROTO=esmtp", XClient(port=0, protocol="ESMTP")),
        ("LOGIN=ada+2Btag@example.org", XClient(login="ada+tag@example.org")),
        ("HELO=[192.0.2.1]", XClient(helo="[192.0.2.1]")),
    ],
)
def test_what_a_server_in_front_may_say(rest: str, found: XClient) -> None:
    assert parse(rest) == found


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "ADDR",
        "ADDR=",
        "ADDR=192.0.2.1 ",
        "ADDR=192.0.2.1  PORT=1",
        "ADDR=192.0.2.1 ADDR=192.0.2.2",
        "ADDR=2001:db8::1",
        "ADDR=IPV6:192.0.2.1",
        "ADDR=IPV6:fe80::1%lo",
        "ADDR=192.0.2.01",
        "PORT=+25",
        "PORT=65536",
        "PORT=\u0662\u0665",
        "PROTO=LMTP",
        "NAME=spike!example",
        "NAME=192.0.2.1",
        "LOGIN=a+0D+0AMAIL",
        "LOGIN=a+0a",
        "LOGIN=" + "x" * 256,
        "SIZE=1",
        "LOGI\u004e\u0301=a",
    ],
)
def test_what_nobody_may_say(rest: str) -> None:
    with pytest.raises(GrammarError):
        parse(rest)
