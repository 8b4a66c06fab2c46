"""Bearer tokens: signed JWTs of the issuers that are configured (RFC 7519, RFC 7515, RFC 9068).

A token is believed when a key of its issuer signed it, it is made for us, and its time is now. What
is signed with a shared secret, or not at all, is never believed, whatever its header says (RFC 8725
§3.1): of keys only public ones are known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from ulak.accounts.keyfile import KeyFile, PublicKey, Verifier

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
LEEWAY = 60.0  # seconds by which clocks may differ
_LONGEST_NAME = 255  # characters
_FAR = 1e15  # seconds, thirty million years


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed.

    `name` is its `iss`, `audiences` are names of ours of which one has to be in `aud`. `keys` is a
    file with its public keys, a JWK set (RFC 7517 §5) or PEM. The claim `claim` names the account;
    `scope` has to be among the token's, `""` for none.
    """

    name: str
    audiences: frozenset[str]
    keys: Path
    claim: str = "email"
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """A token is good, and names an account."""

    name: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Distrusted:
    """A token is not believed. `problem` may be told to whoever shows it."""

    problem: str


class Tokens:
    """Checks tokens of some issuers. `clock` gives seconds since the epoch."""

    def __init__(self, issuers: Sequence[Issuer], clock: Callable[[], float]) -> None:
        self._issuers = {issuer.name: (issuer, KeyFile(issuer.keys)) for issuer in issuers}
        self._clock = clock
        self._jws = PyJWS(options={"enforce_minimum_key_length": True})

    def check(self, token: str) -> Vouched | Distrusted:
        """Say whom a token names. May read a file; raises `keyfile.KeysError` where it cannot."""
        try:
            read = self._jws.decode_complete(token, options={"verify_signature": False})
            claims = json.loads(read["payload"])
        except (PyJWTError, ValueError, RecursionError):
            return Distrusted("it is no signed JWT")
        name = claims.get("iss") if isinstance(claims, dict) else None
        known = self._issuers.get(name) if isinstance(name, str) else None
        if known is None:
            return Distrusted("its issuer is not known here")
        issuer, keys = known
        header = read["header"]
        problem = self._forged(token, header.get("alg"), header.get("kid"), keys.keys())
        return Distrusted(problem) if problem else _judged(claims, issuer, self._clock())

    def _forged(
        self, token: str, algorithm: object, identifier: object, keys: Sequence[PublicKey]
    ) -> str:
        """Say why a signature is not believed, `""` if it is."""
        if not isinstance(algorithm, str):
            return "it is not signed"
        fitting = [
            each
            for each in keys
            if algorithm in algorithms(each.verifier)
            and each.algorithm in ("", algorithm)
            and (identifier is None or each.identifier in ("", identifier))
        ]
        if not fitting:
            return "its issuer has no key for it here"
        for each in fitting:
            try:
                self._jws.decode_complete(token, each.verifier, algorithms=[algorithm])
            except (PyJWTError, ValueError):
                continue
            return ""
        return "its signature is not that of its issuer"


def algorithms(key: Verifier) -> frozenset[str]:
    """Give the algorithms with which a key can sign: never one that is for another kind of key."""
    match key:
        case RSAPublicKey():
            return _RSA
        case EllipticCurvePublicKey():
            return frozenset({_CURVES[key.curve.name]} if key.curve.name in _CURVES else ())
        case Ed25519PublicKey() | Ed448PublicKey():
            return frozenset({"EdDSA"})


def _is_time(value: object) -> TypeGuard[int | float]:
    # A boolean is a number to Python, `NaN` one to its reader of JSON, and 10**400 no float.
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return -_FAR < value < _FAR


def _texts(value: object, between: str | None = None) -> list[str]:
    """Give one text or several: as a list, or as one text with something `between` them."""
    if isinstance(value, str):
        return value.split(between) if between else [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _judged(claims: dict[str, object], issuer: Issuer, now: float) -> Vouched | Distrusted:
    """Judge what a token claims that its issuer has signed (RFC 7519 §4.1)."""
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not _is_time(expires) or not _is_time(begins):
        return Distrusted("it does not say when it expires")
    if now >= float(expires) + LEEWAY:
        return Distrusted("it has expired")
    if now < float(begins) - LEEWAY:
        return Distrusted("it is not valid yet")
    if issuer.audiences.isdisjoint(_texts(claims.get("aud"))):
        return Distrusted("it is made for another service")
    scopes = {*_texts(claims.get("scope"), " "), *_texts(claims.get("scp"), " ")}
    if issuer.scope and issuer.scope not in scopes:
        return Distrusted(f"it lacks the scope {issuer.scope}")
    name = claims.get(issuer.claim)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        return Distrusted(f"it has no {issuer.claim}")
    if issuer.claim == "email" and claims.get("email_verified", True) is not True:
        return Distrusted("its issuer has not verified the address")
    return Vouched(name, issuer.name)
