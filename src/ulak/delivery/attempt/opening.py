"""Opening a session with one address of one host: the socket, the greeting, TLS, the login.

(RFC 3207, RFC 8314, RFC 4954.)
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from typing import Any

from ulak.delivery import conclusion
from ulak.delivery.attempt.binding import trouble
from ulak.delivery.attempt.place import Place
from ulak.delivery.connection import Connection, Key
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome
from ulak.delivery.pool import Doubt, Pool
from ulak.delivery.sending import Sending
from ulak.delivery.site.rollup import provider_of
from ulak.delivery.target import Host, Target, Way
from ulak.delivery.transport.deciding import Deciding
from ulak.delivery.transport.seen import session_of
from ulak.delivery.trouble import words
from ulak.smtp.client import ClientCore, Login, Stage, Step

_UNOFFERED = Doubt("starttls-not-supported", "")
_SHUTDOWN = 2.0  # seconds for TLS to say goodbye


class Opening:
    """Opens sessions for all attempts of a carrier."""

    def __init__(self, sending: Sending, pool: Pool) -> None:
        self.sending = sending
        self.pool = pool
        self._deciding = Deciding(
            sending.tls,
            sending.proven,
            sending.smarthosts,
            sending.wishes,
            dane=sending.dane,
            mta_sts=sending.mta_sts,
        )
        self._times = sending.timeouts.by_stage()
        self._names = frozenset(
            name.encode().lower() for name in (sending.hostname, *sending.names)
        )

    def demands(self, target: Target, host: Host, *, strict: bool) -> Demands:
        """Say what a session has to be. `strict`: as RFC 8689 §4.2.1 has it."""
        return self._deciding.demands(target, host, strict=strict)

    def leniently(self, demands: Demands) -> Demands:
        """Say what a session has to be for a message that may go without TLS (RFC 8689 §3)."""
        return self._deciding.leniently(demands)

    @property
    def counts(self) -> bool:
        """Whether sessions are counted for reports about TLS."""
        return self.sending.sessions is not None

    # -- a session --------------------------------------------------------------------------

    async def open(
        self,
        target: Target,
        place: Place,
        key: Key,
        demands: Demands,
        domain: str,
        *,
        counted: bool,
    ) -> Connection | Outcome:
        """Open a session as it is demanded; the outcome for everybody where there is none.

        A permanent `route-to-self` among them is the last word; with others the next host may be
        tried. `domain` is that of a recipient. What comes of it is `counted` for reports about TLS.
        """
        pool, way = self.pool, target.way
        tell = self._tell if counted else _tell_nobody
        locked = pool.locked(key)
        if locked is not None:
            return locked
        plain = ""
        if demands.tls is not None and not demands.required and not place.host.path:
            plain = pool.plain(place.spot)
        doubt = pool.doubted(place.spot) if demands.trial is not None else None
        while True:
            try:
                core = self._core(way, place, demands, plain=bool(plain))
            except OSError as error:
                return conclusion.no_login(place.label, words(error))
            connection = await self._connect(core, place, key, demands)
            if isinstance(connection, Outcome):
                return connection
            try:
                step, problem = await self._begin(connection, place, demands, doubt)
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
                tell(target, place, demands, connection, _UNOFFERED)
                return _insecure(connection, demands)
            if ready:
                if core.tls_refused is not None:
                    connection.notes["tls-refused"] = str(core.tls_refused)
                if doubt is not None:
                    connection.notes["sts-failed"] = doubt.problem
                tell(target, place, demands, connection, doubt or _trouble(core, plain))
                return connection
            connection.leave()
            problem = problem or _tls_trouble(core)
            if connection.unproven and demands.trial is not None and doubt is None:
                doubt = Doubt(connection.fault or "validation-failure", problem)
                pool.doubt(place.spot, doubt)
                continue
            if problem and demands.required:
                doubt = Doubt(connection.fault or "validation-failure", problem)
                tell(target, place, demands, connection, doubt)
                label = connection.label
                if not connection.unproven:  # the handshake broke off: nobody was seen
                    return conclusion.without_tls(label, problem, connection, final=False)
                final = demands.strict
                return conclusion.unkept(label, problem, demands.told, connection, final=final)
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
            place.source.hostname or self.sending.hostname,
            lmtp=way is Way.LMTP,
            starttls=by_command and not place.host.path and not plain,
            secure=demands.implicit,
            login=login,
        )

    async def _begin(
        self, connection: Connection, place: Place, demands: Demands, doubt: Doubt | None
    ) -> tuple[Step, str]:
        """Come to READY or OVER, by TLS where it is offered; and what went wrong with that."""
        step = await connection.opened()
        if step is not Step.TLS or demands.tls is None:
            return step, ""
        if demands.dane is not None and demands.dane.records:
            problem = await connection.start_dane(demands.dane, demands.names)
        else:
            context = demands.trial if demands.trial is not None and doubt is None else demands.tls
            problem = await connection.start_tls(context, place.named(demands))
        return (Step.OVER, problem) if problem else (await connection.opened(), "")

    def _tell(
        self,
        target: Target,
        place: Place,
        demands: Demands,
        connection: Connection,
        doubt: Doubt | None,
    ) -> None:
        """Let a session be counted for the reports about TLS; `doubt` is what went wrong."""
        tell = self.sending.sessions
        if tell is None:
            return
        if doubt is None and demands.fault:
            doubt = Doubt(demands.fault, demands.told.get("sts-failed", ""))
        session = session_of(
            self.sending.clock(),
            target,
            place.host,
            demands,
            fault="" if doubt is None else doubt.fault,
            comment="" if doubt is None else doubt.problem,
            ip=place.address,
            own_ip=connection.own,
        )
        if session is not None:
            tell(session)

    def skipped(self, target: Target, place: Place, demands: Demands) -> None:
        """Let it be counted that a host was passed over."""
        tell = self.sending.sessions
        if tell is not None:
            session = session_of(
                self.sending.clock(),
                target,
                place.host,
                demands,
                fault=demands.fault,
                comment=demands.skip,
            )
            if session is not None:
                tell(session)

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
        source = "" if host.path else place.source.of(address) or ""
        local = (source, 0) if source else None

        most = self._most(host)

        def make() -> Connection:
            return Connection(core, key, label, self._times, pool.forget, most)

        try:
            async with asyncio.timeout(times.connect + (times.tls if demands.implicit else 0)):
                sock = None if place.head is None else place.head.take()
                if host.path:
                    _, connection = await loop.create_unix_connection(make, host.path)
                elif sock is not None:
                    _, connection = await loop.create_connection(
                        make, sock=sock, **self._handshake(place, demands)
                    )
                elif demands.implicit:
                    _, connection = await loop.create_connection(
                        make,
                        address,
                        host.port,
                        local_addr=local,
                        **self._handshake(place, demands),
                    )
                else:
                    _, connection = await loop.create_connection(
                        make, address, host.port, local_addr=local
                    )
        except ssl.SSLError as error:
            unproven = isinstance(error, ssl.SSLCertVerificationError)
            return conclusion.without_tls(label, words(error), final=demands.strict and unproven)
        except OSError as error:
            unusable = "" if local is None else trouble(source)
            if unusable:
                sending.aside(place.source.name, source, unusable)
                return conclusion.unusable(source, unusable)
            pool.avoid(place.spot)
            return conclusion.unreachable(label, words(error))
        if source:
            connection.notes["from-address"] = source
        pool.add(connection)
        return connection

    def _most(self, host: Host) -> int:
        """Say how many messages a connection may have: as the operator, or the provider, says."""
        sending = self.sending
        said = sending.per_connection.of(host.name)
        if said is not None:
            return said[1]
        provider = provider_of((host.name.lower(),))
        named = 0 if provider is None else provider.limits.messages
        usual = sending.messages_per_connection
        return min(named, usual) if named else usual

    def _handshake(self, place: Place, demands: Demands) -> dict[str, Any]:
        """Give what is said of TLS where it begins with the connection."""
        if not demands.implicit:
            return {}
        return {
            "ssl": demands.tls,
            "server_hostname": place.named(demands),
            "ssl_handshake_timeout": self.sending.timeouts.tls,
            "ssl_shutdown_timeout": _SHUTDOWN,
        }

    def _is_ours(self, connection: Connection, way: Way, place: Place) -> bool:
        """Whether this server has been reached itself (RFC 5321 §5.1). LMTP may bear its name."""
        if way is Way.LMTP or place.host.port not in self.sending.ports:
            return False
        core = connection.core
        names = {core.greeted_by.encode().lower(), core.offer.name.encode().lower()}
        return not names.isdisjoint(self._names)


def _tell_nobody(
    target: Target, place: Place, demands: Demands, connection: Connection, doubt: Doubt | None
) -> None:
    del target, place, demands, connection, doubt


def _trouble(core: ClientCore, plain: str) -> Doubt | None:
    """Say what there is to tell of a session without TLS; None where it has TLS."""
    if core.secure:
        return None
    return Doubt("validation-failure", plain) if plain else _UNOFFERED


def _insecure(connection: Connection, demands: Demands) -> Outcome:
    """Say why there is no TLS where there has to be."""
    refused = connection.core.tls_refused
    problem = "it offers no TLS" if refused is None else f"it did not begin TLS: {refused}"
    final = demands.strict and (refused is None or refused.permanent)
    return conclusion.unkept(connection.label, problem, demands.told, connection, final=final)


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
