"""One key of DKIM: for which domain, under which selector, and where it is in its life.

A key is made, and its public half published; then it signs; then it is retired, signs no more and
stays published until the mail that it signed has arrived everywhere; then it goes. Two keys may
be in different years of their lives, and that is how one takes over from the other (RFC 6376
§3.1).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS = 2048  # RFC 8301 §3.2: signers SHOULD use at least this
# RFC 6376 §3.1: sub-domains with dots between; a label as RFC 5321 §4.1.2 has it, in lower case.
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_LONGEST_SELECTOR = 100
_TXT_STRING = 255  # octets (RFC 1035 §3.3)


class Algorithm(StrEnum):
    """What a key signs with, as its record names it (RFC 6376 §3.6.1, RFC 8463 §4)."""

    RSA = "rsa"
    ED25519 = "ed25519"


class Stage(StrEnum):
    """Where a key is in its life."""

    NEW = "new"  # to be published
    SIGNING = "signing"
    RETIRED = "retired"  # signs no more, and stays published for a while


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key. `domain` is in A-labels and lower case; times are in seconds since the epoch, or None.

    `made` is when the key was made, `activated` when it began to sign and `retired` when it ended.
    """

    domain: str
    selector: str
    private: PrivateKey = field(repr=False)
    stage: Stage = Stage.NEW
    made: float | None = None
    activated: float | None = None
    retired: float | None = None

    @property
    def algorithm(self) -> Algorithm:
        """What it signs with."""
        return Algorithm.RSA if isinstance(self.private, RSAPrivateKey) else Algorithm.ED25519

    @property
    def bits(self) -> int:
        """How large the key is."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    @property
    def name(self) -> str:
        """Where its record is published (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> str:
        """The public half in base64, as `p=` of the record has it."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(octets).decode("ascii")

    @property
    def record(self) -> str:
        """What its TXT record says (RFC 6376 §3.6.1, RFC 8463 §4)."""
        return f"v=DKIM1; k={self.algorithm}; p={self.public}"


def is_selector(text: str) -> bool:
    """Whether a text can be a selector, and one that DNS will find."""
    return len(text) <= _LONGEST_SELECTOR and _SELECTOR.fullmatch(text) is not None


def strings(record: str) -> tuple[str, ...]:
    """Cut a record into the strings of a TXT record, of at most 255 octets (RFC 6376 §3.6.2.2)."""
    return tuple(record[i : i + _TXT_STRING] for i in range(0, len(record), _TXT_STRING)) or ("",)


def zone_line(name: str, record: str) -> str:
    """Write the TXT record as a line of a zone file (RFC 1035 §5.1); the name is absolute."""
    quoted = (f'"{_escaped(each)}"' for each in strings(record))
    return f"{name}. IN TXT ( {' '.join(quoted)} )"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
