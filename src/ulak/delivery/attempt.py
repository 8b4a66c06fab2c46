"""One attempt over SMTP or LMTP: hosts in turn, a connection, and an outcome for everybody.

(RFC 5321 §5.1, §4.5.4.1; RFC 2033.) The carrier opens connections or takes them from its pool,
`smtp.client` leads the dialogue, and what was answered becomes outcomes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ulak.delivery import conclusion
from ulak.delivery.connection import Connection, Key, words
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.pool import Address, Pool
from ulak.delivery.sending import Sending
from ulak.delivery.target import Host, Target, Way
from ulak.mail.envelope import domain_of
from ulak.queue.item import Message
from ulak.replies import catalog
from ulak.smtp.client import ClientCore, Stage, Step, Transaction

_HEADER = 262_144  # octets in which a message's header ends
_ROUNDS = 50  # connections and transactions at one place in one attempt
_Place = tuple[Host, str]


def _no_incident(error: Exception) -> str:
    logging.getLogger(__name__).error("an attempt failed inside", exc_info=error)
    return "none"


class SmtpCarrier:
    """Takes messages to SMTP and LMTP servers.

    `incident` is told of an error inside and gives its id for the outcome.
    """

    def __init__(
        self, sending: Sending, incident: Callable[[Exception], str] = _no_incident
    ) -> None:
        self.sending = sending
        self.pool = Pool(sending)
        self.times = sending.timeouts.by_stage()
        self.names = frozenset(name.encode().lower() for name in (sending.hostname, *sending.names))
        self._incident = incident

    async def carry(
        self, message: Message, recipients: Sequence[str], target: Target
    ) -> list[Outcome]:
        """Make one attempt; one outcome for each recipient. Never raises; may be cancelled."""
        attempt = _Attempt(self, message, recipients, target)
        try:
            await attempt.run()
        except Exception as error:  # noqa: BLE001 -- an error inside must not lose a message
            attempt.close(conclusion.broken(self._incident(error)))
        return attempt.outcomes

    async def close(self) -> None:
        """End open connections politely."""
        await self.pool.close()


class _Attempt:
    """What one call of `carry` knows: who is undecided, and the failure that would decide."""

    __slots__ = (
        "_body",
        "_carrier",
        "_failure",
        "_message",
        "_target",
        "_undecided",
        "_utf8",
        "outcomes",
    )

    def __init__(
        self, carrier: SmtpCarrier, message: Message, recipients: Sequence[str], target: Target
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._carrier = carrier
        self._message = message
        self._target = target
        self._undecided: list[str] = list(recipients)
        self._failure: Outcome | None = None
        body = message.body
        self._body: bytes | Path = body.path if body.path is not None else (body.data or b"")
        self._utf8: bool | None = None

    async def run(self) -> None:
        """Try every place until everybody has an outcome."""
        self._refuse_bad_addresses()
        target = self._target
        if target.refusal is not None:
            self.close(conclusion.refusal(target))
        if not self._undecided:
            return
        for host, address in self._places():
            await self._at(host, address)
            if not self._undecided:
                return
        self.close(self._failure or conclusion.no_place(target))

    def close(self, template: Outcome) -> None:
        """Give the same outcome to everybody who has none."""
        self.outcomes += [replace(template, recipient=r) for r in self._undecided]
        self._undecided = []

    # -- where ------------------------------------------------------------------------------

    def _places(self) -> list[_Place]:
        hosts = self._target.hosts
        places = [(h, a) for h in hosts for a in ((h.path,) if h.path else h.addresses)]
        if len(places) > 1:
            pool = self._carrier.pool
            places.sort(key=lambda place: pool.avoided(_address(*place)))
        return places[: self._carrier.sending.places]

    async def _at(self, host: Host, address: str) -> None:
        """Send what can be sent to one address of one host."""
        target, pool = self._target, self._carrier.pool
        if (address, host.port) in self._carrier.sending.addresses:
            self.close(conclusion.own(domain_of(self._undecided[0]), address))
            return
        key: Key = (target.way, target.key, f"{host.name}\n{address}", host.port)
        for _ in range(_ROUNDS):
            connection = pool.take(key)
            reused = connection is not None
            if connection is None:
                connection = await self._open(host, address, key)
                if connection is None:
                    return
            before = len(self._undecided)
            try:
                await self._use(connection)
            except BaseException:
                connection.abort()
                raise
            pool.give(connection)
            if not self._undecided:
                return
            if not (reused and _stale(connection)) and len(self._undecided) == before:
                return

    # -- opening ----------------------------------------------------------------------------

    async def _open(self, host: Host, address: str, key: Key) -> Connection | None:
        """Open a session; None where there is none, with the failure noted."""
        pool, context = self._carrier.pool, self._carrier.sending.tls
        where = _address(host, address)
        plain = "" if host.path or context is None else pool.plain(where)
        for _ in range(2):
            starttls = context is not None and not host.path and not plain
            connection = await self._connect(host, address, key, starttls=starttls)
            if connection is None:
                return None
            try:
                step = await connection.opened()
                problem = ""
                if step is Step.TLS and context is not None:
                    problem = await connection.start_tls(context, _server_name(host, address))
                    step = Step.OVER if problem else await connection.opened()
            except BaseException:
                connection.abort()
                raise
            if plain:
                connection.notes["tls-failed"] = plain
            if self._is_ours(connection, host):
                connection.leave()
                domain = domain_of(self._undecided[0])
                self.close(conclusion.own(domain, connection.label))
                return None
            if step is Step.READY:
                if connection.core.tls_refused is not None:
                    connection.notes["tls-refused"] = str(connection.core.tls_refused)
                return connection
            connection.leave()
            problem = problem or _tls_trouble(connection)
            if not problem or plain:
                pool.avoid(where)
                self._note(conclusion.session(connection))
                return None
            plain = problem
            pool.speak_plain(where, problem)
        return None

    async def _connect(
        self, host: Host, address: str, key: Key, *, starttls: bool
    ) -> Connection | None:
        carrier = self._carrier
        sending, pool = carrier.sending, carrier.pool
        label = _label(host, address)
        loop = asyncio.get_running_loop()
        core = ClientCore(sending.hostname, lmtp=self._target.way is Way.LMTP, starttls=starttls)

        def make() -> Connection:
            return Connection(core, key, label, carrier.times, pool.forget)

        try:
            async with asyncio.timeout(sending.timeouts.connect):
                if host.path:
                    _, connection = await loop.create_unix_connection(make, host.path)
                else:
                    source = sending.source6 if ":" in address else sending.source
                    _, connection = await loop.create_connection(
                        make, address, host.port, local_addr=(source, 0) if source else None
                    )
        except OSError as error:
            pool.avoid(_address(host, address))
            self._note(conclusion.unreachable(label, words(error)))
            return None
        pool.add(connection)
        return connection

    def _is_ours(self, connection: Connection, host: Host) -> bool:
        """Whether this server has been reached itself (RFC 5321 §5.1). LMTP may bear its name."""
        if self._target.way is Way.LMTP or host.port not in self._carrier.sending.ports:
            return False
        core = connection.core
        names = {core.greeted_by.encode().lower(), core.offer.name.encode().lower()}
        return not names.isdisjoint(self._carrier.names)

    def _note(self, failure: Outcome) -> None:
        """Keep a failure in case it is the last word; a temporary one stands over a refusal."""
        if self._failure is None or failure.result is Result.DEFERRED:
            self._failure = failure

    # -- sending ----------------------------------------------------------------------------

    async def _use(self, connection: Connection) -> None:
        """Send one message in as many transactions as its recipients need."""
        message, body = self._message, self._body
        limit = self._carrier.sending.recipients
        core = connection.core
        for _ in range(_ROUNDS):
            utf8 = self._needs_utf8()
            if not self._fits(connection, utf8=utf8):
                return
            batch = self._undecided[:limit]
            if isinstance(body, bytes):
                eight_bit = not body.isascii()
            else:
                eight_bit = message.envelope.body == "8BITMIME"
            transaction = Transaction(
                message.envelope.sender,
                tuple(batch),
                message.body.size,
                eight_bit,
                utf8 or (message.envelope.smtputf8 and not all(r.isascii() for r in batch)),
            )
            step = await connection.transact(transaction, body, message.body.size)
            notes = connection.notes
            if eight_bit and "8BITMIME" not in core.offer:
                # RFC 6152 §3 would have it converted or returned. To convert breaks signatures,
                # and servers that cannot take eight bits have died out: it goes as it is.
                notes = {**notes, "eight-bit": "as-is"}
            self._settle(connection, batch, notes)
            if step is Step.OVER or not core.usable or not self._undecided:
                return

    def _settle(self, connection: Connection, batch: list[str], facts: dict[str, str]) -> None:
        """Turn the answers of a transaction into outcomes; who has none stays undecided."""
        core = connection.core
        dialogue: tuple[str, ...] | None = None
        if self._carrier.sending.always_dialogue:
            dialogue = core.dialogue()
        left = self._undecided[len(batch) :]
        again: list[str] = []
        for recipient, answer in zip(batch, core.answers, strict=True):
            if answer is None:
                again.append(recipient)
            elif answer.reply.positive:
                self.outcomes.append(
                    Outcome(
                        recipient,
                        Result.DELIVERED,
                        catalog.DELIVERED.name,
                        str(answer.reply),
                        connection.label,
                        remote=True,
                        tls=connection.tls,
                        facts=facts,
                        dialogue=dialogue or (),
                    )
                )
            elif core.accepted and conclusion.too_many(answer):
                again.append(recipient)
            else:
                if dialogue is None:
                    dialogue = core.dialogue()
                self.outcomes.append(
                    conclusion.refused(recipient, answer, connection, facts, dialogue)
                )
        self._undecided = again + left if left else again
        if core.failure is not None and again:
            self._lost(connection)

    def _lost(self, connection: Connection) -> None:
        failure = conclusion.session(connection)
        if connection.core.after_data or connection.unreadable:
            # Another host might deliver it a second time; or it is nobody's fault but ours.
            self.close(failure)
        else:
            self._note(failure)

    # -- what fits --------------------------------------------------------------------------

    def _refuse_bad_addresses(self) -> None:
        """Let no line end or control character into a command, wherever it came from."""
        sender = self._message.envelope.sender
        if not sender.isprintable():
            self.close(conclusion.bad_address())
        elif not all(r.isprintable() for r in self._undecided):
            good = [r for r in self._undecided if r.isprintable()]
            self._undecided = [r for r in self._undecided if not r.isprintable()]
            self.close(conclusion.bad_address())
            self._undecided = good

    def _needs_utf8(self) -> bool:
        """Whether the sender or the header needs SMTPUTF8 (RFC 6531 §3.2); found once."""
        if self._utf8 is None:
            envelope = self._message.envelope
            self._utf8 = not envelope.sender.isascii() or (
                envelope.smtputf8 and not self._header().isascii()
            )
        return self._utf8

    def _header(self) -> bytes:
        body = self._body
        if isinstance(body, Path):
            try:
                with body.open("rb") as file:
                    body = file.read(_HEADER)
            except OSError:
                return b""  # sending it will say so
        return body.partition(b"\r\n\r\n")[0]

    def _fits(self, connection: Connection, *, utf8: bool) -> bool:
        """Refuse here what the server has said that it cannot take; whether somebody is left."""
        offer, message = connection.core.offer, self._message
        if 0 < offer.size < message.body.size:
            self.close(conclusion.too_large(connection))
            return False
        if "SMTPUTF8" not in offer:
            left = [] if utf8 else [r for r in self._undecided if r.isascii()]
            if len(left) < len(self._undecided):
                self._undecided = [r for r in self._undecided if utf8 or not r.isascii()]
                self.close(conclusion.lacks_smtputf8(connection))
                self._undecided = left
        return bool(self._undecided)


def _address(host: Host, address: str) -> Address:
    return (address, 0 if host.path else host.port)


def _label(host: Host, address: str) -> str:
    where = f"[{address}]" if host.path else f"[{address}]:{host.port}"
    return where if host.name in ("", address) else f"{host.name} {where}"


def _server_name(host: Host, address: str) -> str:
    """Give the name to ask for in the handshake (SNI); an IP is none."""
    return "" if host.name in ("", address) or ":" in host.name else host.name


def _stale(connection: Connection) -> bool:
    """Whether a reused connection had been closed by the server while it waited.

    Then MAIL was not answered, or with 421, and no part of the message was sent.
    """
    failure = connection.core.failure
    if failure is None or connection.timed_out or failure.babble:
        return False
    return failure.stage in (Stage.IDLE, Stage.RESET, Stage.MAIL)


def _tls_trouble(connection: Connection) -> str:
    """Say what went wrong where the session broke over TLS, `""` where it was something else."""
    core = connection.core
    failure = core.failure
    if failure is None or failure.reply is not None:
        return ""
    if failure.stage in (Stage.STARTTLS, Stage.HANDSHAKE) or (
        failure.stage is Stage.HELLO and core.secure
    ):
        return failure.problem or "the session broke off"
    return ""
