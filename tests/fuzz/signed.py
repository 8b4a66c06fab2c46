"""Messages and key records that would hurt a careless verifier of DKIM, and one that signs."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fuzz.octets import pieces

from ulak.checks.dkim import Key, Limits, Reading, Signer, key
from ulak.dns.records import Answer, Status
from ulak.mail.message import split

Work = Callable[[], object]

_RECORD = b"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_FIELD = b"DKIM-Signature: v=1; a=ed25519-sha256; d=a.b; s=s; c=%s; h=from%s; bh=AAAA; b=AAAA%s\r\n"
_FROM = b"From: a@a.b\r\n"
_KEY = Key("a.b", "s", Ed25519PrivateKey.from_private_bytes(b"\7" * 32))
_LARGE = 10**9


class _Same:
    def __init__(self, record: bytes) -> None:
        self.record = record

    async def resolve(self, name: str, kind: str) -> Answer:
        return Answer(name, kind, Status.OK, (self.record,))


def verified(message: bytes, record: bytes = _RECORD, *, cut: int = 1 << 16) -> Work:
    """Judge a message with limits that are not in the way, and look a second time."""
    limits = Limits(field=_LARGE, record=_LARGE, compared=_LARGE)

    def work() -> None:
        key.read.cache_clear()  # as if nobody had sent before
        header, body = split(message)
        reading = Reading(header, now=1e9, limits=limits)
        parts = pieces(body, tuple(range(cut, len(body), cut))) if cut > 1 else pieces(body, (-1,))
        for part in parts:
            reading.feed(part)
        judging = reading.judge(_Same(record))
        try:
            judging.send(None)
        except StopIteration as end:
            findings = end.value
        again = reading.again()
        if again is not None:
            for part in parts:
                again.feed(part)
            again.explain(findings)

    return work


def field(form: bytes = b"relaxed/relaxed", names: bytes = b"", more: bytes = b"") -> bytes:
    return _FIELD % (form, names, more)


def body(octets: bytes, form: bytes = b"relaxed/relaxed", *, cut: int = 1 << 16) -> Work:
    return verified(field(form) + _FROM + b"\r\n" + octets, cut=cut)


def signed(header: bytes, octets: bytes) -> Work:
    return lambda: Signer([_KEY]).sign(header, octets, 1e9)


SHAPES: dict[str, Callable[[int], Work]] = {
    "signatures": lambda n: verified(field() * (n // 90) + _FROM + b"\r\n"),
    "names in h=": lambda n: verified(field(names=b":x" * (n // 2)) + _FROM + b"\r\n"),
    "names in h= that are there": lambda n: verified(
        field(names=b":x" * (n // 8)) + _FROM + b"X: y\r\n" * (n // 8) + b"\r\n"
    ),
    "tags": lambda n: verified(
        field(more=b"".join(b"; t%d=" % i for i in range(n // 8))) + _FROM + b"\r\n"
    ),
    "a long tag": lambda n: verified(field(more=b"; y=" + b"= " * (n // 2)) + _FROM + b"\r\n"),
    "white space in b=": lambda n: verified(field(more=b" \t" * (n // 2)) + _FROM + b"\r\n"),
    "folds in a signature": lambda n: verified(field(more=b"\r\n " * (n // 3)) + _FROM + b"\r\n"),
    "copied fields": lambda n: verified(field(more=b"; z=" + b"a:b|" * (n // 4)) + _FROM + b"\r\n"),
    "a domain of labels": lambda n: verified(
        field().replace(b"d=a.b", b"d=" + b"a." * (n // 2) + b"b") + _FROM + b"\r\n"
    ),
    "an identity": lambda n: verified(field(more=b"; i=" + b"@" * n + b"@a.b") + _FROM + b"\r\n"),
    "a subject of prefixes": lambda n: verified(
        field(names=b":subject") + _FROM + b"Subject: " + b"[x] " * (n // 4) + b"\r\n\r\n"
    ),
    "a subject of brackets": lambda n: verified(
        field(names=b":subject") + _FROM + b"Subject: " + b"[" * n + b"\r\n\r\n"
    ),
    "a key record of tags": lambda n: verified(
        field() + _FROM + b"\r\n", b"".join(b"t%d=; " % i for i in range(n // 8)) + _RECORD
    ),
    "a key record of white space": lambda n: verified(
        field() + _FROM + b"\r\n", b"p=" + b" \t" * (n // 2)
    ),
    "a body, octet by octet": lambda n: body(b"text \t x\r\n" * (n // 10), cut=1),
    "a body of one line, octet by octet": lambda n: body(b"x" * n, cut=1),
    "empty lines of a body, octet by octet": lambda n: body(b"\r\n" * (n // 2) + b"x", cut=1),
    "white space, octet by octet": lambda n: body(b" \t" * (n // 2), b"simple/simple", cut=1),
    "white space": lambda n: body(b" \t" * (n // 2) + b"x\r\n"),
    "CRs and LFs": lambda n: body(b"\r\n\n\r\r\n" * (n // 6), b"simple/simple"),
    "boundaries": lambda n: body(b"--b\r\n" * (n // 5) + b"--b--\r\n"),
    "nested parts": lambda n: body(
        b"".join(b"--b%d\r\nContent-Type: multipart/mixed\r\n\r\n" % i for i in range(n // 40))
    ),
    "a message to sign": lambda n: signed(_FROM + b"X: y\r\n" * (n // 12), b"x \r\n" * (n // 8)),
    "a header to sign": lambda n: signed(_FROM + b"To: y\r\n" * (n // 7), b""),
}
