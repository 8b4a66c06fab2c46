"""What docs/tls.md says of versions, suites, groups and sessions is what clients meet."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from ulak.server.pipe import TlsPipe
from ulak.server.tls import TlsContext, context

DOCUMENT = Path(__file__).parents[2] / "docs" / "tls.md"
VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


def rows(title: str) -> Iterator[list[str]]:
    """Give the rows of the table under a heading of the page."""
    text = DOCUMENT.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    for line in text.split("\n"):
        if line.startswith("| ") and not line.endswith(("| version | |", "| | |", "| group | |")):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0] not in ("version", "suite", "group", ""):
                yield cells


@functools.cache
def server(kind: str) -> TlsContext:
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ECDSA"
        else rsa.generate_private_key(65_537, 2048)
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.org")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "both.pem"
        both.write_bytes(made.public_bytes(pem) + private)
        return context(both, both)


def willing(lowest: int, highest: int) -> SSL.Context:
    """Make a client that takes everything that its OpenSSL can be brought to."""
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_cipher_list(b"ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    made.set_min_proto_version(lowest)
    made.set_max_proto_version(highest)
    return made


def shake(client: SSL.Context, pipe: TlsPipe) -> SSL.Connection:
    """Shake hands; what fails is the pipe's `problem`."""
    peer = SSL.Connection(client, None)
    peer.set_connect_state()
    for _ in range(4):
        try:
            peer.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error:
            break
        try:
            pipe.receive(peer.bio_read(65_536))
        except SSL.WantReadError:
            break
        if outgoing := pipe.outgoing():
            peer.bio_write(outgoing)
        if pipe.problem:
            break
    return peer


@pytest.mark.parametrize(("version", "said"), [r for r in rows("Versions") if r[0] in VERSIONS])
def test_a_version_is_spoken_as_the_page_says(version: str, said: str) -> None:
    pipe = server("ECDSA").pipe()
    number = VERSIONS[version]
    shake(willing(number, number), pipe)
    assert pipe.established == (said == "accepted")
    assert pipe.problem == ("" if pipe.established else "unsupported protocol")
    if pipe.established:
        assert pipe.name.startswith(f"{version} with ")


def test_a_client_that_knows_old_and_new_versions_gets_the_newest() -> None:
    pipe = server("ECDSA").pipe()
    shake(willing(SSL.TLS1_VERSION, SSL.TLS1_3_VERSION), pipe)
    assert pipe.name.startswith("TLSv1.3 with ")


@pytest.mark.parametrize(("suite", "version", "said"), list(rows("Cipher suites")))
def test_a_suite_is_spoken_as_the_page_says(suite: str, version: str, said: str) -> None:
    number = VERSIONS[version]
    client = willing(number, number)
    if version == "TLSv1.3":
        client.set_tls13_ciphersuites(suite.encode())
    else:
        client.set_cipher_list(suite.encode() + b":@SECLEVEL=0")
    pipe = server("ECDSA" if "ECDSA" in suite else "RSA").pipe()
    shake(client, pipe)
    assert pipe.established == (said == "accepted")
    if pipe.established:
        assert pipe.name == f"{version} with {suite}"
    else:
        assert pipe.problem == "no shared cipher"


def test_the_page_names_every_suite() -> None:
    named = {suite for suite, _, said in rows("Cipher suites") if said == "accepted"}
    offered = set(SSL.Connection(server("RSA").inner, None).get_cipher_list())
    assert offered == named


CURVES = {"prime256v1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1()}


@pytest.mark.parametrize("group", list(CURVES))
def test_a_group_is_taken(group: str) -> None:
    assert [group, "accepted"] in list(rows("Groups of the key exchange"))
    client = willing(SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    client.set_tmp_ecdh(CURVES[group])
    pipe = server("ECDSA").pipe()
    assert shake(client, pipe).get_group_name() in (group, {"prime256v1": "secp256r1"}.get(group))
    assert pipe.established


def test_the_group_that_is_preferred_is_the_one_for_the_future() -> None:
    (preferred,) = [g for g, said in rows("Groups of the key exchange") if "preferred" in said]
    pipe = server("ECDSA").pipe()
    client = willing(SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)
    assert shake(client, pipe).get_group_name() == preferred


def test_sessions_come_back_by_ticket_and_not_by_identifier() -> None:
    for options, resumed in ((0, True), (ssl.OP_NO_TICKET, False)):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.options |= options
        session: ssl.SSLSession | None = None
        for _ in range(2):
            pipe = server("ECDSA").pipe()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = client.wrap_bio(incoming, outgoing, session=session)
            for _ in range(3):
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                pipe.receive(outgoing.read())
                incoming.write(pipe.outgoing())
            assert pipe.established
            reused, session = tls.session_reused, tls.session
        assert reused == resumed
        assert tls.compression() is None


def test_a_client_cannot_begin_the_handshake_again() -> None:
    pipe = server("ECDSA").pipe()
    peer = shake(willing(SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION), pipe)
    assert pipe.established
    assert peer.renegotiate()
    with pytest.raises(SSL.WantReadError):
        peer.do_handshake()
    assert pipe.receive(peer.bio_read(65_536)) == b""
    peer.bio_write(pipe.outgoing())
    with pytest.raises(SSL.Error, match="no renegotiation"):
        peer.do_handshake()


def test_the_old_versions_are_out_of_reach_of_the_standard_library_too() -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old on purpose
        client.maximum_version = ssl.TLSVersion.TLSv1_1
        client.minimum_version = ssl.TLSVersion.TLSv1
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.wrap_bio(incoming, outgoing)
    pipe = server("RSA").pipe()
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    pipe.receive(outgoing.read())
    assert pipe.problem == "unsupported protocol"
    incoming.write(pipe.outgoing())
    with pytest.raises(ssl.SSLError, match="protocol version"):
        tls.do_handshake()
