"""An answer of DNS (RFC 1035 §4): whatever comes, it is an answer, and it is soon read."""

from __future__ import annotations

from tests.fuzz.octets import Octets

from ulak.dns import wire
from ulak.dns.records import MX, Answer, Status

_KINDS = ("A", "AAAA", "MX", "TXT", "CNAME", "PTR", "NS", "TLSA", "SOA")
_QUESTIONS = {kind: wire.question("example.org", kind, 0x1234) for kind in _KINDS}


def one(data: bytes) -> None:
    given = Octets(data)
    kind = given.choice(_KINDS)
    raw = given.flag()
    octets = given.rest()
    query = _QUESTIONS[kind]
    if not raw:  # what follows the question of an answer that belongs to it
        head = query[:2] + (octets[:10] + b"\0" * 10)[:10]
        octets = head[:4] + b"\0\1" + head[6:] + query[12:29] + octets[10:]
    if wire.belongs(octets, query):
        wire.truncated(octets)
        wire.lacks_edns(octets)
    answer, onward = wire.read(octets, "example.org", kind)
    assert isinstance(answer, Answer)
    assert answer.status in Status
    assert answer.ttl >= 0
    assert onward.isascii()
    assert onward.isprintable()
    assert answer.canonical.isprintable()
    assert answer.detail.isprintable()
    assert len(answer.detail) < 300
    assert len(answer.records) <= wire.MOST_RECORDS
    assert bool(answer.records) == (answer.status is Status.OK)
    for record in answer.records:
        if isinstance(record, MX):
            assert record.exchange.isprintable()
        elif isinstance(record, str):
            assert record.isprintable()
