"""Domains of the lab that send mail, honestly and not, and the mail that they sign.

Everybody sends from an address of this machine, `HONEST_IP` with a name in DNS, any other without.
What a domain publishes says how its mail is to be judged (RFC 7208, RFC 6376, RFC 9989).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ulak.checks.dkim import Key, Signer
from ulak.dns.records import Status
from ulak.dns.zone import Written

HONEST_IP = "127.0.0.21"
"""From here the honest send; the name in DNS leads back."""
NAMELESS_IP = "127.0.0.22"
"""An address without a name."""
LIAR_IP = "127.0.0.23"
"""An address whose name leads elsewhere."""

HONEST = "honest.example"
"""Sends from `HONEST_IP` alone, signs, and wants forged mail refused."""
FORGED = "forged.example"
"""Sends no mail at all, and wants all that bears its name refused."""
CAREFUL = "careful.example"
"""Wants mail that does not pass put apart."""
TRYING = "trying.example"
"""Would have it refused, but is still testing: one level less."""
WATCHING = "watching.example"
"""Only wants to hear about it."""
SOFT = "soft.example"
"""Its SPF record does not want to be sure (`~all`)."""
FIRM = "firm.example"
"""Its SPF record names nobody (`-all`), and it has no DMARC record."""
LOOP = "loop.example"
"""Its SPF record includes itself."""
STALE = "stale.example"
"""Its signatures have expired when they arrive."""
LIST = "list.example"
"""A mailing list, which signs in its own name."""
TROUBLED = "troubled.example"
"""Its name servers answer with errors where it is asked for records about mail."""
SILENT = "quiet.example"
"""Its name servers do not answer where it is asked for records about mail."""

SELECTOR = "lab"
_SIGNS = (HONEST, STALE, LIST)
_SPF = {
    HONEST: f"v=spf1 ip4:{HONEST_IP} -all",
    FORGED: "v=spf1 -all",
    SOFT: "v=spf1 ~all",
    FIRM: "v=spf1 -all",
    LOOP: f"v=spf1 include:{LOOP} -all",
}
_DMARC = {
    HONEST: f"v=DMARC1; p=reject; rua=mailto:reports@{HONEST}",
    FORGED: "v=DMARC1; p=reject",
    CAREFUL: "v=DMARC1; p=quarantine",
    TRYING: "v=DMARC1; p=reject; t=y",
    WATCHING: "v=DMARC1; p=none",
}


def key(domain: str) -> Key:
    """Give the key of a domain: always the same, since a lab keeps no secrets."""
    seed = hashlib.sha256(f"Ulak's lab {domain}".encode("ascii")).digest()
    return Key(domain, SELECTOR, Ed25519PrivateKey.from_private_bytes(seed))


def signed(message: bytes, domain: str, now: float) -> bytes:
    """Sign a message with CRLF line ends; `now` is in seconds since the epoch."""
    header, _, body = message.partition(b"\r\n\r\n")
    signer = Signer((key(domain),), lifetime=60 if domain == STALE else 0)
    when = int(now) - (86_400 if domain == STALE else 0)
    return signer.sign(header + b"\r\n", body, when) + message


def records() -> Iterator[tuple[tuple[str, str], Sequence[Written] | Status]]:
    """Give what the domains publish."""
    for domain in (HONEST, FORGED, CAREFUL, TRYING, WATCHING, SOFT, FIRM, LOOP, STALE, LIST):
        yield (domain, "MX"), [(10, f"mail.{domain}")]
        yield (f"mail.{domain}", "A"), [HONEST_IP]
    for domain, record in _SPF.items():
        yield (domain, "TXT"), [record]
    for domain, record in _DMARC.items():
        yield (f"_dmarc.{domain}", "TXT"), [record]
    for domain in _SIGNS:
        public = base64.b64encode(_public(domain)).decode("ascii")
        yield (f"{SELECTOR}._domainkey.{domain}", "TXT"), [f"v=DKIM1; k=ed25519; p={public}"]
    for domain, status in ((TROUBLED, Status.SERVFAIL), (SILENT, Status.TIMEOUT)):
        for name in (domain, f"_dmarc.{domain}", f"{SELECTOR}._domainkey.{domain}"):
            yield (name, "TXT"), status
    yield (_pointer(HONEST_IP), "PTR"), [f"mail.{HONEST}"]
    yield (_pointer(LIAR_IP), "PTR"), [f"mail.{HONEST}"]


def _public(domain: str) -> bytes:
    private = key(domain).private
    assert isinstance(private, Ed25519PrivateKey)  # noqa: S101 -- as `key` makes them
    return private.public_key().public_bytes_raw()


def _pointer(address: str) -> str:
    return ".".join([*reversed(address.split(".")), "in-addr", "arpa"])
