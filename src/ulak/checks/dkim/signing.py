"""Signing: DKIM-Signature fields for a message, one for each key (RFC 6376 §5, RFC 8463).

RSA and Ed25519 are used together, because many verify only the first. What is signed does not
need the body at hand: it may come in pieces.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ulak.checks.dkim.canonical import Form, field
from ulak.checks.dkim.hashing import BodyHashes
from ulak.checks.dkim.header import SignedHeader

_WIDTH = 72
_SHORTEST_KEY = 1024
_PADDING, _SHA256 = padding.PKCS1v15(), hashes.SHA256()

# RFC 6376 §5.4.1: what a reader sees or what decides how the body is read.
SIGNED = (
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to",
    "references", "mime-version", "content-type", "content-transfer-encoding", "content-id",
    "content-description", "resent-date", "resent-from", "resent-sender", "resent-to",
    "resent-cc", "resent-message-id", "list-id", "list-help", "list-unsubscribe",
    "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive",
    "auto-submitted", "tls-required", "tls-report-domain", "tls-report-submitter",
)  # fmt: skip
# Named once more than they stand there, so that none can be added (§5.4.2, §8.15).
OVERSIGNED = (
    "from", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip


@dataclass(frozen=True)
class Key:
    """What a domain signs with: the selector names the public half in DNS."""

    domain: str
    selector: str
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    @classmethod
    def read(cls, domain: str, selector: str, pem: bytes) -> Key:
        """Read a private key from PEM (PKCS#8 or PKCS#1), or 32 octets of Ed25519 in base64.

        ValueError where it is none of these, or an RSA key that nobody accepts (RFC 8301 §3.2).
        """
        if b"-----" in pem:
            try:
                private = load_pem_private_key(pem, None)
            except TypeError as error:
                message = f"the key of {selector} is encrypted with a password"
                raise ValueError(message) from error
        else:
            private = ed25519.Ed25519PrivateKey.from_private_bytes(
                base64.b64decode(pem.strip(), validate=True)
            )
        if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            message = f"the key of {selector} is neither RSA nor Ed25519"
            raise ValueError(message)  # noqa: TRY004 -- the file is wrong, not the program
        if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _SHORTEST_KEY:
            message = f"the key of {selector} has only {private.key_size} bits"
            raise ValueError(message)
        return cls(domain, selector, private)

    @cached_property
    def algorithm(self) -> str:
        """What stands in a=."""
        return "rsa-sha256" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519-sha256"

    def sign(self, octets: bytes) -> bytes:
        """Sign octets, or their SHA-256 with Ed25519 (RFC 8463 §3)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(octets, _PADDING, _SHA256)
        return self.private.sign(hashlib.sha256(octets).digest())


@dataclass(frozen=True)
class Signer:
    """How messages are signed. Each key makes a field.

    `signed` are the names of fields that are signed wherever they stand, `oversigned` those that
    are named once more; From is always both. `lifetime` are the seconds after which a signature
    is no longer valid (x=), 0 for never; `identity` is i=, empty for none.
    """

    keys: Sequence[Key]
    signed: Sequence[str] = SIGNED
    oversigned: Sequence[str] = OVERSIGNED
    header_form: Form = Form.RELAXED
    body_form: Form = Form.RELAXED
    lifetime: int = 0
    identity: str = ""

    def begin(self, header: bytes) -> Signing:
        """Begin with a header (all before the empty line); its body is fed after that."""
        return Signing(self, header)

    def sign(self, header: bytes, body: bytes, now: float) -> bytes:
        """Give the fields to be put on top of a message that is at hand."""
        signing = self.begin(header)
        signing.feed(body)
        return signing.finish(now)

    @cached_property
    def chosen(self) -> tuple[tuple[bytes, int], ...]:
        """The names to sign, in lower case, and how often more than they stand there."""
        more = {name.lower() for name in self.oversigned} | {"from"}
        names = dict.fromkeys(("from", *(n.lower() for n in (*self.signed, *self.oversigned))))
        return tuple((name.encode("ascii"), int(name in more)) for name in names)

    @cached_property
    def present(self) -> frozenset[bytes]:
        """The names that are signed where they stand."""
        return frozenset(name for name, _ in self.chosen)

    @cached_property
    def absent(self) -> bytes:
        """The end of h=: the names that are named once more than they stand there."""
        names = _listed(name for name, more in self.chosen if more)
        return names.rstrip(b":\r\n\t ") + b";"


class Signing:
    """One message that is being signed."""

    __slots__ = ("_bodies", "_header", "_signer")

    def __init__(self, signer: Signer, header: bytes) -> None:
        self._signer = signer
        self._header = SignedHeader(header)
        self._bodies = BodyHashes([(signer.body_form, None)])

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, in pieces of any size."""
        self._bodies.feed(chunk)

    def finish(self, now: float) -> bytes:
        """Say that the body is at its end; give the fields, to be put on top, each with CRLF."""
        self._bodies.finish()
        digest = self._bodies.digest(self._signer.body_form)
        assert digest is not None  # noqa: S101 -- the whole body always has a hash
        signer = self._signer
        names: list[bytes] = []
        places: list[int] = []
        for name, at in self._header.all.items():
            if name in signer.present:
                names += [name] * len(at)
                places += reversed(at)  # as a verifier takes them (§5.4.2)
        signed = self._header.octets(places, signer.header_form)
        listed = b"\r\n\th=" + _listed(names) + signer.absent
        end = listed + b"\r\n\tbh=" + base64.b64encode(digest) + b";\r\n\tb="
        made = [self._field(key, end, signed, now) for key in signer.keys]
        return b"".join(made)

    def _field(self, key: Key, end: bytes, signed: bytes, now: float) -> bytes:
        signer = self._signer
        start = (
            f"DKIM-Signature: v=1; a={key.algorithm}; c={signer.header_form}/{signer.body_form};"
            f"\r\n\td={key.domain}; s={key.selector};\r\n\tt={int(now)};"
        )
        if signer.lifetime:
            start += f" x={int(now) + signer.lifetime};"
        if signer.identity:
            start += f"\r\n\ti={signer.identity};"
        octets = start.encode() + end
        last = field(octets + b"\r\n", signer.header_form).removesuffix(b"\r\n")
        text = base64.b64encode(key.sign(signed + last))
        lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
        return octets + b"\r\n\t ".join(lines) + b"\r\n"


def _listed(names: Iterable[bytes]) -> bytes:
    """Write names with a colon behind each, a new line where one would be too long."""
    lines = [b""]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append(b"")
        lines[-1] += name + b":"
    return b"\r\n\t ".join(lines) + (b"\r\n\t " if lines[-1] else b"")
