"""Every way in which a signature or its key can be wrong has a result and a reason."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.checks.dkim.wiring import (
    BODY,
    DOMAIN,
    ED,
    HEADER,
    NOW,
    RSA,
    ZONE,
    judged,
    keys,
    published,
    results,
    rsa_key,
    signed,
    zone_of,
)

from ulak.checks.dkim import Finding, Key, Limits, Signer, verify
from ulak.checks.dkim.canonical import Form, field
from ulak.checks.dkim.hashing import BodyHash
from ulak.checks.dkim.header import SignedHeader
from ulak.dns import Status, Zone
from ulak.dns.zone import Written

NAME = "ed._domainkey.example.org"
RECORD = published(ED)
P = RECORD.partition("p=")[2]


def made(
    tags: str,
    key: Key = ED,
    *,
    header: bytes = HEADER,
    body: bytes = BODY,
    covered: int | None = None,
) -> bytes:
    """Sign with tags of one's own choice; `{bh}` is put in, b= comes last."""
    hashed = BodyHash(Form.RELAXED, [covered])
    hashed.feed(body)
    hashed.finish()
    digest = hashed.digest(covered)
    assert digest is not None
    start = f"DKIM-Signature: {tags}; b=".replace("{bh}", base64.b64encode(digest).decode())
    signer = SignedHeader(header)
    names = re.search(r"\bh\s*=\s*([^;]*)", tags)
    listed = [name.strip().lower() for name in names[1].split(":")] if names else []
    octets = signer.octets(signer.selected(listed), Form.RELAXED)
    octets += field(start.encode() + b"\r\n", Form.RELAXED)[:-2]
    text = base64.b64encode(key.sign(octets))
    return start.encode() + text + b"\r\n" + header + b"\r\n" + body


GOOD = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed; h=from:subject; bh={bh}"


def one(message: bytes, zone: Zone = ZONE, **more: Any) -> Finding:
    (finding,) = judged(message, zone=zone, **more)
    return finding


def test_the_pattern_is_good() -> None:
    assert one(made(GOOD)).passed


@pytest.mark.parametrize(
    ("old", "new", "result", "key"),
    [
        ("v=1; ", "", "neutral", "tag-missing"),
        ("v=1", "v=2", "neutral", "version"),
        ("v=1", "v=1; v=1", "neutral", "tag-twice"),
        ("v=1", "v=1; junk", "neutral", "no-tag"),
        ("v=1", "v=1;;", "neutral", "no-tag"),
        ("v=1", "v=1; 3=4", "neutral", "no-tag"),
        ("v=1", "v=1; x-unknown=3", "neutral", "no-tag"),
        ("a=ed25519-sha256; ", "", "neutral", "tag-missing"),
        ("a=ed25519-sha256", "a=rsa-sha1", "permerror", "sha1"),
        ("a=ed25519-sha256", "a=rsa-md5", "neutral", "algorithm"),
        ("d=example.org", "d=", "neutral", "tag-missing"),
        ("d=example.org", "d=exa mple.org", "neutral", "unreadable"),
        ("d=example.org", "d=example.org(x)", "neutral", "unreadable"),
        ("d=example.org", "d=" + "a" * 64 + ".org", "neutral", "unreadable"),
        ("d=example.org", "d=" + ".".join(["a" * 60] * 4), "neutral", "unreadable"),
        ("d=example.org", "d=\udcff.org", "neutral", "unreadable"),
        ("s=ed", "s=", "neutral", "tag-missing"),
        ("s=ed", "s=a..b", "neutral", "unreadable"),
        ("s=ed", "s=absent", "permerror", "no-key"),
        ("h=from:subject", "h=subject", "permerror", "from-not-signed"),
        ("h=from:subject", "h=", "neutral", "tag-missing"),
        ("h=from:subject", "h=from::subject", "neutral", "unreadable"),
        ("h=from:subject", "h=from:sub ject", "neutral", "unreadable"),
        ("bh={bh}", "bh=", "neutral", "tag-missing"),
        ("bh={bh}", "bh=*", "neutral", "unreadable"),
        ("bh={bh}", "bh=AAA", "neutral", "unreadable"),
        ("c=relaxed/relaxed", "c=relaxed/tight", "neutral", "unreadable"),
        ("c=relaxed/relaxed", "c=", "neutral", "unreadable"),
        ("v=1", "v=1; l=x", "neutral", "unreadable"),
        ("v=1", "v=1; l=-1", "neutral", "unreadable"),
        ("v=1", "v=1; l=1_0", "neutral", "unreadable"),
        ("v=1", "v=1; l=" + "9" * 77, "neutral", "unreadable"),
        ("v=1", "v=1; l=" + "9" * 76, "permerror", "length-beyond"),
        ("v=1", "v=1; t=١", "neutral", "unreadable"),
        ("v=1", "v=1; t=1790000301", "policy", "not-yet"),
        ("v=1", "v=1; x=1789999699", "policy", "expired"),
        ("v=1", "v=1; t=1790000000; x=1790000000", "neutral", "never-valid"),
        ("v=1", "v=1; q=dns/other", "neutral", "query"),
        ("v=1", "v=1; i=example.org", "neutral", "unreadable"),
        ("v=1", "v=1; i=@", "neutral", "unreadable"),
        ("v=1", "v=1; i=@example.com", "permerror", "identity"),
        ("v=1", "v=1; i=@badexample.org", "permerror", "identity"),
    ],
)
def test_a_bad_tag_is_named(old: str, new: str, result: str, key: str) -> None:
    if old == "bh={bh}":
        message = made(GOOD.replace(old, new))
    else:
        message = made(GOOD).replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1)
    finding = one(message)
    assert finding.result == result
    assert key in keys(finding)
    assert all(str(reason) for reason in finding.reasons)


