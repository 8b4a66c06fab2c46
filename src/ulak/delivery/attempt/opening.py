"""Opening a session with one address of one host: the socket, the greeting, TLS, the login.

(RFC 3207, RFC 8314, RFC 4954.)
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from dataclasses import replace
from functools import cached_property

from ulak.delivery import conclusion
from ulak.delivery.attempt.place import Place
from ulak.delivery.connection import Connection, Key, words
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome
from ulak.delivery.pool import Pool
from ulak.delivery.sending import Sending
from ulak.delivery.target import Host, Target, Told, Way
from ulak.smtp.client import ClientCore, Login, Stage, Step

_SHUTDOWN = 2.0  # seconds for TLS to say goodbye


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

    # -- what is demanded -------------------------------------------------------------------

    def demands(self, target: Target, host: Host, *, strict: bool) -> Demands:
        """Say what a session has to be. `strict`: as RFC 8689 §4.2.1 has it."""
        hosts = self.sending.smarthosts
        # Only where the operator sends mail there: MX records could name a smart host as well.
        if hosts and target.told is Told.OPERATOR:
            found = hosts.get((host.name, host.port))
            if found is not None:
                return self._strictly(found) if strict else found
        return self._strict if strict else self._usual

    @cached_property
    def _strict(self) -> Demands:
        return Demands("proven", self.sending.proven(), required=True, strict=True)

    def _strictly(self, found: Demands) -> Demands:
        tls = found.tls if found.required else self._strict.tls
        return replace(found, name=f"{found.name} proven", tls=tls, required=True, strict=True)

    # -- a session --------------------------------------------------------------------------

    async def open(
        self, way: Way, place: Place, key: Key, demands: Demands, domain: str
    ) -> Connection | Outcome:
        """Open a session as it is demanded; the outcome for everybody where there is none.

        A permanent `route-to-self` among them is the last word; with others the next host may be
        tried. `domain` is that of a recipient.
        """
        pool = self.pool
        locked = pool.locked(key)
        if locked is not None:
            return locked
        plain = ""
        if demands.tls is not None and not demands.required and not place.host.path:
            plain = pool.plain(place.spot)
        while True:
            try:
                core = self._core(way, place, demands, plain=bool(plain))
            except OSError as error:
                return conclusion.no_login(place.label, words(error))
            connection = await self._connect(core, place, key, demands)
            if isinstance(connection, Outcome):
                return connection
            try:
                step, problem = await self._begin(connection, place, demands)
            except BaseException:
                connection.abort()
                raise
            if plain:
                connection.notes["tls-failed"] = plain
            if self._is_ours(connection, way, place):
                connection.leave()
                return conclusion.own(domain, connection.label)
            ready = step is Step.READY
            if demands.required and not core.secure and (ready or core.locked_out):
                connection.leave()
                return _insecure(connection, demands)
            if ready:
                if core.tls_refused is not None:
                    connection.notes["tls-refused"] = str(core.tls_refused)
                return connection
            connection.leave()
            problem = problem or _tls_trouble(core)
            if problem and demands.required:
                final = demands.strict and connection.unproven
                return conclusion.without_tls(connection.label, problem, connection, final=final)
            if not problem or plain:
                return self._given_up(connection, place, key)
            plain = problem
            pool.speak_plain(place.spot, problem)

    def _core(self, way: Way, place: Place, demands: Demands, *, plain: bool) -> ClientCore:
        by_command = demands.tls is not None and not demands.implicit
        login = None
        if demands.login is not None:
            readable = demands.required or demands.trusted
            login = Login(
                demands.login(),
                secrets.token_urlsafe(18),
                readable=readable,
                clear=not demands.required,
            )
        return ClientCore(
            self.sending.hostname,
            lmtp=way is Way.LMTP,
            starttls=by_command and not place.host.path and not plain,
            secure=demands.implicit,
            login=login,
        )

    async def _begin(
        self, connection: Connection, place: Place, demands: Demands
    ) -> tuple[Step, str]:
        """Come to READY or OVER, by TLS where it is offered; and what went wrong with that."""
        step = await connection.opened()
        if step is not Step.TLS or demands.tls is None:
            return step, ""
        problem = await connection.start_tls(demands.tls, place.named(demands))
        return (Step.OVER, problem) if problem else (await connection.opened(), "")

    def _given_up(self, connection: Connection, place: Place, key: Key) -> Outcome:
        if connection.core.locked_out:
            # One wrong password is not tried with every message: the account would be shut.
            outcome = conclusion.login_failed(connection)
            self.pool.lock(key, outcome)
            return outcome
        self.pool.avoid(place.spot)
        return conclusion.session(connection)

    async def _connect(
        self, core: ClientCore, place: Place, key: Key, demands: Demands
    ) -> Connection | Outcome:
        sending, pool = self.sending, self.pool
        host, address, label = place.host, place.address, place.label
        loop = asyncio.get_running_loop()
        times = sending.timeouts

        def make() -> Connection:
            return Connection(core, key, label, self._times, pool.forget)

        try:
            async with asyncio.timeout(times.connect + (times.tls if demands.implicit else 0)):
                if host.path:
                    _, connection = await loop.create_unix_connection(make, host.path)
                elif demands.implicit:
                    _, connection = await loop.create_connection(
                        make,
                        address,
                        host.port,
                        local_addr=self._source(address),
                        ssl=demands.tls,
                        server_hostname=place.named(demands),
                        ssl_handshake_timeout=times.tls,
                        ssl_shutdown_timeout=_SHUTDOWN,
                    )
                else:
                    _, connection = await loop.create_connection(
                        make, address, host.port, local_addr=self._source(address)
                    )
        except ssl.SSLError as error:
            unproven = isinstance(error, ssl.SSLCertVerificationError)
            return conclusion.without_tls(label, words(error), final=demands.strict and unproven)
        except OSError as error:
            pool.avoid(place.spot)
            return conclusion.unreachable(label, words(error))
        pool.add(connection)
        return connection

    def _source(self, address: str) -> tuple[str, int] | None:
        source = self.sending.source6 if ":" in address else self.sending.source
        return (source, 0) if source else None

    def _is_ours(self, connection: Connection, way: Way, place: Place) -> bool:
        """Whether this server has been reached itself (RFC 5321 §5.1). LMTP may bear its name."""
        if way is Way.LMTP or place.host.port not in self.sending.ports:
            return False
        core = connection.core
        names = {core.greeted_by.encode().lower(), core.offer.name.encode().lower()}
        return not names.isdisjoint(self._names)


def _insecure(connection: Connection, demands: Demands) -> Outcome:
    """Say why there is no TLS where there has to be."""
    refused = connection.core.tls_refused
    problem = "it offers no TLS" if refused is None else f"it did not begin TLS: {refused}"
    final = demands.strict and (refused is None or refused.permanent)
    return conclusion.without_tls(connection.label, problem, connection, final=final)


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
