"""What it costs to judge who sent a message, and to sign one: `python -m bench authentication`.

CPU of this process alone, best of several rounds, DNS answered from a warm cache. dkimpy does the
same message in the same run; it is given its answers from a table, which is less than a cache.
"""

from __future__ import annotations

import base64
import importlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.figures import Row
from ulak.checks import dkim, dmarc, spf
from ulak.dns import Zone
from ulak.dns.cache import Cache
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer
from ulak.mail.message import split

T = TypeVar("T")
_ROUNDS, _TIMES = 7, 100
_NOW = 1_790_000_000.0
_IP, _DOMAIN = "192.0.2.1", "mail.example.org"
_FROM = f"newsletter@{_DOMAIN}"
_HEADER = (
    "Received: from out.example.org (out.example.org [192.0.2.1])\r\n"
    "\tby relay.example.org (Postfix) with ESMTPS id 4ABCDEF\r\n"
    "\tfor <grace@example.net>; Mon, 16 Nov 2026 12:00:00 +0000 (UTC)\r\n"
    "Received: by app.example.org; Mon, 16 Nov 2026 11:59:58 +0000\r\n"
    f"From: =?utf-8?q?Ada_L=2E?= <{_FROM}>\r\n"
    "To: Grace <grace@example.net>\r\n"
    "Reply-To: ada@example.org\r\n"
    "Subject: =?utf-8?q?Notes_on_the_engine_and_on_what_it_may_weave?=\r\n"
    " =?utf-8?q?_when_nobody_looks?=\r\n"
    "Date: Mon, 16 Nov 2026 11:59:57 +0000\r\n"
    "Message-ID: <20261116115957.4711@app.example.org>\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="b1_42"\r\n'
    "List-Unsubscribe: <https://example.org/leave?u=42>\r\n"
    "X-Mailer: app 4.2\r\n"
).encode()
_LINE = b"The engine weaves algebraic patterns, just as the loom weaves flowers and leaves.\r\n"
_BASE64 = base64.b64encode(_LINE[:57]) + b"\r\n"
_TEXT, _FILE = b"--b1_42\r\nContent-Type: text/", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_BODY = (
    _TEXT
    + b"plain\r\n\r\n"
    + _LINE * 60
    + _TEXT
    + b"html"
    + _FILE
    + _BASE64 * 62
    + b"--b1_42--\r\n"
)


class _Warm:
    """A resolver whose cache has everything after the first time."""

    def __init__(self, zone: Zone) -> None:
        self._zone, self._cache = zone, Cache()

    async def resolve(self, name: str, kind: str) -> Answer:
        asked = to_ascii(name) or ""
        known = self._cache.get(asked, kind, _NOW)
        if known is None:
            known = await self._zone.resolve(asked, kind)
            self._cache.put(known, _NOW)
        return known


def rows() -> list[Row]:
    """Measure everything once."""
    found: list[Row] = []
    for key in (
        dkim.Key(_DOMAIN, "ed", ed25519.Ed25519PrivateKey.generate()),
        dkim.Key(_DOMAIN, "rsa", rsa.generate_private_key(65537, 2048)),
    ):
        found += _judging(key)
        found += _signing(key)
        found += _large(key)
    return found


def _judging(key: dkim.Key) -> list[Row]:
    zone = _zone(key)
    resolver = _Warm(zone)
    message = dkim.Signer([key]).sign(_HEADER, _BODY, _NOW) + _HEADER + b"\r\n" + _BODY
    header, _ = split(message)
    theirs: Any = importlib.import_module("dkim")
    record = _published(key).encode()

    async def everything() -> dmarc.Finding:
        signatures = await dkim.verify(resolver, message, now=_NOW)
        sender = await spf.check(resolver, ip=_IP, helo="out.example.org", mail_from=_FROM)
        return await dmarc.check_header(resolver, header=header, spf=sender, dkim=signatures)

    if _driven(everything()).result != "pass" or not theirs.verify(
        message, dnsfunc=lambda *_a, **_k: record
    ):
        message_ = "the message of the benchmark does not pass"
        raise RuntimeError(message_)
    other = _best(lambda: theirs.verify(message, dnsfunc=lambda *_a, **_k: record))
    alone = _best(lambda: _driven(dkim.verify(resolver, message, now=_NOW)))
    whole = _best(lambda: _driven(everything()))
    name = f"{key.algorithm}: {len(message)} octets, "
    return [
        (name + "DKIM", f"{alone:.3f} ms, dkimpy {other:.3f} ms ({other / alone:.1f} x)"),
        (name + "DKIM, SPF and DMARC", f"{whole:.3f} ms ({other / whole:.1f} x dkimpy's DKIM)"),
    ]


def _signing(key: dkim.Key) -> list[Row]:
    signer = dkim.Signer([key])
    private = key.private
    pad, digest = padding.PKCS1v15(), hashes.SHA256()
    octets = _HEADER[:1000]
    bare = _best(
        (lambda: private.sign(octets, pad, digest))
        if isinstance(private, rsa.RSAPrivateKey)
        else (lambda: private.sign(octets[:32]))
    )
    ours = _best(lambda: signer.sign(_HEADER, _BODY, _NOW))
    text = f"{ours:.3f} ms, {ours / bare:.2f} x the bare call ({bare:.3f} ms)"
    return [(f"{key.algorithm}: signing", text)]


def _large(key: dkim.Key) -> list[Row]:
    """Verify messages of 1, 10 and 50 MB; then one whose body was changed, with the second look."""
    resolver = _Warm(_zone(key))
    found: list[Row] = []
    for megabytes in (1, 10, 50):
        body = _LINE * (megabytes * 1_000_000 // len(_LINE))
        message = dkim.Signer([key]).sign(_HEADER, body, _NOW) + _HEADER + b"\r\n" + body
        for what, octets in (("", message), (", changed", message + b"more\r\n")):
            spent = _best(lambda m=octets: _driven(dkim.verify(resolver, m, now=_NOW)), 3, 1)  # type: ignore[misc] # mypy gives no type to a lambda's default
            found.append(
                (
                    f"{key.algorithm}: {megabytes} MB{what}",
                    f"{spent:.1f} ms, {spent / megabytes:.2f} ms/MB",
                )
            )
    return found


def _zone(key: dkim.Key) -> Zone:
    return Zone(
        {
            (f"{key.selector}._domainkey.{_DOMAIN}", "TXT"): [_published(key)],
            (_DOMAIN, "TXT"): ["v=spf1 mx include:_spf.example.org ~all"],
            (_DOMAIN, "MX"): [(10, "in.example.org")],
            ("in.example.org", "A"): ["192.0.2.9"],
            ("_spf.example.org", "TXT"): ["v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/28 -all"],
            ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject; rua=mailto:d@example.org"],
        }
    )


def _published(key: dkim.Key) -> str:
    public = key.private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(public.public_bytes_raw()).decode()}"


def _driven(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what never waits: the time of an event loop is not what is measured."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    message = "a warm cache does not let anybody wait"
    raise RuntimeError(message)


def _best(work: Callable[[], object], rounds: int = _ROUNDS, times: int = _TIMES) -> float:
    """Give the milliseconds of CPU for one turn in the best round."""
    work()
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            work()
        spent.append((time.process_time() - begun) / times * 1000)
    return min(spent)
