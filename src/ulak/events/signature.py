"""How a receiver knows that an event is from this server: a signature over its time and its body.

The field `Ulak-Signature` holds `t=SECONDS,v1=HEX`: HEX is the HMAC-SHA256 (RFC 2104), with the
secret as it stands in its file, of SECONDS, a dot and the octets of the body. A receiver that
also looks at the time takes no request twice. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re

FIELD = "Ulak-Signature"
OLDEST = 300.0  # seconds after which a receiver need not believe one
_SIGNED = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, now: float) -> str:
    """Give the value of the field; `now` is in seconds since the epoch."""
    seconds = str(int(now))
    return f"t={seconds},v1={_mac(secret, seconds, body)}"


def verify(secret: bytes, body: bytes, value: str, now: float, oldest: float = OLDEST) -> bool:
    """Say whether a field was written by who knows the secret, for this body, and not long ago."""
    found = _SIGNED.fullmatch(value)
    if found is None or abs(now - int(found[1])) > oldest:
        return False
    return hmac.compare_digest(found[2], _mac(secret, found[1], body))


def _mac(secret: bytes, seconds: str, body: bytes) -> str:
    return hmac.new(secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
