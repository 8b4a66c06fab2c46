"""Who a client is by its certificate: the names that one of our authorities vouches for."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Certified:
    """The names in a client's certificate (RFC 5280 §4.2.1.6), and its SHA-256 in hexadecimal.

    `mailboxes` are its rfc822Names, `hosts` its dNSNames.
    """

    mailboxes: tuple[str, ...]
    hosts: tuple[str, ...]
    fingerprint: str


def certified(certificate: x509.Certificate) -> Certified:
    """Read the names of a certificate that was verified. One that cannot be read names nobody."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        mailboxes, hosts = [], []
    else:
        mailboxes = extension.value.get_values_for_type(x509.RFC822Name)
        hosts = extension.value.get_values_for_type(x509.DNSName)
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    return Certified(tuple(mailboxes), tuple(hosts), fingerprint)
