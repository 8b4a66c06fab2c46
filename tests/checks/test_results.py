"""Authentication-Results: written so that it is read as the same, and forged ones taken away."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks import results
from ulak.checks.iprev import Finding as Iprev
from ulak.checks.iprev import Result
from ulak.checks.reason import Reason, because
from ulak.checks.results import Property, Resinfo
from ulak.mail import message

authres: Any = importlib.import_module("authres")  # it has no types

WHY = (
    because("iprev.no-name", ip="192.0.2.1", status="nxdomain"),
    because("iprev.leads-back", ip="192.0.2.1", name="a.example"),
)


@dataclass(frozen=True)
class Spf:
    result: str = "pass"
    identity: str = "mailfrom"
    domain: str = "a.example"
    helo: str = "mx.a.example"
    mail_from: str = "ayşe+x@a.example"
    ip: str = "2001:db8::1"
    mechanism: str = "ip6:2001:db8::/32"
    reasons: tuple[Reason, ...] = WHY


@dataclass(frozen=True)
class Dkim:
    result: str = "fail"
    domain: str = "a.example"
    selector: str = "s1"
    identity: str = "@sub.a.example"
    algorithm: str = "rsa-sha256"
    signature: str = "aB/c+d=="
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Dmarc:
    result: str = "fail"
    from_domain: str = "a.example"
    policy: str = "reject"
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Arc:
    result: str = "pass"
    sets: int = 2
    oldest_pass: int | None = 0
    reasons: tuple[Reason, ...] = ()


def all_of_them() -> tuple[Resinfo, ...]:
    return results.told(
        spf=Spf(mail_from="joe@a.example"),
        dkim=(Dkim(), Dkim(result="neutral", domain="", selector="", identity="", signature="")),
        dmarc=Dmarc(),
        arc=Arc(),
        iprev=Iprev(Result.PASS, "2001:db8::1", "a.example", reasons=WHY),
        auth="ayla",
        mail_from="ayla@ours.example",
        ip="192.0.2.1",
    )


def value_of(octets: bytes) -> bytes:
    """Give what stands after the colon of one written field."""
    name, _, value = octets.partition(b":")
    assert name == b"Authentication-Results"
    assert value.endswith(b"\r\n")
    return value.removesuffix(b"\r\n")


def test_every_method_is_told_with_its_properties_and_its_reason() -> None:
    octets = results.write("mx.ours.example", all_of_them())
    assert octets.decode("ascii").split("\r\n") == [
        "Authentication-Results: mx.ours.example;",
        " auth=pass smtp.auth=ayla smtp.mailfrom=ayla@ours.example;",
        " iprev=pass (The address 192.0.2.1 has the name a.example, and the name",
        ' leads back to the address.) policy.iprev="2001:db8::1";',
        " spf=pass (The address 192.0.2.1 has the name a.example, and the name leads",
        " back to the address.) smtp.mailfrom=joe@a.example;",
        " dkim=fail header.d=a.example header.i=@sub.a.example header.a=rsa-sha256",
        ' header.s=s1 header.b="aB/c+d==";',
        " dkim=neutral header.a=rsa-sha256;",
        " dmarc=fail header.from=a.example policy.dmarc=reject;",
        " arc=pass smtp.remote-ip=192.0.2.1 header.oldest-pass=0",
        "",
    ]


def test_without_results_it_says_none() -> None:
    assert results.write("mx.ours.example", ()) == (
        b"Authentication-Results: mx.ours.example;\r\n none\r\n"
    )
    read = results.read(b" mx.ours.example; none")
    assert read is not None
    assert (read.resinfos, read.whole) == ((), True)


def test_a_message_without_signatures_is_told_of_and_one_that_was_not_looked_at_is_not() -> None:
    assert results.told(dkim=()) == (Resinfo("dkim", "none"),)
    assert results.told() == ()


def test_a_null_sender_is_told_by_the_greeting() -> None:
    (told,) = results.told(spf=Spf(identity="helo", mail_from=""))
    assert told.properties == (Property("smtp", "helo", "mx.a.example"),)


def test_what_is_beyond_ascii_is_written_so_only_where_the_message_may_have_it() -> None:
    told = results.told(spf=Spf(mail_from="ayşe@türkçe.example", reasons=()))
    assert b"smtp.mailfrom=xn--trke-2oa7j.example\r\n" in results.write("mx", told)
    told = results.told(spf=Spf(mail_from="ayse@türkçe.example", reasons=()))
    assert b"smtp.mailfrom=ayse@xn--trke-2oa7j.example\r\n" in results.write("mx", told)
    octets = results.write("posta.türkçe.example", told, utf8=True)
    assert "smtp.mailfrom=ayse@türkçe.example\r\n".encode() in octets
    assert octets.startswith("Authentication-Results: posta.türkçe.example;".encode())
    octets = results.write("posta.türkçe.example", told)
    assert octets.startswith(b"Authentication-Results: posta.xn--trke-2oa7j.example;")


def test_a_strangers_text_ends_no_line_and_no_comment() -> None:
    evil = 'a@b.example\r\nX-Evil: 1\r\n\r\n";dkim=pass (('
    told = results.told(spf=Spf(mail_from=evil, reasons=()), auth=evil)
    comment = Resinfo("dkim", "fail", comment="a) dkim=pass header.d=bank.example (\\\r\nX: y")
    octets = results.write("mx.ours.example", (*told, comment))
    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b" ") for line in lines[1:])
    read = results.read(value_of(octets))
    assert read is not None
    assert read.whole
    assert [one.method for one in read.resinfos] == ["auth", "spf", "dkim"]
    assert read.resinfos[2].properties == ()


WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=100)
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(".".join)
RESINFOS = st.lists(
    st.builds(
        Resinfo,
        WORDS,
        WORDS,
        st.lists(st.builds(Property, WORDS, WORDS, TEXTS), max_size=4).map(tuple),
        st.just("") | TEXTS,
        st.just("") | TEXTS,
        st.integers(1, 99),
    ),
    max_size=5,
)


@given(resinfos=RESINFOS, utf8=st.booleans(), name=NAMES)
def test_what_is_written_is_read_as_the_same(
    resinfos: list[Resinfo],
    utf8: bool,  # noqa: FBT001 -- given by name
    name: str,
) -> None:
    octets = results.write(name, resinfos, utf8=utf8)
    assert utf8 or octets.isascii()
    assert octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
    lines = octets.split(b"\r\n")[:-1]
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    read = results.read(value_of(octets))
    assert read is not None
    assert read.whole
    assert [(r.method, r.result, r.version) for r in read.resinfos] == [
        (r.method, r.result, r.version) for r in resinfos
    ]
    for was, one in zip(resinfos, read.resinfos, strict=True):
        assert [(p.ptype, p.name) for p in one.properties] == [
            (p.ptype, p.name) for p in was.properties
        ]
        assert bool(one.reason) == bool(was.reason)
        for mine, theirs in zip(was.properties, one.properties, strict=True):
            if mine.value.isascii() and mine.value.isprintable():
                assert theirs.value == mine.value
    assert results.strip(octets, name) == b""
    assert results.strip(octets, "x" + name) == octets


@given(st.lists(st.sampled_from(all_of_them()), max_size=9))
def test_another_reader_reads_what_is_written_as_the_same(resinfos: list[Resinfo]) -> None:
    octets = results.write("mx.ours.example", resinfos)
    theirs = authres.AuthenticationResultsHeader.parse(message.unfold(octets))
    assert theirs.authserv_id == "mx.ours.example"
    assert [
        (r.method, r.result, [(p.type, p.name, p.value) for p in r.properties])
        for r in theirs.results
    ] == [
        (r.method, r.result, [(p.ptype, p.name, p.value) for p in r.properties]) for r in resinfos
    ]


# RFC 8601, appendix B.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" example.org 1; none", []),
        (
            b" example.com;\r\n          spf=pass smtp.mailfrom=example.net",
            [("spf", "pass", [("smtp", "mailfrom", "example.net")])],
        ),
        (
            (
                b" example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
                b"          spf=pass smtp.mailfrom=example.net"
            ),
            [
                ("auth", "pass", [("smtp", "auth", "sender@example.net")]),
                ("spf", "pass", [("smtp", "mailfrom", "example.net")]),
            ],
        ),
        (
            b" example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
            [("iprev", "pass", [("policy", "iprev", "192.0.2.200")])],
        ),
        (
            (
                b' example.com;\r\n      dkim=pass reason="good signature"\r\n'
                b"        header.i=@mail-router.example.net;\r\n"
                b'      dkim=fail reason="bad signature"\r\n        header.i=@newyork.example.com'
            ),
            [
                ("dkim", "pass", [("header", "i", "@mail-router.example.net")]),
                ("dkim", "fail", [("header", "i", "@newyork.example.com")]),
            ],
        ),
        (
            (
                b" foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) "
                b"= (wait for it) fail\r\n      policy (A dot can go here) . (like that) expired"
                b"\r\n      (this surprised me) = (as I wasn't expecting it) 1362471462"
            ),
            [("dkim", "fail", [("policy", "expired", "1362471462")])],
        ),
        # What is met in the wild: no quotes, no type, a semicolon too many.
        (
            b" mx.google.com; dkim=pass header.i=@a.example header.b=aB/c+d==; x=y/z ;",
            [
                ("dkim", "pass", [("header", "i", "@a.example"), ("header", "b", "aB/c+d==")]),
                ("x", "y", []),
            ],
        ),
        (
            b" a.example; dmarc=pass action=none header.from=a.example;",
            [("dmarc", "pass", [("", "action", "none"), ("header", "from", "a.example")])],
        ),
        (
            b' a.example; spf=pass smtp.mailfrom="a;b"@b.example; auth=pass smtp.auth=D\\u',
            [
                ("spf", "pass", [("smtp", "mailfrom", '"a;b"@b.example')]),
                ("auth", "pass", [("smtp", "auth", "D\\u")]),
            ],
        ),
    ],
)
def test_fields_of_others_are_read(
    value: bytes, expected: list[tuple[str, str, list[tuple[str, str, str]]]]
) -> None:
    read = results.read(value)
    assert read is not None
    assert [
        (r.method, r.result, [(p.ptype, p.name, p.value) for p in r.properties])
        for r in read.resinfos
    ] == expected


def test_reason_and_comments_and_case_are_read() -> None:
    read = results.read(b' MX.a 1; DKIM=Pass (good (really) \\) one) reason="so \\"it\\" is"')
    assert read is not None
    (one,) = read.resinfos
    assert (one.method, one.result) == ("dkim", "pass")
    assert one.comment == "good (really) ) one"
    assert one.reason == 'so "it" is'
    assert read.authserv_id == "MX.a"


@pytest.mark.parametrize(
    "value",
    [b"", b" ", b" ;", b" (", b' "', b" a b; none", b" a 1 2; none", b" a@b; x=y", b"x" * 70_000],
)
def test_a_field_without_a_name_is_none(value: bytes) -> None:
    assert results.read(value) is None


def test_a_part_that_cannot_be_read_is_skipped_and_said() -> None:
    read = results.read(b' a; dkim; "x;y" z=; spf=pass smtp.mailfrom=b (; dkim=pass')
    assert read is not None
    assert not read.whole
    assert [(r.method, r.result) for r in read.resinfos] == [("spf", "pass")]


def test_none_among_results_is_not_whole() -> None:
    read = results.read(b" a; none; spf=pass")
    assert read is not None
    assert not read.whole
    assert [r.method for r in read.resinfos] == ["spf"]


@given(st.binary(max_size=300) | st.text(alphabet=' ;=.()"\\a1/@\r\n').map(str.encode))
def test_whatever_it_is_it_is_read_or_not(value: bytes) -> None:
    read = results.read(value)
    if read is not None:
        again = results.read(value_of(results.write(read.authserv_id, read.resinfos, utf8=True)))
        assert again is not None
        assert [r.result for r in again.resinfos] == [r.result for r in read.resinfos]


# -- forged fields --------------------------------------------------------------------------------

US = "mx.ours.example"
KEPT = b"Received: from a\r\n\tby b\r\nSubject: Authentication-Results: mx.ours.example\r\n"


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.ours.example; spf=pass",
        b"AUTHENTICATION-results:MX.Ours.EXAMPLE;spf=pass",
        b"Authentication-Results \t: mx.ours.example 1; spf=pass",
        b"Authentication-Results: mx.ours.example 99 (future); spf=pass",
        b"Authentication-Results: (a (nested\r\n one) \\) ) mx.ours.example; spf=pass",
        b"Authentication-Results:\r\n mx.ours.example;\r\n\tspf=pass\r\n x",
        b'Authentication-Results: "mx.ours.example"; spf=pass',
        b'Authentication-Results: "mx.o\\urs.example" 1; spf=pass',
        b'Authentication-Results: " mx.ours.example "; spf=pass',
        b"Authentication-Results: mx.ours.example.; spf=pass",
        b"Authentication-Results: mx.ours.example",
        "Authentication-Results: mx.ours。example; spf=pass".encode(),
        # What cannot be read, and mentions us.
        b"Authentication-Results: other.example mx.ours.example; spf=pass",
        b"Authentication-Results: mx.ours.example x; spf=pass",
        b'Authentication-Results: "mx.ours.example; spf=pass',
        b"Authentication-Results: (mx.ours.example; spf=pass",
        b"Authentication-Results: mx.ou\r\n rs.example; spf=pass",
        b"Authentication-Results: mx.(x)ours.example; spf=pass",
        b"Authentication-Results: ; mx.ours.example",
        b"Authentication-Results: mx.other.example (mx.ours.example; spf=pass",
        b"Authentication-Results: mx.ours.example=x; spf=pass",
    ],
)
def test_a_field_that_bears_our_name_is_taken_away(field: bytes) -> None:
    header = KEPT + field + b"\r\nX: y\r\n"
    assert results.strip(header, US) == KEPT + b"X: y\r\n"
    assert results.strip(field + b"\r\n" + KEPT, US.upper()) == KEPT
    assert results.strip(KEPT + field, US) == KEPT
    assert results.strip((field + b"\r\n") * 3 + KEPT, US) == KEPT


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.other.example; spf=pass smtp.helo=mx.ours.example",
        b"Authentication-Results: (mx.ours.example) mx.other.example; spf=pass",
        b"Authentication-Results: amx.ours.example; spf=pass",
        b"Authentication-Results: mx.ours.example.org; spf=pass",
        b"Authentication-Results: ours.example; spf=pass",
        b"Authentication-Results: broken (; spf=pass",
        b"ARC-Authentication-Results: i=1; mx.ours.example; spf=pass",
        b"X-Authentication-Results: mx.ours.example; spf=pass",
        b"Authentication-Results-X: mx.ours.example; spf=pass",
        b"X: a\r\n Authentication-Results: mx.ours.example; spf=pass",
        b"no field\r\nSubject: x\ry",
    ],
)
def test_every_other_field_stays_as_it_is(field: bytes) -> None:
    header = KEPT + field + b"\r\nX: y\r\n"
    assert results.strip(header, US) == header


def test_a_name_in_another_script_is_the_same_name() -> None:
    for said in ("posta.türkçe.example", "POSTA.xn--trke-2oa7j.example"):
        for ours in ("posta.türkçe.example", "posta.xn--trke-2oa7j.example"):
            for broken in ("", " x"):
                field = f"Authentication-Results: {said}{broken}; spf=pass\r\n".encode()
                assert results.strip(field, ours) == b""


@given(
    st.lists(
        st.sampled_from(
            [
                b"A: b",
                b" c",
                b"\t",
                b"junk",
                b"Authentication-Results: " + US.encode(),
                b"Authentication-Results: x",
                b"\rA",
                b"",
            ]
        )
    )
)
def test_only_whole_fields_go(lines: list[bytes]) -> None:
    header = b"".join(line + b"\r\n" for line in lines)
    left = results.strip(header, US)
    assert results.strip(left, US) == left
    assert left.count(b"A: b\r\n") == header.count(b"A: b\r\n")
    assert left.count(b"junk\r\n") == header.count(b"junk\r\n")


# -- Received-SPF ---------------------------------------------------------------------------------


def test_received_spf_tells_what_was_judged() -> None:
    octets = results.write_received_spf(Spf(mail_from="joe@a.example"), "mx.ours.example")
    assert octets.decode("ascii").split("\r\n") == [
        "Received-SPF: pass (mx.ours.example: The address 192.0.2.1 has the name",
        " a.example, and the name leads back to the address.)",
        ' receiver=mx.ours.example; client-ip="2001:db8::1";',
        ' envelope-from="joe@a.example"; helo=mx.a.example; identity=mailfrom;',
        ' mechanism="ip6:2001:db8::/32"',
        "",
    ]


def test_received_spf_tells_the_problem_and_the_default() -> None:
    finding = Spf(result="permerror", mechanism="", mail_from="", identity="helo", reasons=WHY[:1])
    octets = results.write_received_spf(finding, "mx")
    assert b'problem="The address 192.0.2.1 has no name in DNS (nxdomain)."' in octets
    assert b"mechanism" not in octets
    assert b"envelope-from" not in octets
    octets = results.write_received_spf(Spf(result="neutral", mechanism="", reasons=()), "mx")
    assert b"mechanism=default" in octets


@given(TEXTS, TEXTS)
def test_received_spf_is_one_field_whatever_the_client_says(helo: str, sender: str) -> None:
    octets = results.write_received_spf(Spf(helo=helo, mail_from=sender), "mx.ours.example")
    assert octets.isascii()
    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert octets.count(b"\n") == octets.count(b"\r") == len(lines)
