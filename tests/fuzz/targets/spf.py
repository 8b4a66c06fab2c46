"""SPF (RFC 7208): whatever strangers publish and say, there is a result after few questions."""

from __future__ import annotations

import asyncio

from tests.fuzz.octets import Octets

from ulak.checks.reason import packed, unpacked
from ulak.checks.spf import Result, check, parse, review, select, survey
from ulak.dns.records import MX, Answer, Record, Status

_STATUSES = (Status.OK,) * 5 + (Status.NO_DATA, Status.NXDOMAIN, Status.TIMEOUT)
_ADDRESSES = {"A": ("192.0.2.1", "203.0.113.9"), "AAAA": ("2001:db8::1", "2001:db8:f::9")}
_NAMES = ("example.org", "mail.example.org", "a.example", "")
_CLIENTS = ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "203.0.113.200")
_MOST_QUESTIONS = 1 + 10 * 11 + 11 + 1
_MOST_OF_A_SURVEY = 31 + 2 * 60


class Told:
    """A resolver of a stranger: what a name has depends on its length and on a few octets."""

    def __init__(self, texts: list[bytes], salt: bytes) -> None:
        self._texts, self._salt = texts, salt
        self.asked: list[str] = []

    async def resolve(self, name: str, kind: str) -> Answer:
        """Answer as the input says."""
        self.asked.append(name)
        lot = self._salt[len(name) % len(self._salt)] if self._salt else 0
        status = _STATUSES[lot % len(_STATUSES)]
        if status is not Status.OK:
            return Answer(name, kind, status)
        records: tuple[Record, ...]
        if kind == "TXT":
            records = (self._texts[(len(name) + lot) % len(self._texts)],) * (1 + (lot == 0xFF))
        elif kind == "MX":
            records = tuple(MX(n, _NAMES[n % 4]) for n in range(lot % 12))
        elif kind == "PTR":
            records = tuple(f"h{n}.example.org" for n in range(lot % 12))
        else:
            records = _ADDRESSES[kind][: 1 + lot % 2]
        return Answer(name, kind, Status.OK if records else Status.NO_DATA, records)


def one(data: bytes) -> None:
    given = Octets(data)
    ip = given.choice(_CLIENTS)
    salt = bytes(given.number(255) for _ in range(given.number(7)))
    null = given.flag()
    record, _, rest = given.rest().partition(b"\n")
    text, _, sender = rest.partition(b"\n")
    texts = [b"v=spf1 " + record, text or b"v=spf1 " + record]
    mail_from = "" if null else (sender.decode("utf-8", "replace") or "ada@example.org")
    told = Told(texts, salt)
    finding = asyncio.run(
        check(told, ip=ip, helo="mail.example.org", mail_from=mail_from, receiver="mx", now=1.5)
    )
    assert finding.result in Result
    assert len(told.asked) <= _MOST_QUESTIONS
    assert all(name and name.isascii() and len(name) <= 253 for name in told.asked)
    assert finding.lookups <= 10
    assert finding.void_lookups <= 3
    assert finding.explanation.isascii()
    assert finding.explanation.isprintable()
    assert not finding.explanation or finding.result is Result.FAIL
    assert finding.mechanism in finding.record
    assert unpacked(packed(finding.reasons)) == finding.reasons
    for reason in finding.reasons:
        assert reason.text().isprintable()
        assert reason.text("tr").isprintable()
    if finding.result is Result.PASS:
        assert not parse(finding.record).mistakes
        assert finding.mechanism
    for chosen in select(texts):
        assert parse(chosen) == parse(chosen)
        assert all(reason.text("tr").isprintable() for reason in review(parse(chosen)))
    told.asked.clear()
    asyncio.run(survey(told, domain="example.org"))
    assert len(told.asked) <= _MOST_OF_A_SURVEY