@pytest.mark.parametrize(
    "tags",
    [
        GOOD.replace("v=1", "v = 1").replace("; ", " ;\t"),
        GOOD + "; unknown=x y z",
        GOOD.replace("c=relaxed/relaxed", "c=Relaxed/RELAXED"),
        GOOD.replace("h=from:subject", "h= From : Subject : from : Reply-To"),
        GOOD.replace("d=example.org", "d=EXAMPLE.org"),
        GOOD + "; i=ada@example.org",
        GOOD + "; i=@deep.in.example.org",
        GOOD + "; i=a=20b@example.org",
        GOOD + "; q=x/y:dns/txt",
        GOOD + "; t=1790000300; x=1790000301",
        GOOD + "; x=1789999700",
        GOOD + "; t=0",
        GOOD + "; z=From:ada@example.org",
    ],
)
def test_what_is_allowed_passes(tags: str) -> None:
    finding = one(made(tags))
    assert finding.passed, [str(r) for r in finding.reasons]


@pytest.mark.parametrize(
    ("records", "result", "key"),
    [
        ([f"v=DKIM1; k=ed25519; p={P}"], "pass", "header-fits"),
        ([f"k=ed25519; p={P[:20]} \t{P[20:]}; n=a note; g=*; x=y"], "pass", "header-fits"),
        ([f"k=ed25519; h=sha1:SHA256; s=email:x; p={P};"], "pass", "header-fits"),
        ([f"k=ed25519; t=y; p={P}"], "pass", "testing"),
        ([f"k=ed25519; t=y:s; p={P}"], "pass", "testing"),
        (["v=spf1 -all", f"k=ed25519; p={P}"], "pass", "header-fits"),
        (
            [f"v=DKIM1; p={published(RSA).partition('p=')[2]}", f"k=ed25519; p={P}"],
            "pass",
            "header-fits",
        ),
        (
            [f"k=ed25519; p={base64.b64encode(b'q' * 32).decode()}", f"k=ed25519; p={P}"],
            "pass",
            "header-fits",
        ),
        ([], "permerror", "no-key"),
        (Status.NXDOMAIN, "permerror", "no-key"),
        (Status.NO_DATA, "permerror", "no-key"),
        (Status.SERVFAIL, "temperror", "dns.failed"),
        (Status.TIMEOUT, "temperror", "dns.failed"),
        (Status.MALFORMED, "temperror", "dns.failed"),
        (Status.REFUSED, "temperror", "dns.failed"),
        ([""], "permerror", "no-key-record"),
        (["v=spf1 -all"], "permerror", "no-key-record"),
        (["hello world"], "permerror", "no-tag"),
        (["k=ed25519"], "permerror", "no-key-record"),
        ([f"v=DKIM1.0; k=ed25519; p={P}"], "permerror", "no-key-record"),
        ([f"v=DKIM2; k=ed25519; p={P}"], "permerror", "no-key-record"),
        ([f"k=ed25519; p={P}; p={P}"], "permerror", "tag-twice"),
        (["k=ed25519; p="], "permerror", "revoked"),
        (["v=DKIM1; p= "], "permerror", "revoked"),
        ([f"p={P}"], "permerror", "other-key"),
        ([f"k=other; p={P}"], "permerror", "other-key"),
        ([f"k=ed25519; h=sha1; p={P}"], "permerror", "other-hash"),
        ([f"k=ed25519; s=tlsrpt; p={P}"], "permerror", "other-service"),
        (["k=ed25519; p=***"], "permerror", "key-no-base64"),
        (["k=ed25519; p=AAAA"], "permerror", "ed25519-length"),
        ([f"k=ed25519; p={base64.b64encode(b'q' * 32).decode()}"], "fail", "header-differs"),
        ([b"k=ed25519; n=\xff\xfe; p=" + P.encode()], "pass", "header-fits"),
        (["k=ed25519; n=" + "x" * 65_536 + f"; p={P}"], "permerror", "record-too-long"),
    ],
)
def test_a_key_record_is_read(records: list[Written] | Status, result: str, key: str) -> None:
    finding = one(made(GOOD), Zone({(NAME, "TXT"): records}))
    said = [reason.key for reason in finding.reasons]
    assert finding.result == result, list(map(str, finding.reasons))
    assert said[-1] == (key if "." in key else f"dkim.{key}")
    assert finding.trace[0].name == NAME
    assert finding.testing == ("t=y" in str(records))


