"""The keys by which SCRAM-SHA-256 knows a password without having it (RFC 5802 §3, RFC 7677)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from ulak.smtp.sasl import prepare

HASH = "sha256"
SIZE = 32  # octets of a key and of a proof
ITERATIONS = 15_000  # RFC 7677 §4: 4,096 at least, 15,000 as a rule of thumb
_SALT = 16  # octets


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps of a password: whoever has it can test passwords, but not log in."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str, salt: bytes, iterations: int = ITERATIONS) -> ScramKeys:
        """Make the keys of a password. It takes its time, by intent.

        Raises `prepare.PreparationError` for what SASLprep does not take (RFC 5802 §2.2).
        """
        salted = salted_password(password, salt, iterations)
        stored = hashlib.sha256(client_key(salted)).digest()
        return cls(salt, iterations, stored, server_key(salted))

    @classmethod
    def pretended(cls, name: str, secret: bytes, iterations: int = ITERATIONS) -> ScramKeys:
        """Make keys that no password has, always the same for a name (RFC 5802 §9).

        A dialogue about somebody unknown then goes like one about somebody with another
        password. `secret` is the server's and stays the same; `iterations` has to be what
        accounts have.
        """

        def drawn(what: bytes) -> bytes:
            return hmac.digest(secret, what + b"\0" + name.encode(), HASH)

        return cls(drawn(b"salt")[:_SALT], iterations, drawn(b"stored"), drawn(b"server"))

    def matches(self, password: str) -> bool:
        """Whether these are the keys of a password: for PLAIN. It takes its time."""
        try:
            salted = salted_password(password, self.salt, self.iterations)
        except prepare.PreparationError:
            salted = bytes(SIZE)
        stored = hashlib.sha256(client_key(salted)).digest()
        return hmac.compare_digest(stored, self.stored_key)


def salted_password(password: str, salt: bytes, iterations: int) -> bytes:
    """SaltedPassword of RFC 5802 §3. Raises `prepare.PreparationError`."""
    return hashlib.pbkdf2_hmac(HASH, prepare.password(password).encode(), salt, iterations)


def client_key(salted: bytes) -> bytes:
    """ClientKey of RFC 5802 §3."""
    return hmac.digest(salted, b"Client Key", HASH)


def server_key(salted: bytes) -> bytes:
    """ServerKey of RFC 5802 §3."""
    return hmac.digest(salted, b"Server Key", HASH)


def xor(left: bytes, right: bytes) -> bytes:
    """XOR of RFC 5802 §2.2."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
