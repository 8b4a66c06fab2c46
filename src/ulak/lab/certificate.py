"""Certificates made on the spot, good and bad ones (RFC 5280), and TLS contexts for servers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, both as PEM. `issuer` is None where it has signed itself."""

    certificate: bytes
    key: bytes
    issuer: Certificate | None = None

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """Write both into a folder, the key readable by nobody else; give the two paths."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_bytes(self.chain)
        handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self.key)
        return chain, key

    @property
    def chain(self) -> bytes:
        """The certificate and those above it, without the last."""
        if self.issuer is None or self.issuer.issuer is None:
            return self.certificate
        return self.certificate + self.issuer.chain


def authority(name: str = "Lab") -> Certificate:
    """Make a certificate that can sign others."""
    return _make(name, (), None, 0, 3650)


def certificate(
    *names: str, issuer: Certificate | None = None, expired: bool = False, subject: str = ""
) -> Certificate:
    """Make a certificate for DNS names, IP and mail addresses, signed by `issuer` or by itself.

    `subject` is its common name, in place of the first of the names.
    """
    first, last = (-30, -1) if expired else (-1, 90)
    return _make(subject or names[0], names, issuer, first, last)


def _make(
    subject: str, names: tuple[str, ...], issuer: Certificate | None, first: int, last: int
) -> Certificate:
    """Make one that is valid from `first` to `last`, in days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    signer: ec.EllipticCurvePrivateKey = key
    above = name
    if issuer is not None:
        loaded = serialization.load_pem_private_key(issuer.key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101 -- made in here
        signer = loaded
        above = x509.load_pem_x509_certificate(issuer.certificate).subject
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first * _DAY)
        .not_valid_after(now + last * _DAY)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(n) for n in names]), critical=False
        )
    signed = builder.sign(signer, hashes.SHA256())
    return Certificate(
        signed.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        issuer,
    )


def _general(name: str) -> x509.GeneralName:
    if "@" in name:
        return x509.RFC822Name(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def server_context(certificate: Certificate, *, old: bool = False) -> ssl.SSLContext:
    """Make the context of a server. `old`: one that speaks nothing newer than TLS 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(*certificate.write(Path(folder)))
    if old:
        with warnings.catch_warnings():
            # Python rightly warns of what is made here on purpose.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context