def test_at_most_so_many_keys_are_tried() -> None:
    other = f"k=ed25519; p={base64.b64encode(b'q' * 32).decode()}"
    records: list[Written] = [other, other, other, other, RECORD]
    assert one(made(GOOD), Zone({(NAME, "TXT"): records})).result == "fail"
    assert one(made(GOOD), Zone({(NAME, "TXT"): records}), limits=Limits(keys=5)).passed


def test_a_key_of_another_curve_is_none_of_rsa() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for p in (base64.b64encode(octets).decode(), "AAAA", "MIGfMA0G"):
        zone = Zone({("rsa._domainkey.example.org", "TXT"): [f"v=DKIM1; p={p}"]})
        (finding,) = judged(signed(signer=Signer([RSA])), zone=zone)
        assert (finding.result, keys(finding)) == ("permerror", ["key-no-rsa"])


def test_both_ways_of_writing_an_rsa_key_are_read() -> None:
    octets = rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    p = base64.b64encode(octets).decode()
    zone = Zone({("rsa._domainkey.example.org", "TXT"): [f"v=DKIM1; k=rsa; p={p}"]})
    assert results(judged(signed(signer=Signer([RSA])), zone=zone)) == ["pass"]


@pytest.mark.parametrize(
    ("bits", "expected"), [(1024, "pass"), (4096, "pass"), (3072, "pass"), (1023, "policy")]
)
def test_rsa_keys_have_their_limits(bits: int, expected: str) -> None:
    key = Key(DOMAIN, "rsa", rsa_key(max(bits, 1024)))
    limits = Limits() if bits >= 1024 else Limits(shortest_key=1025)
    (finding,) = judged(signed(signer=Signer([key])), zone=zone_of(key), limits=limits)
    assert finding.result == expected
    if expected == "policy":
        assert keys(finding) == ["key-too-short"]
    else:
        assert finding.key_bits == bits


def test_strict_keys_want_the_very_domain() -> None:
    zone = Zone({(NAME, "TXT"): [f"k=ed25519; t=s; p={P}"]})
    assert one(made(GOOD), zone).passed
    assert one(made(GOOD + "; i=ada@example.org"), zone).passed
    below = one(made(GOOD + "; i=ada@lists.example.org"), zone)
    assert (below.result, keys(below)[-1]) == ("permerror", "strict")
    assert below.identity == "ada@lists.example.org"


