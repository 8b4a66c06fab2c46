"""A small internet to diagnose: domains that are well, have mistakes, lie, and do not answer."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ed25519

from ulak.checks import arc
from ulak.checks.arc import Sealer
from ulak.checks.dkim import Key, Signer
from ulak.dns import Status, Zone
from ulak.dns.zone import Written
from ulak.mail import message as mail

NOW = 1_790_000_000.0
MX = "192.0.2.25"
FORGER = "198.51.100.66"

_PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
_PUBLIC = base64.b64encode(_PRIVATE.public_key().public_bytes_raw()).decode()
_LIST = Key("list.example", "seal", _PRIVATE)
SIGNER = Signer((Key("well.example", "s1", _PRIVATE),))


def zone() -> Zone:
    """Make it anew."""
    return Zone(
        {
            # A domain as it should be.
            ("well.example", "MX"): [(10, "mx.well.example")],
            ("well.example", "TXT"): ["v=spf1 mx -all"],
            ("mx.well.example", "A"): [MX],
            ("25.2.0.192.in-addr.arpa", "PTR"): ["mx.well.example"],
            ("_dmarc.well.example", "TXT"): ["v=DMARC1; p=reject; rua=mailto:reports@well.example"],
            ("s1._domainkey.well.example", "TXT"): [f"v=DKIM1; k=ed25519; p={_PUBLIC}"],
            ("seal._domainkey.list.example", "TXT"): [f"v=DKIM1; k=ed25519; p={_PUBLIC}"],
            ("_mta-sts.well.example", "TXT"): ["v=STSv1; id=20261127"],
            ("_smtp._tls.well.example", "TXT"): ["v=TLSRPTv1; rua=mailto:tls@well.example"],
            # One with a mistake wherever one can be.
            ("ill.example", "MX"): [(10, "gone.ill.example"), (5, "mx.ill.example")],
            ("mx.ill.example", "A"): ["203.0.113.5"],
            ("ill.example", "TXT"): ["v=spf1 ip4:203.0.113.300 includes:x.example -all"],
            ("_dmarc.ill.example", "TXT"): [
                "v=DMARC1; p=quarantine; pct=50; adkim=x; rua=reports@ill.example"
            ],
            ("old._domainkey.ill.example", "TXT"): ["v=DKIM1; p="],
            # One that nobody answers for, and one that takes no mail.
            ("silent.example", "*"): Status.TIMEOUT,
            ("_dmarc.silent.example", "*"): Status.TIMEOUT,
            ("_mta-sts.silent.example", "*"): Status.TIMEOUT,
            ("_smtp._tls.silent.example", "*"): Status.TIMEOUT,
            ("nomail.example", "MX"): [(0, "")],
            ("nomail.example", "TXT"): ["v=spf1 -all"],
            ("_dmarc.nomail.example", "TXT"): ["v=DMARC1; p=reject"],
            # Lists: one that works, one that refuses to answer, one that has everybody.
            ("2.0.0.127.bl.example", "A"): ["127.0.0.2"],
            ("66.100.51.198.bl.example", "A"): ["127.0.0.4"],
            ("66.100.51.198.bl.example", "TXT"): ["see https://bl.example/198.51.100.66"],
            ("*.deaf.example", "A"): ["127.255.255.254"],
            ("*.all.example", "A"): ["127.0.0.2"],
            # Lists as there are, of which most are not here at all.
            **lists(),
            # The host of a forger.
            ("66.100.51.198.in-addr.arpa", "PTR"): ["dsl66.isp.example"],
            ("dsl66.isp.example", "A"): ["198.51.100.67"],
        }
    )


def lists() -> dict[tuple[str, str], list[Written] | Status]:
    """Give entries of lists that are known: for the forger, and for who has bad neighbours."""
    forger, neighbour = "66.100.51.198", "25.2.0.192"
    return {
        **{
            (f"2.0.0.127.{zone}", "A"): ["127.0.0.2"]
            for zone in (
                "zen.spamhaus.org",
                "bl.spamcop.net",
                "dnsbl-1.uceprotect.net",
                "dnsbl-2.uceprotect.net",
                "dnsbl-3.uceprotect.net",
                "psbl.surriel.com",
                "all.spamrats.com",
                "list.dnswl.org",
                "bl.nordspam.com",
                "hostkarma.junkemailfilter.com",
            )
        },
        ("dbltest.com.dbl.spamhaus.org", "A"): ["127.0.1.2"],
        ("forger.example.dbl.spamhaus.org", "A"): ["127.0.1.4"],
        ("test.surbl.org.multi.surbl.org", "A"): ["127.0.0.254"],
        ("forger.example.multi.surbl.org", "A"): ["127.0.0.72"],
        ("*.multi.uribl.com", "A"): ["127.0.0.1"],
        (f"{forger}.zen.spamhaus.org", "A"): ["127.0.0.4", "127.0.0.11"],
        (f"{forger}.all.spamrats.com", "A"): ["127.0.0.36"],
        (f"{forger}.bl.nordspam.com", "A"): ["127.0.0.77"],
        (f"{forger}.hostkarma.junkemailfilter.com", "A"): ["127.0.0.3"],
        ("*.b.barracudacentral.org", "A"): Status.REFUSED,
        ("*.bl.score.senderscore.com", "A"): ["127.255.255.255"],
        # A dead zone that belongs to somebody else now.
        ("*.bl.0spam.org", "A"): ["203.0.113.80"],
        (f"{neighbour}.dnsbl-3.uceprotect.net", "A"): ["127.0.0.2"],
        (f"{neighbour}.list.dnswl.org", "A"): ["127.0.5.2"],
    }


def tangled() -> Zone:
    """Make a domain whose mistakes are of every kind that only shows behind the first look."""
    return Zone(
        {
            ("a.example", "MX"): [(10, "mx1.a.example"), (20, "mx2.a.example")],
            ("mx1.a.example", "A"): ["192.0.2.1"],
            ("1.2.0.192.in-addr.arpa", "PTR"): ["mx1.a.example"],
            ("mx2.a.example", "CNAME"): ["host.b.example"],
            ("host.b.example", "A"): ["10.0.0.1"],
            ("a.example", "TXT"): [
                "v=spf1 include:_spf.b.example include:c.example include:gone.example a mx ptr ~all"
            ],
            ("_spf.b.example", "TXT"): ["v=spf1 include:_n1.b.example include:_n2.b.example ~all"],
            ("_n1.b.example", "TXT"): ["v=spf1 ip4:192.0.2.0/24 a:nope.b.example ~all"],
            ("_n2.b.example", "TXT"): ["v=spf1 ip6:2001:db8::/32 mx ~all"],
            ("c.example", "TXT"): ["v=spf1 exists:c.example a -all"],
            ("c.example", "A"): ["192.0.2.9"],
            ("selector1._domainkey.a.example", "TXT"): ["v=DKIM1; p="],
            ("_dmarc.a.example", "TXT"): ["v=DMARC1; p=none; rua=mailto:r@reports.example"],
            ("_mta-sts.a.example", "TXT"): ["v=STSv1; id=2"],
            ("a.example", "SOA"): ["ns.a.example. host.a.example. 1 2 3 4 5"],
            ("a.example", "NS"): ["ns.a.example"],
            ("a.example", "DS"): ["1 13 2 abcd"],
            ("_25._tcp.mx1.a.example", "TLSA"): ["3 1 1 " + "ab" * 32],
            ("default._bimi.a.example", "TXT"): ["v=BIMI1; l=https://a.example/l.svg"],
        }
    )


HEADER = (
    b"From: Ada <ada@well.example>\r\n"
    b"To: grace@example.net\r\n"
    b"Subject: Notes on the engine\r\n"
    b"Date: Mon, 16 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@well.example>\r\n"
)
BODY = b"Dear Grace,\r\n\r\nit weaves algebraic patterns.\r\n"
TRACE = (
    b"Return-Path: <ada@well.example>\r\n"
    b"Received: from mx.well.example (mx.well.example [192.0.2.25])\r\n"
    b"\tby mx.example.net with ESMTPS id 1; Mon, 16 Nov 2026 12:00:01 +0000\r\n"
)
FORGED = (
    b"Return-Path: <bounce@isp.example>\r\n"
    b"Received: from well.example ([198.51.100.66])\r\n"
    b"\tby mx.example.net with ESMTP id 2; Mon, 16 Nov 2026 12:00:01 +0000\r\n"
)


def genuine() -> bytes:
    """Give a message that its domain signed and sent."""
    return TRACE + SIGNER.sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY


def changed() -> bytes:
    """Give the same message after a mailing list has put its words below."""
    return genuine() + b"-- \r\nThe list, https://list.example/\r\n"


def sealed() -> bytes:
    """Give it as a list passes it on that has sealed what it found before it changed it."""
    header, body = mail.split(changed())
    said = arc.Finding(arc.Result.NONE)
    return Sealer(_LIST, "mx.list.example").seal(header, body, said, (), NOW) + changed()


def forged() -> bytes:
    """Give a message that somebody else wrote."""
    return FORGED + HEADER + b"\r\n" + BODY
