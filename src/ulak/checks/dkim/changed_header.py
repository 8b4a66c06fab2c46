"""Which field of a header was changed on its way, where that can be told (RFC 6376 §3.5 on z=).

What mailing lists and gateways do to the fields is undone here, one change at a time: where the
signature fits then, it was that. An RSA signature gives the hash that was signed away, so that a
trial costs a hash; with Ed25519 each is a verification. The number of trials is bounded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ulak.checks.dkim import tags
from ulak.checks.dkim.canonical import Form, field
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.dkim.key import PublicKey
from ulak.checks.dkim.signature import Signature
from ulak.checks.reason import Reason, because

_LONGEST = 64 * 1024  # octets of signed fields for which trials are made
_FIELDS = 12  # that are left out in turn
_RE = rb"(?i:(?:re|aw|fwd?|ynt|ilt)[ \t]*+:[ \t]*+)?+"
_PREFIX = re.compile(
    rb"([ \t]*+"
    + _RE
    + rb")((?:\[[^\]\r\n]{1,80}+\]|\{[^}\r\n]{1,80}+\}|\*{3,5}[^*\r\n]{1,40}+\*{3,5}"
    rb"|(?i:external|spam|caution)[ \t]*+:)[ \t]*+)"
)
_HEX = re.compile(r"=([0-9A-F]{2})")
_COPIES = 40

# Fields that are put there on the way, and fields that say what another was.
_ADDED = (
    b"reply-to", b"sender", b"list-id", b"list-post", b"list-unsubscribe", b"cc", b"mime-version",
    b"content-type", b"content-transfer-encoding", b"message-id", b"date", b"subject", b"to",
)  # fmt: skip
_KEPT_FROM = (b"x-original-from", b"reply-to", b"x-mailfrom", b"original-from")
_ENCODINGS = (b" 8bit", b" 7bit", b" quoted-printable", b" base64")


class Trials:
    """How many more trials there may be for a message."""

    def __init__(self, left: int) -> None:
        self._left = left

    def one(self) -> bool:
        """Take one; False where none is left."""
        self._left -= 1
        return self._left >= 0


@dataclass(frozen=True, slots=True)
class Case:
    """A signature that does not fit: itself, the header, where it stands, what it selects."""

    signature: Signature
    header: SignedHeader
    own: int
    chosen: Sequence[int]
    key: PublicKey
    name: str  # that has the key


def changes(case: Case, trials: Trials) -> tuple[Reason, ...]:
    """Tell which field is another than it was, as far as can be told."""
    copied = _copied(case)
    signed = case.header.signing(case.chosen, case.own, case.signature.header_form)
    if len(signed) > _LONGEST:
        return copied
    key = case.key.key
    digest = b""
    if isinstance(key, rsa.RSAPublicKey):
        try:
            digest = key.recover_data_from_signature(
                case.signature.octets, padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return (*copied, because("dkim.other-signer", name=case.name))
    for reason, octets in _candidates(case):
        if not trials.one():
            break
        if digest:
            fits = hashlib.sha256(octets).digest() == digest
        else:
            fits = case.key.fits(case.signature.octets, octets)
        if fits:
            return (*copied, reason)
    return copied


def _candidates(case: Case) -> Iterator[tuple[Reason, bytes]]:
    """Give what may have been signed, the likeliest first."""
    yield from _subjects(case)
    yield from _without(case)
    yield from _rewritten(case)
    if case.signature.header_form is Form.SIMPLE:
        yield because("dkim.folding"), _signing(case, {}, unfolded=True)


def _signing(
    case: Case,
    other: dict[int, bytes],
    without: int | None = None,
    *,
    unfolded: bool = False,
) -> bytes:
    """Give what is signed with other octets for some fields, or without one."""
    form = case.signature.header_form
    signature = tags.without_signature(case.header.fields[case.own][1])
    parts = [
        field(other.get(place, case.header.fields[place][1]), form)
        for place in case.chosen
        if place != without
    ]
    if unfolded:
        parts = [part[:-2].replace(b"\r\n", b"") + b"\r\n" for part in parts]
    return b"".join(parts) + field(signature, form).removesuffix(b"\r\n")


def _places(case: Case, name: bytes) -> list[int]:
    return [place for place in case.chosen if case.header.fields[place][0] == name]


def _subjects(case: Case) -> Iterator[tuple[Reason, bytes]]:
    """Take away what lists and gateways put before a subject."""
    for place in _places(case, b"subject")[:2]:
        name, _, value = case.header.fields[place][1].partition(b":")
        found = _PREFIX.match(value)
        if found is None:
            continue
        reason = because("dkim.prefix", prefix=tags.decoded(found[2]).strip())
        rest = value[found.end() :]
        for start in dict.fromkeys((found[1], b" ", b"")):
            yield reason, _signing(case, {place: name + b":" + start + rest})


def _without(case: Case) -> Iterator[tuple[Reason, bytes]]:
    """Leave out a field that may have been added."""
    tried = 0
    for name in _ADDED:
        for place in _places(case, name)[:1]:
            tried += 1
            if tried > _FIELDS:
                return
            reason = because("dkim.field-added", field=_shown(case, place))
            yield reason, _signing(case, {}, place)


def _rewritten(case: Case) -> Iterator[tuple[Reason, bytes]]:
    """Put back what another field keeps of From, or another encoding of the body."""
    others: list[tuple[int, bytes]] = []
    for place in _places(case, b"from")[:1]:
        kept = [other for name in _KEPT_FROM for other in case.header.places(name)[:1]]
        others += [(place, case.header.fields[at][1].partition(b":")[2]) for at in kept]
    for place in _places(case, b"content-transfer-encoding")[:1]:
        others += [(place, value + b"\r\n") for value in _ENCODINGS]
    for place, value in others:
        name = case.header.fields[place][1].partition(b":")[0]
        reason = because(
            "dkim.field-rewritten", field=_shown(case, place), value=tags.decoded(value).strip()
        )
        yield reason, _signing(case, {place: name + b":" + value})


def _copied(case: Case) -> tuple[Reason, ...]:
    """Compare the copies that a signer left in z= with the fields that are there."""
    if not case.signature.copied:
        return ()
    found: list[Reason] = []
    for copy in case.signature.copied.split("|")[:_COPIES]:
        name, colon, text = tags.without_space(copy).partition(":")
        if not colon or not name.isascii():
            continue
        value = _HEX.sub(lambda octet: chr(int(octet[1], 16)), text)
        was = value.encode("latin-1", "replace")
        places = case.header.places(name.lower().encode())
        now = [_squeezed(case.header.fields[place][1].partition(b":")[2]) for place in places]
        if _squeezed(was) not in now:
            found.append(because("dkim.copied", field=name, value=tags.decoded(was).strip()))
    return tuple(found)


def _squeezed(value: bytes) -> bytes:
    return b" ".join(value.split())


def _shown(case: Case, place: int) -> str:
    return tags.decoded(case.header.fields[place][1].partition(b":")[0])
