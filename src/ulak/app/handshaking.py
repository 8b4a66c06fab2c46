"""Connects to mail servers to look at their TLS, and sends nothing (RFC 3207).

The session is `smtp.client`'s; the handshake is pyOpenSSL's, which shows the whole chain and what
is wrong with it instead of ending at the first fault.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from ulak.delivery.trouble import words
from ulak.diagnose.domain.addresses import private
from ulak.diagnose.domain.starttls import Shaken
from ulak.smtp.client import ClientCore, Step

TIMEOUT = 15.0  # seconds for one host
_PIECE = 16_384
_MOST_OCTETS = 200_000  # that are read of one host
_LONGEST_BANNER = 200
_FAREWELL = 1.0  # seconds for the other side to close
_CODES = SSL.X509VerificationCodes
_FAULTS = {
    _CODES.ERR_CERT_HAS_EXPIRED: "dates",
    _CODES.ERR_CERT_NOT_YET_VALID: "dates",
    _CODES.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed",
    _CODES.ERR_SELF_SIGNED_CERT_IN_CHAIN: "unknown-authority",
    _CODES.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown-authority",
    _CODES.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown-authority",
}


class Handshaker:
    """Shakes hands. `authorities` are those that are believed, None the system's."""

    def __init__(
        self, hostname: str, authorities: Path | None, *, port: int = 25,
        reach_private: bool = False,
    ) -> None:  # fmt: skip
        self._hostname, self._port = hostname, port
        self._authorities, self._reach_private = authorities, reach_private

    async def __call__(self, host: str, address: str) -> Shaken:
        """Connect to an address as a sender of mail for `host` does."""
        if not self._reach_private and private(address):
            return Shaken(address, private=True)
        talk = _Talk(address)
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._talk(talk, host)
        except TimeoutError:
            return talk.shaken(problem=f"no answer within {TIMEOUT:g} seconds")
        except OSError as error:
            return talk.shaken(problem=words(error))
        finally:
            if talk.writer is not None:
                talk.writer.transport.abort()

    async def _talk(self, talk: _Talk, host: str) -> Shaken:
        reader, talk.writer = await asyncio.open_connection(talk.address, self._port)
        core = ClientCore(self._hostname, starttls=True)
        step, size = Step.WAIT, 0
        while step is Step.WAIT:
            talk.stage = core.stage.value
            data = await reader.read(_PIECE)
            size += len(data)
            if size > _MOST_OCTETS:
                return talk.shaken(problem=f"more than {_MOST_OCTETS} octets")
            step = core.feed(data) if data else core.connection_lost("the connection was closed")
            talk.heard(data)
            talk.writer.write(core.output())
        if step is Step.TLS:
            talk.offered, talk.stage = True, "TLS"
            return await self._shake(talk, reader, host)
        if step is Step.READY:
            core.quit()
            talk.writer.write(core.output())
            refused = core.tls_refused
            if refused is not None:
                talk.offered = True
                return talk.shaken(problem=str(refused))
            return talk.shaken()
        failure = core.failure
        problem = "" if failure is None else str(failure.reply or failure.problem)
        return talk.shaken(problem=problem or "the session ended")

    async def _shake(self, talk: _Talk, reader: asyncio.StreamReader, host: str) -> Shaken:
        faults: list[str] = []

        def note(_: SSL.Connection, __: crypto.X509, code: int, ___: int, ok: int) -> bool:
            if not ok:
                faults.append(_fault(code))
            return True

        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_PEER, note)
        if self._authorities is None:
            context.set_default_verify_paths()
        else:
            context.load_verify_locations(str(self._authorities))
        tls = SSL.Connection(context, None)
        tls.set_tlsext_host_name(host.encode("ascii"))
        tls.set_connect_state()
        assert talk.writer is not None  # noqa: S101 -- it has just been written to
        size = 0
        while True:
            try:
                tls.do_handshake()
            except SSL.WantReadError:
                _flush(tls, talk.writer)
                data = await reader.read(_PIECE)
                size += len(data)
                if not data or size > _MOST_OCTETS:
                    return talk.shaken(problem="the connection was closed during the handshake")
                tls.bio_write(data)
            except SSL.Error as error:
                return talk.shaken(problem=_words(error))
            else:
                break
        tls.send(b"QUIT\r\n")
        _flush(tls, talk.writer)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):  # what is answered is of no interest any more
                while await reader.read(_PIECE):
                    pass
        certificates = tls.get_peer_cert_chain(as_cryptography=True) or ()
        chain = tuple(one.public_bytes(Encoding.DER) for one in certificates)
        return talk.shaken(
            version=tls.get_protocol_version_name(),
            cipher=tls.get_cipher_name() or "",
            chain=chain,
            distrust=faults[0] if faults else "",
        )


class _Talk:
    """One session: what is known of it when it ends, however it ends."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.writer: asyncio.StreamWriter | None = None
        self.stage = "connect"
        self.offered = False
        self._first = b""

    def heard(self, data: bytes) -> None:
        """Keep the first line: the banner."""
        if b"\n" not in self._first:
            self._first = (self._first + data)[: 2 * _LONGEST_BANNER]

    def shaken(
        self, *, problem: str = "", version: str = "", cipher: str = "",
        chain: tuple[bytes, ...] = (), distrust: str = "",
    ) -> Shaken:  # fmt: skip
        """Give what came of it."""
        banner = self._first.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
        return Shaken(
            self.address, banner[:_LONGEST_BANNER], self.offered, self.stage, problem,
            version=version, cipher=cipher, chain=chain, distrust=distrust,
        )  # fmt: skip


def _flush(tls: SSL.Connection, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            writer.write(tls.bio_read(_PIECE))
        except SSL.WantReadError:
            return


def _words(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else ()
    return str(reasons[0][2]) if reasons else "the handshake failed"


def _fault(code: int) -> str:
    return _FAULTS.get(code, f"OpenSSL fault {code}")
