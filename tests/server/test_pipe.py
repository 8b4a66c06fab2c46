"""TLS between memories: what the server's side gives of a connection and what it refuses."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, rsa, x25519
from OpenSSL import SSL

from ulak.lab.certificate import Certificate, authority, certificate
from ulak.server.certified import Certified
from ulak.server.pipe import TlsPipe
from ulak.server.tls import TlsContext, context, renew
from ulak.server.wire import CertificateError


@functools.cache
def files() -> Path:
    """Give a folder with the certificates that all tests of this page share."""
    folder = Path(tempfile.mkdtemp())
    certificate("mx.example.org").write(folder)
    (folder / "ca.pem").write_bytes(vouching().certificate)
    return folder


@functools.cache
def vouching() -> Certificate:
    return authority("Members")


@functools.cache
def server(*, asks: bool = False) -> TlsContext:
    folder = files()
    clients = folder / "ca.pem" if asks else None
    return context(folder / "server.pem", folder / "server.key", clients)


def trusting() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class Peer:
    """A client whose octets are carried to the pipe and back."""

    def __init__(
        self,
        pipe: TlsPipe,
        client: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.pipe = pipe
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (client or trusting()).wrap_bio(self._in, self._out, session=session)

    def shake(self, *, piece: int = 100_000) -> Peer:
        """Shake hands, with the client's octets in pieces. Raises ssl.SSLError."""
        while True:
            done = True
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            self.carry(piece=piece)
            if done or self.pipe.problem:
                break
        self.hear()
        return self

    def carry(self, *, piece: int = 100_000) -> bytes:
        octets, said = self._out.read(), b""
        for at in range(0, len(octets), piece):
            said += self.pipe.receive(octets[at : at + piece])
        self._in.write(self.pipe.outgoing())
        return said

    def say(self, octets: bytes, *, piece: int = 100_000) -> bytes:
        """Say something; give what the pipe understood."""
        view = memoryview(octets)
        while view:
            view = view[self.tls.write(view) :]
        return self.carry(piece=piece)

    def hear(self) -> bytes:
        self._in.write(self.pipe.outgoing())
        heard = b""
        try:
            while octets := self.tls.read(65_536):
                heard += octets
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return heard


def test_what_is_said_comes_out_whole_however_it_is_cut() -> None:
    for piece in (1, 7, 100_000):
        peer = Peer(server().pipe()).shake(piece=piece)
        assert peer.pipe.established
        assert peer.say(b"EHLO\r\n" * 5000, piece=piece) == b"EHLO\r\n" * 5000
        peer.pipe.send(b"250 ok\r\n" * 20_000)
        assert peer.hear() == b"250 ok\r\n" * 20_000


def test_the_name_is_protocol_and_cipher() -> None:
    assert Peer(server().pipe()).shake().pipe.name.startswith("TLSv1.3 with TLS_AES_")
    old = trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert Peer(server().pipe(), old).shake().pipe.name.startswith("TLSv1.2 with ECDHE-ECDSA-")


def test_a_binding_is_of_one_connection_and_only_under_tls_1_3() -> None:
    one, other = Peer(server().pipe()).shake(), Peer(server().pipe()).shake()
    assert one.pipe.binding is not None
    assert len(one.pipe.binding) == 32
    assert one.pipe.binding == one.pipe.binding != other.pipe.binding
    old = trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert Peer(server().pipe(), old).shake().pipe.binding is None
    assert Peer(server().pipe(), old).shake().pipe.bindings == {}


def test_the_binding_to_the_certificate_is_its_hash() -> None:
    pipe = Peer(server().pipe()).shake().pipe
    der = x509.load_pem_x509_certificate(server().certificate.read_bytes()).public_bytes(
        serialization.Encoding.DER
    )
    assert pipe.bindings["tls-server-end-point"] == hashlib.sha256(der).digest()
    assert pipe.bindings["tls-exporter"] == pipe.binding


def test_both_sides_have_the_same_binding() -> None:
    """With OpenSSL on the other side too: the standard library cannot export."""
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    client.set_connect_state()
    pipe = server().pipe()
    for _ in range(3):
        with contextlib.suppress(SSL.WantReadError):
            client.do_handshake()
        pipe.receive(client.bio_read(65_536))
        client.bio_write(pipe.outgoing())
        if pipe.established:
            break
    label = b"EXPORTER-Channel-Binding"
    assert pipe.binding == client.export_keying_material(label, 32, b"")


def member(*names: str, issuer: Certificate | None, expired: bool = False) -> ssl.SSLContext:
    client = trusting()
    with tempfile.TemporaryDirectory() as folder:
        papers = certificate(*names, issuer=issuer, expired=expired).write(Path(folder))
        client.load_cert_chain(*papers)
    return client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_is_known_by_a_certificate_that_is_vouched_for(version: ssl.TLSVersion) -> None:
    client = member("ada@example.org", "host.example.org", issuer=vouching())
    client.maximum_version = version
    pipe = Peer(server(asks=True).pipe(), client).shake().pipe
    assert isinstance(pipe.client, Certified)
    assert pipe.client.mailboxes == ("ada@example.org",)
    assert pipe.client.hosts == ("host.example.org",)
    assert len(pipe.client.fingerprint) == 64
    assert pipe.doubt == ""


