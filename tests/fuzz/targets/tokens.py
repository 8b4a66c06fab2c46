"""Bearer tokens (RFC 7519): whatever stands in one, it is believed only if all of it is right."""

from __future__ import annotations

import base64
import functools
import json
import tempfile
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from tests.fuzz.octets import Octets

from ulak.accounts.tokens import Distrusted, Issuer, Tokens, Vouched

_NOW = 1_793_707_200.0
_ISSUER = "https://id.example"
_GOOD = {"iss": _ISSUER, "aud": "ulak", "exp": _NOW + 60, "email": "ada@example.org"}
_LONGEST = 255


@functools.cache
def signing() -> tuple[Ed25519PrivateKey, Tokens]:
    """Make a key, and who believes it."""
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jwks.json"
        file.write_text(json.dumps({"keys": [json.loads(OKPAlgorithm.to_jwk(key.public_key()))]}))
        tokens = Tokens([Issuer(_ISSUER, frozenset({"ulak"}), file)], lambda: _NOW)
        assert isinstance(tokens.check("x"), Distrusted)
        assert isinstance(tokens.check(sign(json.dumps(_GOOD).encode(), key)), Vouched)
    return key, tokens


def sign(payload: bytes, key: Ed25519PrivateKey) -> str:
    """Sign a payload as an issuer does."""
    return jwt.api_jws.encode(payload, key, "EdDSA")


def one(data: bytes) -> None:
    key, tokens = signing()
    given = Octets(data)
    way = given.number(2)
    octets = given.rest()
    if way == 0:
        token = octets.decode("latin-1")
    elif way == 1:
        parts = [*octets.split(b"\x1e"), b"", b""][:3]
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    else:
        token = sign(octets, key)
    found = tokens.check(token)
    if isinstance(found, Distrusted):
        assert found.problem.isprintable()
        return
    assert way == 2
    claims = json.loads(octets)
    assert claims["iss"] == _ISSUER == found.issuer
    assert "ulak" in claims["aud"]
    assert claims["exp"] > _NOW - 61
    assert found.name == claims["email"]
    assert 0 < len(found.name) <= _LONGEST
