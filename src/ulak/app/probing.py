"""What `ulak probe` does, without its words: it talks to servers and sends no mail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from ulak.delivery.tls import opportunistic, verifying
from ulak.delivery.trouble import words
from ulak.diagnose.domain.mx import hosts_of
from ulak.diagnose.probe import Probed, Tls
from ulak.diagnose.probing import ProbeCore
from ulak.dns.records import Resolver
from ulak.smtp.client.states import Stage, Step

_PIECE = 65_536
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask. `tls` is `starttls`, `implicit` or `none`; `timeout` seconds for each reply."""

    hostname: str
    vrfy: tuple[str, ...] = ()
    rcpt: tuple[str, ...] = ()
    mail_from: str = ""
    tls: str = "starttls"
    timeout: float = 30.0
    authorities: Path | None = None

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands after the opening; RSET leaves no transaction behind."""
        asks = [f"VRFY {text}" for text in self.vrfy]
        if self.rcpt:
            utf8 = "" if "".join((self.mail_from, *self.rcpt)).isascii() else " SMTPUTF8"
            asks.append(f"MAIL FROM:<{self.mail_from}>{utf8}")
            asks += [f"RCPT TO:<{text}>" for text in self.rcpt]
            asks.append("RSET")
        return tuple(asks)


@dataclass(frozen=True, slots=True)
class Place:
    """A server: its name, its port, and its addresses."""

    host: str
    port: int
    addresses: tuple[str, ...]


async def mail_hosts(resolver: Resolver, domain: str) -> tuple[str, ...]:
    """Give the hosts that take mail for a domain, in the order in which they are tried."""
    answer = await resolver.resolve(domain, "MX")
    return hosts_of(answer.exchanges)


async def located(resolver: Resolver | None, host: str, port: int) -> Place:
    """Find the addresses of a host, by `resolver` or by the system."""
    if resolver is not None:
        answers = [await resolver.resolve(host, kind) for kind in ("A", "AAAA")]
        texts = tuple(text for answer in answers for text in answer.texts)
        if texts:
            return Place(host, port, texts)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return Place(host, port, ())
    return Place(host, port, tuple(dict.fromkeys(str(info[4][0]) for info in found)))


async def probe(place: Place, wish: Wish) -> Probed:
    """Talk to the first address that can be reached.

    A certificate that is not to be trusted is told, and the talk begins anew without that demand.
    """
    made = Probed(place.host, place.port, problem="it has no address", stage=Stage.GREETING.value)
    for address in place.addresses:
        made = await _talk(place, address, wish, trusting=False)
        if made.tls is not None and made.tls.problem:
            problem = made.tls.problem
            again = await _talk(place, address, wish, trusting=True)
            if again.tls is not None:
                made = _with_problem(again, problem)
        if made.said:
            break
    return made


def _with_problem(made: Probed, problem: str) -> Probed:
    tls = made.tls or Tls()
    told = Tls(
        tls.version, tls.cipher, tls.names, tls.begins, tls.ends, tls.issuer, problem, tls.failed
    )
    return Probed(
        made.host, made.port, made.address, made.said, made.offers, told, made.problem, made.stage
    )


async def _talk(place: Place, address: str, wish: Wish, *, trusting: bool) -> Probed:
    implicit = wish.tls == "implicit"
    core = ProbeCore(wish.hostname, wish.commands, starttls=wish.tls == "starttls", secure=implicit)
    context = opportunistic() if trusting else verifying(wish.authorities)
    talk = _Talk(core, wish, context, place.host)
    try:
        await talk.run(address, place.port, implicit=implicit)
    except (OSError, TimeoutError, ValueError, EOFError) as error:
        said = "the connection was closed" if isinstance(error, EOFError) else words(error)
        if talk.tls is not None and (talk.tls.problem or talk.tls.failed):
            said = ""  # told with TLS
        talk.problem = talk.problem or said
    finally:
        talk.close()
    return Probed(
        place.host,
        place.port,
        address,
        tuple(core.said),
        tuple(core.offers),
        talk.tls,
        talk.problem,
        talk.stage if talk.problem else "",
    )


class _Talk:
    """One connection."""

    def __init__(self, core: ProbeCore, wish: Wish, context: ssl.SSLContext, name: str) -> None:
        self.tls: Tls | None = None
        self.problem = ""
        self.stage = Stage.GREETING.value
        self._core = core
        self._wish = wish
        self._context = context
        self._name = name
        self._writer: asyncio.StreamWriter | None = None

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    async def run(self, address: str, port: int, *, implicit: bool) -> None:
        core = self._core
        try:
            async with asyncio.timeout(self._wish.timeout):
                reader, self._writer = await asyncio.open_connection(
                    address,
                    port,
                    ssl=self._context if implicit else None,
                    server_hostname=self._name if implicit else None,
                )
        except (ssl.SSLError, ValueError) as error:
            self.tls = _unproven(error)
            raise
        if implicit:
            self.tls = _seen(self._writer)
        while core.stage is not Stage.CLOSED:
            self.stage = core.stage.value
            async with asyncio.timeout(self._wish.timeout):
                data = await reader.read(_PIECE)
            if not data:
                raise EOFError
            step = core.feed(data)
            if step is Step.TLS:
                await self._secure()
            elif step in (Step.READY, Step.DONE) and not core.ask():
                break
            await self._flush()
        self._note()

    def _note(self) -> None:
        """Keep how it ended, where that was not by QUIT."""
        failure = self._core.failure
        if failure is None or failure.stage is Stage.QUIT:
            return
        self.stage = failure.stage.value
        self.problem = failure.problem or str(failure.reply)

    async def _secure(self) -> None:
        writer = self._writer
        assert writer is not None  # noqa: S101 -- it has just been read from
        self.stage = Stage.HANDSHAKE.value
        try:
            await writer.start_tls(
                self._context,
                server_hostname=self._name,
                ssl_handshake_timeout=self._wish.timeout,
            )
        except (OSError, ValueError) as error:
            self.tls = _unproven(error)
            raise
        self.tls = _seen(writer)
        self._core.tls_started()

    async def _flush(self) -> None:
        output = self._core.output()
        if output and self._writer is not None:
            self._writer.write(output)
            async with asyncio.timeout(self._wish.timeout):
                await self._writer.drain()


def _unproven(error: BaseException) -> Tls:
    """Say whether the certificate is at fault, or there is no TLS at all."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_message:
        return Tls(problem=error.verify_message)
    if isinstance(error, ValueError):  # a name that no certificate can have
        return Tls(problem=words(error))
    return Tls(failed=words(error))


def _seen(writer: asyncio.StreamWriter) -> Tls:
    found = writer.get_extra_info("ssl_object")
    cipher = found.cipher()
    octets = found.getpeercert(binary_form=True)
    made = Tls(found.version() or "", cipher[0] if cipher else "")
    if not octets:
        return made
    with contextlib.suppress(ValueError):
        certificate = x509.load_der_x509_certificate(octets)
        made = Tls(
            made.version,
            made.cipher,
            _names(certificate),
            certificate.not_valid_before_utc.isoformat(),
            certificate.not_valid_after_utc.isoformat(),
            certificate.issuer.rfc4514_string(),
        )
    return made


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return (certificate.subject.rfc4514_string(),)
    value = extension.value
    names: Sequence[str] = [
        *value.get_values_for_type(x509.DNSName),
        *(str(one) for one in value.get_values_for_type(x509.IPAddress)),
    ]
    return tuple(names[:_MOST_NAMES])