@pytest.mark.parametrize(
    ("issuer", "expired", "doubt"),
    [
        (None, False, "self signed"),
        ("stranger", False, "unable to"),
        ("members", True, "expired"),
    ],
)
def test_a_certificate_that_nobody_vouches_for_is_none_and_no_hindrance(
    issuer: str | None, doubt: str, *, expired: bool
) -> None:
    signs = {None: None, "stranger": authority("Stranger"), "members": vouching()}[issuer]
    client = member("ada@example.org", issuer=signs, expired=expired)
    peer = Peer(server(asks=True).pipe(), client).shake()
    assert peer.say(b"NOOP\r\n") == b"NOOP\r\n"
    assert peer.pipe.client is None
    assert peer.pipe.doubt
    assert doubt in peer.pipe.doubt


def test_a_client_needs_no_certificate_and_is_not_asked_where_nobody_could_vouch() -> None:
    pipe = Peer(server(asks=True).pipe()).shake().pipe
    assert pipe.client is None
    assert pipe.doubt == ""
    client = member("ada@example.org", issuer=vouching())
    assert Peer(server().pipe(), client).shake().pipe.client is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("issuer", ["stranger", "members"])
def test_a_doubted_certificate_does_not_come_back_believed_in_a_resumed_session(
    issuer: str, version: ssl.TLSVersion
) -> None:
    signs = {"stranger": authority("Stranger"), "members": vouching()}[issuer]
    client = member("ada@example.org", issuer=signs)
    client.maximum_version = version
    first = Peer(server(asks=True).pipe(), client).shake()
    again = Peer(server(asks=True).pipe(), client, first.tls.session).shake()
    assert not again.tls.session_reused
    assert (again.pipe.client is not None) == (issuer == "members")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_resumes_a_session_until_the_certificate_is_renewed(
    version: ssl.TLSVersion,
) -> None:
    folder = files()
    live = context(folder / "server.pem", folder / "server.key")
    client = trusting()
    client.maximum_version = version
    first = Peer(live.pipe(), client).shake()
    again = Peer(live.pipe(), client, first.tls.session).shake()
    assert again.tls.session_reused
    if version is ssl.TLSVersion.TLSv1_3:
        assert again.pipe.binding != first.pipe.binding
    renew(live, folder / "server.pem", folder / "server.key")
    assert not Peer(live.pipe(), client, first.tls.session).shake().tls.session_reused


@pytest.mark.parametrize(
    ("offered", "chosen"), [([], None), (["smtp"], "smtp"), (["h2", "smtp"], "smtp")]
)
def test_a_client_that_comes_for_mail_is_welcome(offered: list[str], chosen: str | None) -> None:
    client = trusting()
    if offered:
        client.set_alpn_protocols(offered)
    peer = Peer(server().pipe(), client).shake()
    assert peer.tls.selected_alpn_protocol() == chosen


def test_a_client_that_comes_for_the_web_hears_so_in_an_alert() -> None:
    client = trusting()
    client.set_alpn_protocols(["h2", "http/1.1"])
    peer = Peer(server().pipe(), client)
    with contextlib.suppress(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    peer.carry()
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        peer.tls.do_handshake()
    assert peer.pipe.problem == "the client wants to speak h2, http/1.1"
    assert Peer(server().pipe()).shake().pipe.established, "the next one is not taken for it"


@pytest.mark.parametrize(
    "said", [b"EHLO c.example\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01"]
)
def test_what_is_no_tls_is_a_problem_and_nothing_more_comes_of_it(said: bytes) -> None:
    pipe = server().pipe()
    assert pipe.receive(said + bytes(20)) == b""
    assert pipe.problem
    assert pipe.receive(b"anything") == b""
    pipe.send(b"554 no\r\n")
    assert b"554" not in pipe.outgoing()


def test_nothing_is_said_before_there_is_tls() -> None:
    pipe = server().pipe()
    pipe.send(b"220 hello\r\n")
    assert pipe.problem
    assert b"220" not in pipe.outgoing()


def test_what_comes_behind_the_end_says_nothing_and_takes_no_room() -> None:
    peer = Peer(server().pipe()).shake()
    peer.say(b"DATA\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    assert peer.carry() == b""
    assert peer.pipe.ended
    assert peer.pipe.receive(b"MAIL FROM:<>\r\n" * 1000) == b""
    assert not peer.pipe.problem
    peer.pipe.end()
    assert peer.hear() == b""


def pem(
    key: ed448.Ed448PrivateKey | rsa.RSAPrivateKey | x25519.X25519PrivateKey, word: str
) -> bytes:
    hidden = serialization.BestAvailableEncryption(word.encode()) if word else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        hidden or serialization.NoEncryption(),
    )


def test_files_that_cannot_be_used_are_named_with_the_reason(tmp_path: Path) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)
    bad = tmp_path / "bad"
    bad.write_bytes(b"nothing of this kind")
    with pytest.raises(CertificateError, match="bad cannot be used for TLS: there is no certif"):
        context(bad, key)
    with pytest.raises(CertificateError, match="bad cannot be used for TLS: there is no key in it"):
        context(chain, bad)
    with pytest.raises(CertificateError, match="bad cannot be used for TLS: there is no certif"):
        context(chain, key, bad)
    bad.write_bytes(pem(ed448.Ed448PrivateKey.generate(), "secret"))
    with pytest.raises(CertificateError, match="bad cannot be used for TLS: it has a password"):
        context(chain, bad)
    for other in (
        x25519.X25519PrivateKey.generate(),
        rsa.generate_private_key(65_537, 2048),
    ):
        bad.write_bytes(pem(other, ""))
        with pytest.raises(CertificateError, match="bad cannot be used for TLS: "):
            context(chain, bad)
