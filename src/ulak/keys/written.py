"""A key as a file holds it: PEM, with what is known of the key in the lines below.

What stands around a key in PEM form all programs pass over (RFC 7468 §2), below it even those that
look at the first line. So key and dates are one file, which is there whole or not at all, and a key
that was made elsewhere can be put into the folder as it is.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ulak.keys.key import DkimKey, Stage

_END = "\n-----END "
_SMALLEST = 1024  # RFC 8301 §3.2: signers MUST use at least this
_TIMES = ("made", "activated", "retired")


class NoKeyError(Exception):
    """A text is no key that could sign; the text of the error says why, and nothing of the key."""


def write(key: DkimKey) -> bytes:
    """Write a key as a file."""
    lines = [f"domain: {key.domain}", f"selector: {key.selector}", f"stage: {key.stage}"]
    for name in _TIMES:
        when: float | None = getattr(key, name)
        if when is not None:
            lines.append(f"{name}: {_moment(when)}")
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + "".join(f"{line}\n" for line in lines).encode()


def read(octets: bytes, domain: str, selector: str) -> DkimKey:
    """Read the file of a key. Raises NoKeyError.

    What is below the key is taken as far as it is understood; a stage that is not is `new`, so
    that nothing signs which nobody told to.
    """
    text = octets.decode("ascii", "replace")
    _, end, below = text.rpartition(_END)
    if not end:
        message = "it holds no key in PEM form"
        raise NoKeyError(message)
    try:
        private = load_pem_private_key(octets, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Neither the error nor its cause goes on: what they quote could be of the key.
        message = "its key is damaged, has a password, or is of an unknown kind"
        raise NoKeyError(message) from None
    if not isinstance(private, (RSAPrivateKey, Ed25519PrivateKey)):
        message = "its key is neither RSA nor Ed25519"
        raise NoKeyError(message)
    if isinstance(private, RSAPrivateKey) and private.key_size < _SMALLEST:
        message = f"its key has {private.key_size} bits, and less than {_SMALLEST} are not believed"
        raise NoKeyError(message)
    told = dict(_told(below))
    stage = told.get("stage", "")
    made, activated, retired = (_seconds(told.get(name, "")) for name in _TIMES)
    known = Stage(stage) if stage in tuple(Stage) else Stage.NEW
    return DkimKey(domain, selector, private, known, made, activated, retired)


def _told(below: str) -> list[tuple[str, str]]:
    parts = (line.partition(":") for line in below.split("\n"))
    return [(name.strip(), value.strip()) for name, colon, value in parts if colon]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(math.floor(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(moment: str) -> float | None:
    try:
        return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
