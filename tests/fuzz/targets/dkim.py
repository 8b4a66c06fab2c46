"""Signatures and key records (RFC 6376): whatever they say, they are judged, in any pieces."""

from __future__ import annotations

from tests.fuzz.octets import Octets, pieces

from ulak.checks.dkim import Finding, Limits, Reading, Result, verify
from ulak.checks.dkim.canonical import Form, body, field
from ulak.dns.records import Answer, Status
from ulak.mail.message import split

_LIMITS = Limits(signatures=3, trials=4)
_ED = b"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_RSA = (
    b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdO"
    b"Kb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9Pzo"
    b"xZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
_STARTS = (
    b"",
    b"DKIM-Signature: v=1; a=ed25519-sha256; d=a.b; s=s; h=from; c=relaxed/relaxed;bh=AAAA;b=AAAA;",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=a.b; s=s; h=from:subject; bh=AAAA; b=AAAA;",
)


class Same:
    """Answers every question with one record."""

    def __init__(self, record: bytes) -> None:
        self.record = record

    async def resolve(self, name: str, kind: str) -> Answer:
        return Answer(name, kind, Status.OK, (self.record,))


def judged(resolver: Same, message: bytes, parts: list[bytes]) -> tuple[Finding, ...]:
    """Judge in pieces, and have a second look where there is one."""

    async def all_of_it() -> tuple[Finding, ...]:
        reading = Reading(split(message)[0], now=1e9, limits=_LIMITS)
        for part in parts:
            reading.feed(part)
        findings = await reading.judge(resolver)
        again = reading.again()
        if again is None:
            return findings
        for part in parts:
            again.feed(part)
        return again.explain(findings)

    return driven(all_of_it())


def driven(coroutine: object) -> tuple[Finding, ...]:
    try:
        coroutine.send(None)  # type: ignore[attr-defined] # a coroutine, to the caller an awaitable
    except StopIteration as end:
        found: tuple[Finding, ...] = end.value
        return found
    raise AssertionError


def one(data: bytes) -> None:
    given = Octets(data)
    places = given.places()
    resolver = Same(given.choice((_ED, _RSA, b"")))
    start = given.choice(_STARTS)
    record, cut, rest = given.rest().partition(b"\0\0")
    message = start + (rest if cut else record)
    if cut:
        resolver.record = record

    whole = driven(verify(resolver, message, now=1e9, limits=_LIMITS))
    octets = split(message)[1]
    assert judged(resolver, message, pieces(octets, places)) == whole
    assert len(whole) <= _LIMITS.signatures + 1
    for finding in whole:
        assert finding.result in Result
        assert finding.result is not Result.PASS
        assert finding.reasons
        assert finding.domain.isascii()
        for reason in finding.reasons:
            for language in ("en", "tr"):
                text = reason.text(language)
                assert "\r" not in text
                assert "\n" not in text

    for form in Form:
        made = body(form)
        cutting = b"".join([b"".join(made.feed(part)) for part in pieces(octets, places)])
        cutting += b"".join(made.finish())
        again = body(form)
        assert b"".join(again.feed(cutting)) + b"".join(again.finish()) == cutting or not cutting
    for line in octets.split(b"\r\n")[:3]:
        once = field(b"x:" + line + b"\r\n", Form.RELAXED)
        assert field(once, Form.RELAXED) == once
