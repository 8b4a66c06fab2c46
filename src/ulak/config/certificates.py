"""Whether the files with certificates and keys are there, and belong together."""

from __future__ import annotations

import ssl
from pathlib import Path as File

from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.settings import Tls

_TOO_WEAK = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")


def check_certificate(path: Path, tls: Tls, report: Report) -> None:
    """Load the files as the listener will, and say what is wrong with which."""
    if tls.clients is not None:
        check_authorities((*path, "clients"), tls.clients, report)
    check_pair(path, tls.certificate, tls.key, report)


def check_pair(path: Path, certificate: File | None, own: File | None, report: Report) -> None:
    """See that a certificate and its key can be used; `own` is None where one file has both."""
    if certificate is None:
        if own is not None:
            report.clash(((*path, "key"),), "key-without-certificate")
        return
    key = own or certificate
    where = (*path, "certificate"), (*path, "key" if own else "certificate")
    files = dict.fromkeys(zip((certificate, key), where, strict=True))
    if not all([readable(file, at, report) for file, at in files]):  # noqa: C419 -- tell of both
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password: a key that wants one must not wait for somebody at a terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            report.clash(where, "key-of-another", path=str(key))
        elif error.reason in _TOO_WEAK:
            report.clash(where[:1], "certificate-too-weak", path=str(certificate))
        elif _is_certificate(certificate):
            report.clash(where[1:], "not-a-key", path=str(key))
        else:
            report.clash(where[:1], "not-a-certificate", path=str(certificate))


def check_authorities(where: Path, file: File, report: Report) -> None:
    """See that a file has certificates that can be believed."""
    if readable(file, where, report) and not _is_certificate(file):
        report.clash((where,), "not-a-certificate", path=str(file))


def check_keys(where: Path, file: File, report: Report) -> None:
    """See that a file has public keys of an issuer of tokens."""
    from ulak.accounts import keyfile  # noqa: PLC0415 -- hardly anybody has one

    if not readable(file, where, report):
        return
    try:
        keyfile.read(file)
    except keyfile.KeysError:
        report.clash((where,), "no-keys-of-issuer", path=str(file))


def readable(file: File, at: Path, report: Report) -> bool:
    """See that a file can be read, and say why where it cannot."""
    try:
        with file.open("rb"):
            return True
    except FileNotFoundError:
        report.clash((at,), "no-such-file", path=str(file))
    except IsADirectoryError:
        report.clash((at,), "file-is-a-folder", path=str(file))
    except OSError:
        report.clash((at,), "file-unreadable", path=str(file))
    return False


def _is_certificate(file: File) -> bool:
    try:
        ssl.create_default_context(cafile=str(file))
    except ssl.SSLError:
        return False
    return True
