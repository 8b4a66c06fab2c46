"""A listener's certificate and key are looked at before anything listens."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ulak import config


def make(folder: Path, name: str, *, password: bytes = b"") -> None:
    """Write `name.pem` and `name.key`."""
    write(folder, name, ec.generate_private_key(ec.SECP256R1()), password)


def write(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes
) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.org")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    lock = serialization.BestAvailableEncryption(password) if password else None
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, lock or serialization.NoEncryption()
        )
    )


def listener(folder: Path, tls: str) -> Path:
    file = folder / "ulak.toml"
    file.write_text(f'[[listener]]\naddress = "127.0.0.1:0"\ntls = {{ {tls} }}\n', "utf-8")
    return file


def test_a_pair_that_belongs_together_is_taken(tmp_path: Path) -> None:
    make(tmp_path, "a")
    found = config.load(listener(tmp_path, 'certificate = "a.pem", key = "a.key"'))
    assert found.listeners[0].tls == config.Tls(
        mode="starttls", certificate=tmp_path / "a.pem", key=tmp_path / "a.key"
    )


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    make(tmp_path, "a")
    both = (tmp_path / "a.pem").read_bytes() + (tmp_path / "a.key").read_bytes()
    (tmp_path / "both.pem").write_bytes(both)
    found = config.load(listener(tmp_path, 'mode = "implicit", certificate = "both.pem"'))
    assert found.listeners[0].tls is not None
    assert found.listeners[0].tls.key is None


@pytest.mark.parametrize(
    ("tls", "key", "name"),
    [
        ('certificate = "a.pem", key = "b.key"', "key", "key-of-another"),
        ('certificate = "a.pem", key = "locked.key"', "key", "not-a-key"),
        ('certificate = "a.pem", key = "a.pem"', "key", "not-a-key"),
        ('certificate = "a.pem"', "certificate", "not-a-key"),
        ('certificate = "a.key", key = "a.key"', "certificate", "not-a-certificate"),
        ('certificate = "none.pem", key = "a.key"', "certificate", "no-such-file"),
        ('certificate = "a.pem", key = "none.key"', "key", "no-such-file"),
        ('certificate = "a.pem", key = "."', "key", "file-is-a-folder"),
        ('key = "a.key"', "key", "key-without-certificate"),
        ('certificate = "a.pem", key = "a.key", clients = "no.pem"', "clients", "no-such-file"),
        ('certificate = "a.pem", key = "a.key", clients = "b.key"', "clients", "not-a-certificate"),
        ('mode = "ssl", certificate = "a.pem", key = "a.key"', "mode", "not-a-choice"),
    ],
)
def test_what_is_wrong_with_which_file_is_told(
    tmp_path: Path, tls: str, key: str, name: str
) -> None:
    make(tmp_path, "a")
    make(tmp_path, "b")
    make(tmp_path, "locked", password=b"secret")
    with pytest.raises(config.ConfigError) as caught:
        config.load(listener(tmp_path, tls))
    found = [(mistake.key, mistake.text) for mistake in caught.value.mistakes]
    assert found == [(f"listener[1].tls.{key}", name)]


@pytest.mark.parametrize(
    ("file", "name"), [("none.pem", "no-such-file"), ("a.key", "not-a-certificate"), ("a.pem", "")]
)
def test_authorities_of_other_servers_are_looked_at(tmp_path: Path, file: str, name: str) -> None:
    make(tmp_path, "a")
    text = tmp_path / "ulak.toml"
    text.write_text(f'[delivery]\nauthorities = "{file}"\n', "utf-8")
    if not name:
        assert config.load(text).delivery.authorities == tmp_path / file
        return
    with pytest.raises(config.ConfigError) as caught:
        config.load(text)
    assert [(m.key, m.text) for m in caught.value.mistakes] == [("delivery.authorities", name)]


ISSUER = '[[login.issuer]]\nissuer = "{0}"\naudience = ["ulak"]\nkeys = "{1}"\n'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no-such-file"),
        (b"{}", "no-keys-of-issuer"),
        (b"nonsense", "no-keys-of-issuer"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no-keys-of-issuer"),
    ],
)
def test_a_file_of_an_issuer_has_to_have_keys(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "keys.json").write_bytes(content)
    file = tmp_path / "ulak.toml"
    file.write_text(ISSUER.format("https://id.example", "keys.json"), "utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.load(file)
    (mistake,) = caught.value.mistakes
    assert mistake.text == why


def test_an_issuer_has_one_table(tmp_path: Path) -> None:
    make(tmp_path, "a")
    file = tmp_path / "ulak.toml"
    file.write_text(2 * ISSUER.format("https://id.example", "a.pem"), "utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.load(file)
    (mistake,) = caught.value.mistakes
    assert mistake.text == "issuer-twice"


def test_a_key_that_is_too_small_is_called_so(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65_537, 1024)
    write(tmp_path, "weak", key, b"")
    with pytest.raises(config.ConfigError) as caught:
        config.load(listener(tmp_path, 'certificate = "weak.pem", key = "weak.key"'))
    found = [(mistake.key, mistake.text) for mistake in caught.value.mistakes]
    assert found == [("listener[1].tls.certificate", "certificate-too-weak")]
