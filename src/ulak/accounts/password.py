"""Passwords as they are kept: argon2id (RFC 9106), and what makes none at all.

The cost is OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane, about 30 ms
of one core. RFC 9106 §4 would have 64 MiB and three passes; here somebody logs in for every
message, and whoever is not known may make the server do the work: its memory is that of as many
hashes as are made at once.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from enum import StrEnum

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY = 19_456  # KiB
PASSES = 2
LANES = 1
SALT = 16  # octets (RFC 9106 §3.1)
_TAG = 32  # octets
CHANCE = SALT + _TAG  # octets
_KIND = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,3})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})"
)
_NOW = (MEMORY, PASSES, LANES)

SHORTEST = 8  # characters
LONGEST = 1000  # characters


class Weakness(StrEnum):
    """Why something is not taken as a password."""

    EMPTY = "empty"
    SHORT = "short"
    LONG = "long"
    ADDRESS = "address"  # it is the address, or the name in it
    CONTROL = "control"  # it has a character that cannot be typed
    NOT_FOR_SCRAM = "not-for-scram"  # SASLprep does not take it


def hashed(password: str, salt: bytes) -> str:
    """Give what is kept of a password. `salt` is SALT octets that nobody else has.

    Takes the cost above, of a core and of memory; the interpreter goes on meanwhile.
    """
    tag = _argon2id(salt, _TAG, _NOW).derive(prepared(password))
    return f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${_encoded(salt)}${_encoded(tag)}"


def matches(kept: str, password: str) -> bool:
    """Whether this is the password of which `kept` was made; False where that is no hash.

    Takes as long as `hashed` did, whatever comes of it.
    """
    parts = _KIND.fullmatch(kept)
    if parts is None:
        return False
    memory, passes, lanes = int(parts[1]), int(parts[2]), int(parts[3])
    try:
        salt, tag = _decoded(parts[4]), _decoded(parts[5])
        _argon2id(salt, len(tag), (memory, passes, lanes)).verify(prepared(password), tag)
    except (InvalidKey, ValueError):  # of costs or sizes that there cannot be, too
        return False
    return True


def outdated(kept: str) -> bool:
    """Whether a hash was made at another cost than hashes are made at now."""
    parts = _KIND.fullmatch(kept)
    return parts is None or (int(parts[1]), int(parts[2]), int(parts[3])) != _NOW


def decoy(chance: bytes) -> str:
    """Make a hash of nobody's password, out of CHANCE octets of chance, without any cost.

    To try a password on it takes as long as on a real one.
    """
    salt, tag = chance[:SALT], chance[SALT : SALT + _TAG]
    return f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${_encoded(salt)}${_encoded(tag)}"


def prepared(password: str) -> bytes:
    """Bring a password into the form in which it is compared (RFC 8265 §4.2, OpaqueString).

    One keyboard writes ğ as one character and another as two, and one space is not another's.
    """
    mapped = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", mapped).encode("utf-8", "surrogatepass")


def weakness(password: str, address: str) -> Weakness | None:
    """Tell why this is no password for the account of an address; None where it is one."""
    if not password:
        return Weakness.EMPTY
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        return Weakness.CONTROL
    if len(password) > LONGEST:
        return Weakness.LONG
    same = password.strip().lower()
    if same in (address.lower(), address.rpartition("@")[0].lower()):
        return Weakness.ADDRESS
    if len(prepared(password).decode("utf-8")) < SHORTEST:
        return Weakness.SHORT
    return None


def _argon2id(salt: bytes, length: int, cost: tuple[int, int, int]) -> Argon2id:
    memory, passes, lanes = cost
    return Argon2id(salt=salt, length=length, iterations=passes, lanes=lanes, memory_cost=memory)


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError from error
