"""The client's side of TLS where a TLSA record has to fit the server's chain (RFC 7672 §3).

It is pyOpenSSL's over memory, for it shows the whole chain; everything else on its way out has
the standard library's TLS (docs/adr/dane-by-pyopenssl.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from OpenSSL import SSL, crypto

from ulak.checks import mta_sts
from ulak.checks.dane import END_ENTITY, TRUST_ANCHOR, Tlsa, fits
from ulak.delivery.transport.policy import Dane

_RECORD = 16_384  # octets of one record at most (RFC 8446 §5.1)
_WIRE = 65_536
_MOST_CERTIFICATES = 10
_EXPIRED = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, …_HAS_EXPIRED


class Handshake:
    """One TLS connection to a server: first the handshake, then what goes over it.

    `names` are those of which the certificate has to have one, where a record names who signs it.
    `established` after the handshake; `problem` where there was none or it is over, and `fault`
    what RFC 8460 §4.3 calls it where the server was not the right one. `fit` is the record that
    fits.
    """

    __slots__ = (
        "_connection",
        "_dane",
        "_names",
        "ended",
        "established",
        "fault",
        "fit",
        "problem",
    )

    def __init__(self, dane: Dane, names: Sequence[str]) -> None:
        self._dane, self._names = dane, names
        self._connection = SSL.Connection(_context(), None)
        with suppress(ValueError):  # a name that none can be: then the server chooses
            self._connection.set_tlsext_host_name(dane.base.encode("ascii"))
        self._connection.set_connect_state()
        self.established = False
        self.ended = False
        self.problem = ""
        self.fault = ""
        self.fit: Tlsa | None = None
        with suppress(SSL.WantReadError):
            self._connection.do_handshake()

    @property
    def version(self) -> str:
        """Name the version of TLS."""
        return self._connection.get_protocol_version_name()

    def receive(self, octets: bytes) -> bytes:
        """Take octets from the server and give what they say.

        After each call, what `outgoing` gives has to be sent.
        """
        connection, said = self._connection, list[bytes]()
        if self.ended or self.problem:
            return b""
        try:
            connection.bio_write(octets)
            if not self.established:
                connection.do_handshake()
                self.established = True
                self._judge()
            while not self.problem:
                said.append(connection.recv(_RECORD))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        except SSL.Error as error:
            self.problem = _words(error)
        return b"".join(said)

    def send(self, octets: bytes) -> bytes:
        """Take octets for the server, and give those to be sent; none where TLS is over."""
        view = memoryview(octets)
        try:
            while view:
                view = view[self._connection.send(view[:_WIRE]) :]
        except SSL.Error as error:
            self.problem = self.problem or _words(error)
        return self.outgoing()

    def outgoing(self) -> bytes:
        """Give the octets to be sent now."""
        pieces = []
        with suppress(SSL.WantReadError):  # there are no more
            while True:
                pieces.append(self._connection.bio_read(_WIRE))
        return b"".join(pieces)

    def _judge(self) -> None:
        if not self._dane.records:
            return  # TLS, and no proof (RFC 7672 §2.2)
        chain = self._connection.get_peer_cert_chain(as_cryptography=True) or []
        self.fit, self.fault, problem = judge(
            self._dane.records, chain[:_MOST_CERTIFICATES], self._names
        )
        self.problem = problem


def judge(
    records: Sequence[Tlsa], chain: Sequence[x509.Certificate], names: Sequence[str]
) -> tuple[Tlsa | None, str, str]:
    """Give the record that a chain fits; or None, what RFC 8460 §4.3 calls it, and words for it.

    DANE-EE looks at the server's own certificate alone, and at none of its names and dates (RFC
    7672 §3.1.1); DANE-TA wants the chain to be sound up to the certificate or key of the record,
    and one of the names (§3.1.2).
    """
    if not chain:
        return None, "validation-failure", "the server has shown no certificate"
    for record in records:
        if record.usage == END_ENTITY and fits(record, chain[0]):
            return record, "", ""
    fault, problem = "validation-failure", "its certificate fits none of the TLSA records"
    for record in records:
        if record.usage != TRUST_ANCHOR:
            continue
        for anchor in _anchors(record, chain):
            code, words = _unsound(chain, anchor)
            if code:
                fault = "certificate-expired" if code in _EXPIRED else "certificate-not-trusted"
                problem = f"its certificate is not valid: {words}"
            elif not any(_named(chain[0], name) for name in names):
                fault = "certificate-host-mismatch"
                problem = f"its certificate is not for {' or '.join(names)}"
            else:
                return record, "", ""
    return None, fault, problem


def _anchors(record: Tlsa, chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Give the certificates from which a record of a trust anchor lets trust begin.

    The anchor may be left out of the chain where the record has all of it (RFC 7672 §3.1.2).
    """
    found = [each for each in chain[1:] if fits(record, each)]
    if found or record.matching:
        return found
    with suppress(ValueError, UnsupportedAlgorithm):
        if record.selector == 0:
            return [x509.load_der_x509_certificate(record.data)]
        key = load_der_public_key(record.data)
        return [each for each in chain if _signed_with(each, key)]
    return []


def _signed_with(certificate: x509.Certificate, key: object) -> bool:
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    hashed = certificate.signature_hash_algorithm
    try:
        match key:
            case rsa.RSAPublicKey() if hashed is not None:
                key.verify(signature, signed, padding.PKCS1v15(), hashed)
            case ec.EllipticCurvePublicKey() if hashed is not None:
                key.verify(signature, signed, ec.ECDSA(hashed))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _unsound(chain: Sequence[x509.Certificate], anchor: x509.Certificate) -> tuple[int, str]:
    """Give OpenSSL's number and words for what is wrong with a chain up to an anchor."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    above = [crypto.X509.from_cryptography(each) for each in chain[1:]]
    try:
        store.add_cert(crypto.X509.from_cryptography(anchor))
        leaf = crypto.X509.from_cryptography(chain[0])
        crypto.X509StoreContext(store, leaf, above).verify_certificate()
    except crypto.X509StoreContextError as error:
        return int(error.errors[0]), str(error.errors[2])
    return 0, ""


def _named(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate has a name, by itself or by `*.` for its first label.

    Its subject counts only where it has no names of DNS at all (RFC 7672 §3.2.3).
    """
    names: list[str] = []
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass
    except (x509.DuplicateExtension, ValueError):
        return False
    if not names:
        with suppress(ValueError):  # a subject that cannot be read names nobody
            common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            names = [each.value for each in common if isinstance(each.value, str)]
    return any(mta_sts.matches(each, name) for each in names)


@cache
def _context() -> SSL.Context:
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)  # RFC 8996
    made.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_verify(SSL.VERIFY_NONE)  # the records say what counts
    return made


def _words(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else ()
    return str(reasons[-1][2]) if reasons else "the handshake failed"
