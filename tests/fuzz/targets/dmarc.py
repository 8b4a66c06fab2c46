"""DMARC (RFC 9989): any record, any author and any answer give a finding, and little work."""

from __future__ import annotations

import asyncio

from tests.fuzz.octets import Octets

from ulak.checks.dmarc import Finding, Result, authors, check_header
from ulak.checks.dmarc.author import MOST
from ulak.checks.dmarc.record import Policy, is_record, read
from ulak.diagnose import zonefile
from ulak.diagnose.message import Envelope, sources
from ulak.dns.records import Answer, Status

_RECORD = b"v=DMARC1; p=reject"


class Liar:
    """Answers every question with what the fuzzer gave."""

    def __init__(self, records: tuple[bytes, ...]) -> None:
        self._records = records
        self.asked = 0

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked += 1
        status = Status.OK if self._records else Status.NXDOMAIN
        return Answer(name, kind, status, self._records)


def one(data: bytes) -> None:
    given = Octets(data)
    of_a_header = given.flag()
    octets = given.rest()
    if of_a_header:
        header = b"From: " + octets + b"\r\n"
        domains = authors(header)
        assert len(domains) <= MOST
        assert all(domain.isascii() and domain for domain in domains)
        judged(header, (_RECORD,))
        sources(b"Received: " + octets + b"\r\nReturn-Path: " + octets + b"\r\n\r\n", Envelope())
        return
    found = read(octets)
    assert (found is not None) == is_record(octets)
    judged(b"From: x@a.b.example\r\n", (octets,))
    judged(b"From: x@a.b.example\r\n", (b"x", octets, octets))
    if found is None:
        return
    assert found.text.isascii()
    assert found.text.isprintable()
    assert len(found.mistakes) <= 20
    again = read(zonefile.dmarc(found).encode("ascii"))
    assert again is not None
    assert {uri.uri for uri in again.rua} == {uri.uri for uri in found.rua}
    if found.sound:
        assert again.asks(below=True) == found.asks(below=True)


def judged(header: bytes, records: tuple[bytes, ...]) -> None:
    """Judge a header; whatever DNS says, there is a finding with reasons in every language."""
    liar = Liar(records)
    finding = asyncio.run(check_header(liar, header=header))
    assert isinstance(finding, Finding)
    assert finding.result in Result
    assert isinstance(finding.policy, Policy)
    assert finding.result is not Result.PASS
    assert liar.asked <= MOST * 9
    assert finding.reasons
    for language in ("en", "tr"):
        for reason in finding.reasons:
            assert "{" not in reason.text(language) or "{" in str(dict(reason.facts))
