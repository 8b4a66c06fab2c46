"""A file with the public keys of an issuer, read again when it has changed (RFC 7517, RFC 7468)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.exceptions import PyJWTError

Verifier = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey
_KINDS = ("RSA", "EC", "OKP")  # `oct` is a shared secret
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_BEGIN = b"-----BEGIN "


class KeysError(Exception):
    """A file of keys cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key. `identifier` is its `kid` and `algorithm` its `alg`, both `""` where not said."""

    verifier: Verifier
    identifier: str = ""
    algorithm: str = ""


class KeyFile:
    """The keys in a file. Whoever renews it may write over it or put another in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[PublicKey, ...] = ()

    def keys(self) -> tuple[PublicKey, ...]:
        """Give the keys that are in the file now, or were before it became unreadable.

        Raises KeysError where there never were any.
        """
        with self._lock:
            try:
                at = self._path.stat()
                mark = (at.st_mtime_ns, at.st_size, at.st_ino)
                if mark != self._seen:
                    self._keys = read(self._path)
                    self._seen = mark
            except (KeysError, OSError) as error:
                if not self._keys:
                    raise _useless(self._path, error) from error
            return self._keys


def read(path: Path) -> tuple[PublicKey, ...]:
    """Read a file of keys. Raises KeysError."""
    try:
        octets = path.read_bytes()
        keys = tuple(_of_pem(octets) if _BEGIN in octets else _of_set(octets))
    except (OSError, ValueError, UnsupportedAlgorithm, RecursionError) as error:
        raise _useless(path, error) from error
    if not keys:
        raise _useless(path, ValueError("there is no public key in it"))
    return keys


def _useless(path: Path, error: Exception) -> KeysError:
    if isinstance(error, KeysError):
        return error
    why = error.strerror if isinstance(error, OSError) else str(error)
    return KeysError(f"{path} cannot be used as keys of an issuer: {why or type(error).__name__}.")


def _of_pem(octets: bytes) -> Iterator[PublicKey]:
    for block in octets.split(_BEGIN)[1:]:
        pem = _BEGIN + block
        key: PublicKeyTypes | CertificatePublicKeyTypes
        if block.startswith(b"CERTIFICATE-----"):
            key = x509.load_pem_x509_certificate(pem).public_key()
        elif block.startswith(b"PUBLIC KEY-----"):
            key = load_pem_public_key(pem)
        else:
            message = "only public keys and certificates belong into it"
            raise ValueError(message)
        if isinstance(key, Verifier):
            yield PublicKey(key)


def _of_set(octets: bytes) -> Iterator[PublicKey]:
    found = json.loads(octets)
    keys = found.get("keys", [found]) if isinstance(found, dict) else None
    if not isinstance(keys, list):
        message = "it is neither a JWK set nor PEM"
        raise ValueError(message)  # noqa: TRY004 -- it is about what stands in a file
    for each in keys:
        # RFC 7517 §5: what is not understood is left out, and the others count.
        if not isinstance(each, dict) or each.get("kty") not in _KINDS:
            continue
        if each.get("use", "sig") != "sig":
            continue
        try:
            key = PyJWK({k: v for k, v in each.items() if k not in _PRIVATE}).key
        except (PyJWTError, ValueError, TypeError):
            continue
        if isinstance(key, Verifier):
            yield PublicKey(key, _text(each, "kid"), _text(each, "alg"))


def _text(key: dict[str, object], member: str) -> str:
    value = key.get(member)
    return value if isinstance(value, str) else ""
