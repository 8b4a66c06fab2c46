"""Bearer tokens: whose are believed, and for how long; and the tricks of those who forge them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ulak.accounts import keyfile
from ulak.accounts.tokens import Distrusted, Issuer, Tokens, Vouched
from ulak.lab.certificate import certificate

NOW = 1_700_000_000.0
CLAIMS = {
    "iss": "https://id.example",
    "aud": "ulak",
    "exp": NOW + 600,
    "email": "ada@example.org",
    "scope": "openid mail",
}
GOOD = Vouched("ada@example.org", "https://id.example")


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, **members: str) -> dict[str, Any]:
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    maker: Any = next((a for k, a in kinds.items() if isinstance(key, k)), OKPAlgorithm)
    return {**json.loads(maker.to_jwk(key.public_key())), **members}


def pem(key: Any) -> bytes:
    octets: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return octets


def every_key() -> bytes:
    keys = [
        jwk(rsa_key(), kid="r", use="sig", alg="RS256"),
        jwk(ec_key(), kid="e"),
        jwk(ed_key(), kid="d"),
        {"kty": "oct", "kid": "s", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        {"kty": "future", "kid": "f"},
    ]
    return json.dumps({"keys": keys}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "jwks.json"
    made.write_bytes(every_key())
    return made


def tokens(file: Path, **what: Any) -> Tokens:
    issuer = Issuer("https://id.example", frozenset({"ulak", "smtp"}), file, **what)
    return Tokens([issuer], lambda: NOW)


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "RS256", **head: Any) -> str:
    key = rsa_key() if key is None else key
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm, headers=head)


def raw(header: object, claims: object, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts)


def problem(found: Vouched | Distrusted) -> str:
    assert isinstance(found, Distrusted)
    return found.problem


@pytest.mark.parametrize(
    ("make", "algorithm", "kid"),
    [(rsa_key, "RS256", "r"), (ec_key, "ES256", "e"), (ed_key, "EdDSA", "d")],
)
def test_what_the_issuer_has_signed_is_believed(
    file: Path, make: Any, algorithm: str, kid: str
) -> None:
    found = tokens(file)
    assert found.check(signed(CLAIMS, make(), algorithm, kid=kid)) == GOOD
    assert found.check(signed(CLAIMS, make(), algorithm)) == GOOD
    assert "no key" in problem(found.check(signed(CLAIMS, make(), algorithm, kid="x")))


def test_keys_may_be_pem_or_a_certificate_or_one_jwk(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    for octets in (
        pem(rsa_key()),
        pem(ec_key()) + pem(rsa_key()),
        json.dumps(jwk(rsa_key())).encode(),
    ):
        file.write_bytes(octets)
        assert tokens(file).check(signed(CLAIMS)) == GOOD
        assert tokens(file).check(signed(CLAIMS, algorithm="PS256")) == GOOD
    made = certificate("id.example").write(tmp_path)
    assert len(keyfile.read(made[0])) >= 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "when it expires"),
        ({"exp": str(NOW + 600)}, "when it expires"),
        ({"exp": True}, "when it expires"),
        ({"exp": float("nan")}, "when it expires"),
        ({"exp": float("inf")}, "when it expires"),
        ({"exp": 10**400}, "when it expires"),
        ({"nbf": NOW + 61}, "not valid yet"),
        ({"nbf": "now"}, "when it expires"),
        ({"aud": "other"}, "another service"),
        ({"aud": None}, "another service"),
        ({"aud": ["x", "y"]}, "another service"),
        ({"aud": "ulak smtp"}, "another service"),
        ({"aud": {"ulak": 1}}, "another service"),
        ({"scope": "openid"}, "lacks the scope"),
        ({"scope": "mailbox"}, "lacks the scope"),
        ({"scope": None}, "lacks the scope"),
        ({"email": None}, "has no email"),
        ({"email": ""}, "has no email"),
        ({"email": ["ada@example.org"]}, "has no email"),
        ({"email": "a" * 256}, "has no email"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "true"}, "not verified"),
        ({"iss": "https://id.example/"}, "issuer"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ["https://id.example"]}, "issuer"),
        ({"iss": None}, "issuer"),
    ],
)
def test_what_is_not_for_us_or_not_now_is_refused(
    file: Path, change: dict[str, Any], why: str
) -> None:
    found = tokens(file, scope="mail").check(signed({**CLAIMS, **change}))
    assert why in problem(found)


@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW - 59},
        {"nbf": NOW + 59},
        {"aud": ["x", "smtp"]},
        {"scope": "mail"},
        {"scope": None, "scp": "a mail"},
        {"scope": None, "scp": ["a", "mail"]},
        {"email_verified": True},
    ],
)
def test_what_is_just_right_is_believed(file: Path, change: dict[str, Any]) -> None:
    assert tokens(file, scope="mail").check(signed({**CLAIMS, **change})) == GOOD


def test_another_claim_can_name_the_account(file: Path) -> None:
    token = signed({**CLAIMS, "upn": "grace@example.org", "email_verified": False})
    assert tokens(file, claim="upn").check(token) == Vouched("grace@example.org", GOOD.issuer)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, ["RS256"], 1])
def test_a_token_that_nobody_signed_is_refused(file: Path, algorithm: object) -> None:
    assert problem(tokens(file).check(raw({"alg": algorithm}, CLAIMS)))
    assert problem(tokens(file).check(raw({"alg": algorithm}, CLAIMS, b"x")))
    assert problem(tokens(file).check(raw({}, CLAIMS)))


@pytest.mark.parametrize("kid", ["r", "s", None])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_shared_secret(file: Path, algorithm: str, kid: str | None) -> None:
    header = {"alg": algorithm} if kid is None else {"alg": algorithm, "kid": kid}
    secrets = [pem(rsa_key()), pem(rsa_key()).rstrip(), every_key(), b"", b"secret" * 4]
    for secret in secrets:
        signing_input = raw(header, CLAIMS).rstrip(".")
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
        signature = hmac.new(secret, signing_input.encode(), digest[algorithm]).digest()
        token = f"{signing_input}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        assert "no key" in problem(tokens(file).check(token))


def test_a_key_does_not_sign_for_an_algorithm_that_is_not_its_own(file: Path) -> None:
    assert "no key" in problem(tokens(file).check(signed(CLAIMS, algorithm="RS512", kid="r")))
    assert "no key" in problem(tokens(file).check(signed(CLAIMS, ec_key(), "ES256", kid="r")))
    other = ec.generate_private_key(ec.SECP384R1())
    assert "no key" in problem(tokens(file).check(signed(CLAIMS, other, "ES384")))


def test_a_signature_of_somebody_else_is_refused(file: Path) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    assert "signature" in problem(tokens(file).check(signed(CLAIMS, stranger, kid="r")))
    head, claims, signature = signed(CLAIMS).split(".")
    forged = raw({}, {**CLAIMS, "email": "grace@example.org"}).split(".")[1]
    assert "signature" in problem(tokens(file).check(f"{head}.{forged}.{signature}"))
    assert problem(tokens(file).check(f"{head}.{claims}.{signature[:-4]}"))


def test_a_key_that_the_token_brings_along_counts_for_nothing(file: Path) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    head: dict[str, Any] = {
        "jwk": jwk(stranger),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example",
    }
    assert "signature" in problem(tokens(file).check(signed(CLAIMS, stranger, "RS256", **head)))


def test_what_has_to_be_understood_and_is_not_is_refused(file: Path) -> None:
    assert problem(tokens(file).check(signed(CLAIMS, crit=["exp"], exp=1)))
    assert problem(tokens(file).check(signed(CLAIMS, b64=False)))


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    short = rsa.generate_private_key(65537, 1024)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(jwk(short)))
    header, body = raw({"alg": "RS256"}, CLAIMS).split(".")[:2]
    prepared = RSAAlgorithm(RSAAlgorithm.SHA256).sign(f"{header}.{body}".encode(), short)
    token = f"{header}.{body}.{base64.urlsafe_b64encode(prepared).decode().rstrip('=')}"
    assert "signature" in problem(tokens(file).check(token))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "a.b", "e30.e30.", "bnVsbA.bnVsbA.", raw([], CLAIMS)]
)
def test_what_is_no_token_is_refused(file: Path, token: str) -> None:
    assert problem(tokens(file).check(token))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_whatever_comes_is_refused(file: Path, text: str) -> None:
    found = tokens(file)
    assert problem(found.check(text))
    nested = "[" * 5000
    assert problem(found.check(raw({"alg": "RS256"}, text)))
    assert problem(found.check(f"{base64.urlsafe_b64encode(nested.encode()).decode()}.{text}."))


def test_new_keys_are_seen_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(pem(ec_key()))
    found = tokens(file)
    assert "no key" in problem(found.check(signed(CLAIMS)))
    other = tmp_path / "new"
    other.write_bytes(pem(rsa_key()))
    other.rename(file)
    assert found.check(signed(CLAIMS)) == GOOD


def test_half_a_file_does_not_shut_out_those_who_have_a_token(file: Path) -> None:
    found = tokens(file)
    assert found.check(signed(CLAIMS)) == GOOD
    file.write_bytes(every_key()[:100])
    os.utime(file, (1, 1))
    assert found.check(signed(CLAIMS)) == GOOD
    file.unlink()
    assert found.check(signed(CLAIMS)) == GOOD


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b'{"keys": 1}',
        b'{"keys": [1, {"kty": "RSA"}, {"kty": "oct", "k": "AAAA"}]}',
        b'{"keys": [{"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}]}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"\xff\xfe",
    ],
)
def test_a_file_without_a_public_key_is_named(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(octets)
    with pytest.raises(keyfile.KeysError, match="cannot be used as keys"):
        tokens(file).check(signed(CLAIMS))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(keyfile.KeysError, match="No such file"):
        tokens(tmp_path / "none").check(signed(CLAIMS))
