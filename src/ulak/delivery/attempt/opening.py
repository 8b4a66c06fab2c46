"""Opening a session with one address of one host: the socket, the greeting, TLS (RFC 3207)."""

from __future__ import annotations

import asyncio
from functools import cached_property

from ulak.delivery import conclusion
from ulak.delivery.attempt.place import Place
from ulak.delivery.connection import Connection, Key, words
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome
from ulak.delivery.pool import Pool
from ulak.delivery.sending import Sending
from ulak.delivery.target import Way
from ulak.smtp.client import ClientCore, Stage, Step


class Opening:
    """Opens sessions for all attempts of a carrier."""

    def __init__(self, sending: Sending, pool: Pool) -> None:
        self.sending = sending
        self.pool = pool
        self._usual = Demands(tls=sending.tls)
        self._times = sending.timeouts.by_stage()
        self._names = frozenset(
            name.encode().lower() for name in (sending.hostname, *sending.names)
        )

    def demands(self, *, strict: bool) -> Demands:
        """Say what a session has to be. `strict`: as RFC 8689 §4.2.1 has it."""
        return self._strict if strict else self._usual

    @cached_property
    def _strict(self) -> Demands:
        return Demands("proven", self.sending.proven(), required=True)

    async def open(
        self, way: Way, place: Place, key: Key, demands: Demands, domain: str
    ) -> Connection | Outcome:
        """Open a session as it is demanded; the outcome for everybody where there is none.

        A permanent `route-to-self` among them is the last word; with others the next host may be
        tried. `domain` is that of a recipient.
        """
        pool, context = self.pool, demands.tls
        plain = ""
        if context is not None and not demands.required and not place.host.path:
            plain = pool.plain(place.spot)
        while True:
            starttls = context is not None and not place.host.path and not plain
            core = ClientCore(self.sending.hostname, lmtp=way is Way.LMTP, starttls=starttls)
            connection = await self._connect(core, place, key)
            if isinstance(connection, Outcome):
                return connection
            try:
                step = await connection.opened()
                problem = ""
                if step is Step.TLS and context is not None:
                    problem = await connection.start_tls(context, place.named(demands))
                    step = Step.OVER if problem else await connection.opened()
            except BaseException:
                connection.abort()
                raise
            if plain:
                connection.notes["tls-failed"] = plain
            if self._is_ours(connection, way, place):
                connection.leave()
                return conclusion.own(domain, connection.label)
            if step is Step.READY and demands.required and not core.secure:
                connection.leave()
                return _insecure(connection)
            if step is Step.READY:
                if core.tls_refused is not None:
                    connection.notes["tls-refused"] = str(core.tls_refused)
                return connection
            connection.leave()
            problem = problem or _tls_trouble(core)
            if problem and demands.required:
                if connection.unproven:
                    return conclusion.unproven(connection.label, problem, connection)
                return conclusion.tls_failed(connection, problem)
            if not problem or plain:
                pool.avoid(place.spot)
                return conclusion.session(connection)
            plain = problem
            pool.speak_plain(place.spot, problem)

    async def _connect(self, core: ClientCore, place: Place, key: Key) -> Connection | Outcome:
        sending, pool = self.sending, self.pool
        host, address, label = place.host, place.address, place.label
        loop = asyncio.get_running_loop()

        def make() -> Connection:
            return Connection(core, key, label, self._times, pool.forget)

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
            pool.avoid(place.spot)
            return conclusion.unreachable(label, words(error))
        pool.add(connection)
        return connection

    def _is_ours(self, connection: Connection, way: Way, place: Place) -> bool:
        """Whether this server has been reached itself (RFC 5321 §5.1). LMTP may bear its name."""
        if way is Way.LMTP or place.host.port not in self.sending.ports:
            return False
        core = connection.core
        names = {core.greeted_by.encode().lower(), core.offer.name.encode().lower()}
        return not names.isdisjoint(self._names)


def _insecure(connection: Connection) -> Outcome:
    """Say why there is no TLS where there has to be."""
    refused = connection.core.tls_refused
    if refused is None:
        return conclusion.unproven(connection.label, "it offers no TLS", connection)
    problem = f"it did not begin TLS: {refused}"
    if refused.permanent:
        return conclusion.unproven(connection.label, problem, connection)
    return conclusion.tls_failed(connection, problem)


def _tls_trouble(core: ClientCore) -> str:
    """Say what went wrong where the session broke over TLS, `""` where it was something else."""
    failure = core.failure
    if failure is None or failure.reply is not None:
        return ""
    if failure.stage in (Stage.STARTTLS, Stage.HANDSHAKE) or (
        failure.stage is Stage.HELLO and core.secure
    ):
        return failure.problem or "the session broke off"
    return ""
