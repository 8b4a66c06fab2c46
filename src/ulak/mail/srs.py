"""The Sender Rewriting Scheme: a forwarder sends in its own name, and reports find their way back.

As its authors published it (M. S. Wong, S. Shevek: "The Sender Rewriting Scheme", 2003). The sender
`ada@example.net` becomes `SRS0=HASH=TT=example.net=ada` at the forwarder's domain; what another
forwarder has rewritten already becomes `SRS1=HASH=its.domain==HASH=TT=example.net=ada`, so that a
chain of them does not grow. `TT` is the day in base32, counted modulo 1024. `HASH` is ours alone to
read: an HMAC with SHA-256, of which 40 bits go into eight letters, in one case, since servers on
the way may change it.

Pure: secrets and the day are arguments.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from enum import StrEnum

from ulak.mail.address import Address, ascii_lower

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DAYS = 1024  # after which the stamp begins anew
_HASH = 8  # letters
_LONGEST = 64  # octets of a local-part (RFC 5321 §4.5.3.1.1)
_SEPARATORS = "=+-"  # that may stand behind SRS0 and SRS1
_OURS = re.compile(r"SRS[01][=+-]", re.IGNORECASE | re.ASCII)


class Problem(StrEnum):
    """Why an address leads to nobody."""

    FORGED = "forged"
    EXPIRED = "expired"


def rewritten(address: Address) -> bool:
    """Whether an address has the form of a rewritten one, whoever has made it."""
    return bool(_OURS.match(address.local))


def forward(sender: Address, domain: str, secret: bytes, day: int) -> Address | None:
    """Rewrite a sender in the name of `domain`; None where that would be none, or too long.

    `day` is the number of the day since the epoch.
    """
    if "=" in sender.domain:  # as a literal's may be: nobody could tell where it ends
        return None
    head, rest = sender.local[:4].upper(), sender.local[4:]
    if head == "SRS0" and rewritten(sender):
        local = _first(sender.domain, rest, secret)
    elif head == "SRS1" and rewritten(sender) and (parts := _opened(rest)) is not None:
        _, host, opaque = parts
        local = _first(host, opaque, secret)
    else:
        stamp = _stamp(day)
        hashed = _hash(secret, stamp, sender.domain, sender.local)
        local = f"SRS0={hashed}={stamp}={sender.domain}={sender.local}"
    made = Address(local, domain)
    # As it stands on the wire, where it may need quotes.
    return None if len(str(made).encode()) - len(f"@{domain}".encode()) > _LONGEST else made


def _first(host: str, opaque: str, secret: bytes) -> str:
    """Write what leads back to the forwarder that was first; `opaque` is only its own to read."""
    return f"SRS1={_hash(secret, host, opaque)}={host}={opaque}"


def reverse(
    address: Address, secrets: Sequence[bytes], day: int, max_age: int
) -> Address | Problem:
    """Give to whom a rewritten sender leads back; `max_age` is in days."""
    head, rest = address.local[:4].upper(), address.local[4:]
    if head == "SRS1":
        return _to_first(rest, secrets)
    parts = rest[1:].split("=", 3)
    if len(parts) != 4 or not all(parts):  # noqa: PLR2004 -- hash, stamp, domain, local-part
        return Problem.FORGED
    given, stamp, domain, local = parts
    wanted = [_hash(secret, stamp.upper(), domain, local) for secret in secrets]
    if not _one_of(given, wanted) or (age := _age(stamp, day)) is None:
        return Problem.FORGED
    return Problem.EXPIRED if age > max_age else Address(local, domain)


def _to_first(rest: str, secrets: Sequence[bytes]) -> Address | Problem:
    parts = _opened(rest)
    if parts is None:
        return Problem.FORGED
    given, host, opaque = parts
    if not _one_of(given, [_hash(secret, host, opaque) for secret in secrets]):
        return Problem.FORGED
    return Address(f"SRS0{opaque}", host)


def _opened(rest: str) -> tuple[str, str, str] | None:
    """Part what follows SRS1: the hash, the first forwarder's domain, and what is its own."""
    parts = rest[1:].split("=", 2)
    if len(parts) != 3 or not all(parts) or parts[2][0] not in _SEPARATORS:  # noqa: PLR2004 -- as said
        return None
    return parts[0], parts[1], parts[2]


def _hash(secret: bytes, *texts: str) -> str:
    """Hash texts without regard to the case of their ASCII letters, which may change on the way."""
    told = "\0".join(map(ascii_lower, texts)).encode("utf-8", "surrogatepass")
    return b32encode(hmac.digest(secret, told, "sha256")[:5]).decode("ascii")[:_HASH]


def _one_of(given: str, wanted: Sequence[str]) -> bool:
    """Compare in a time that tells nothing of how much was right."""
    text = given.upper().encode("utf-8", "surrogatepass")
    found = [hmac.compare_digest(text, each.encode("ascii")) for each in wanted]
    return any(found)


def _stamp(day: int) -> str:
    high, low = divmod(day % _DAYS, len(_BASE32))
    return _BASE32[high] + _BASE32[low]


def _age(stamp: str, day: int) -> int | None:
    """Give how many days ago a stamp was made; one of tomorrow is another clock's today."""
    places = [_BASE32.find(letter) for letter in stamp.upper()]
    if len(places) != 2 or -1 in places:  # noqa: PLR2004 -- two letters
        return None
    then = places[0] * len(_BASE32) + places[1]
    age = (day - then) % _DAYS
    return 0 if age == _DAYS - 1 else age