def test_what_the_length_does_not_cover_is_counted() -> None:
    covered = len(b"Dear Grace,\r\n")
    message = made(GOOD + f"; l={covered}", covered=covered)
    finding = one(message)
    assert finding.passed
    assert (finding.length, finding.uncovered) == (covered, 42)
    assert keys(finding)[-1] == "uncovered"
    more = one(message + b"buy now\r\n")
    assert more.passed
    assert more.uncovered == 51
    assert one(message.replace(b"Dear", b"Dead")).result == "fail"


def test_a_length_of_the_whole_body_covers_it() -> None:
    body = b"hello\r\n"
    finding = one(made(GOOD + "; l=7", body=body, covered=7))
    assert (finding.passed, finding.uncovered) == (True, 0)
    assert keys(finding)[-1] == "header-fits"
    nothing = one(made(GOOD + "; l=0", covered=0))
    assert (nothing.passed, nothing.length) == (True, 0)


def test_a_second_from_is_not_vouched_for() -> None:
    message = made(GOOD)
    start = message.index(b"\r\nReceived:") + 2
    attack = message[:start] + b"From: Boss <boss@bank.example>\r\n" + message[start:]
    finding = one(attack)
    assert (finding.result, keys(finding)[-1]) == ("policy", "other-from")


def test_signed_absence_is_kept() -> None:
    message = made(GOOD.replace("h=from:subject", "h=from:subject:reply-to"))
    assert one(message).passed
    attack = message.replace(b"To: grace", b"Reply-To: x@bank.example\r\nTo: grace")
    assert keys(one(attack)) == ["signed", "body-fits", "header-differs", "field-added"]


def test_fields_of_one_name_are_taken_from_the_bottom() -> None:
    header = b"X-A: 1\r\nX-A: 2\r\nX-A: 3\r\nFrom: a@example.org\r\n"
    signer = SignedHeader(header)
    names = ["x-a", "from", "x-a", "x-b", "x-a", "x-a"]
    assert signer.selected(names) == [2, 3, 1, 0]
    assert signer.selected(["x-a", "x-a"], own=2) == [1, 0]


def test_a_signature_does_not_cover_itself() -> None:
    tags = GOOD.replace("h=from:subject", "h=from:subject:dkim-signature")
    assert one(made(tags)).passed
    two = made(tags, header=made(GOOD).partition(b"\r\n")[0] + b"\r\n" + HEADER)
    assert results(judged(two)) == ["pass", "pass"]


def test_a_domain_in_another_script_is_asked_for_in_ascii() -> None:
    key = Key("xn--bcher-kva.example", "ed", ED.private)
    zone = zone_of(key)
    for domain in ("xn--bcher-kva.example", "bücher.example", "BÜCHER.example"):
        finding = one(made(GOOD.replace("example.org", domain) + f"; i=ada@{domain}", key), zone)
        assert finding.passed, [str(r) for r in finding.reasons]
        assert finding.domain == "xn--bcher-kva.example"
        assert finding.identity == "ada@xn--bcher-kva.example"


def test_signatures_are_told_apart_by_their_beginnings() -> None:
    first, second = judged(signed())
    assert len(first.signature) == len(second.signature) == 8
    twice = judged(signed(signer=Signer([ED, ED])))
    assert twice[0].signature == twice[1].signature
    start = b"DKIM-Signature: v=1; d=example.org; s=ed; b=" + b"A" * 20
    alike = judged(start + b"B\r\n" + start + b"C\r\n" + HEADER + b"\r\n")
    assert [finding.signature for finding in alike] == ["A" * 20 + "B", "A" * 20 + "C"]


def test_questions_are_asked_at_once() -> None:
    class Meeting:
        """Answers only when both questions are there."""

        def __init__(self) -> None:
            self.barrier = asyncio.Barrier(2)

        async def resolve(self, name: str, kind: str) -> Any:
            await self.barrier.wait()
            return await ZONE.resolve(name, kind)

    async def together() -> tuple[Finding, ...]:
        return await verify(Meeting(), signed(), now=NOW, gather=asyncio.gather)

    assert results(asyncio.run(together())) == ["pass", "pass"]


def test_nothing_is_found_where_nothing_is_signed() -> None:
    for message in (HEADER + b"\r\n" + BODY, b"", b"\r\n", b"\r\nDKIM-Signature: v=1\r\n", b"x"):
        assert judged(message) == ()
