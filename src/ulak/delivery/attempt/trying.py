"""One attempt over SMTP or LMTP: hosts in turn, a connection, and an outcome for everybody.

(RFC 5321 §5.1, §4.5.4.1; RFC 2033.) Sessions are opened by `opening` or taken from the pool,
`smtp.client` leads the dialogue, and what was answered becomes outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ulak.delivery import conclusion
from ulak.delivery.attempt.eyeballs import interleaved, mixed, race
from ulak.delivery.attempt.fitting import Fitting
from ulak.delivery.attempt.opening import Opening
from ulak.delivery.attempt.place import Place
from ulak.delivery.connection import Connection, Key
from ulak.delivery.crowd import Home
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.source.source import SYSTEM, Source
from ulak.delivery.target import Target, Told, Way
from ulak.mail.envelope import domain_of
from ulak.queue.item import Message
from ulak.replies import catalog
from ulak.smtp.client import Stage, Step

_ROUNDS = 50  # connections and transactions at one place in one attempt


class Attempt:
    """What one call of `carry` knows: who is undecided, and the failure that would decide."""

    __slots__ = (
        "_body",
        "_failure",
        "_fitting",
        "_grant",
        "_message",
        "_opening",
        "_source",
        "_target",
        "_undecided",
        "outcomes",
    )

    def __init__(
        self,
        opening: Opening,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        source: Source = SYSTEM,
        grant: Grant = ANYWHERE,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._grant = grant
        self._source = source
        self._opening = opening
        self._message = message
        self._target = target
        self._undecided: list[str] = list(recipients)
        self._failure: Outcome | None = None
        self._fitting = Fitting(message, opening.sending)
        body = message.body
        self._body: bytes | Path = body.path if body.path is not None else (body.data or b"")

    async def run(self) -> None:
        """Try every place until everybody has an outcome."""
        self._refuse_bad_addresses()
        target = self._target
        if target.refusal is not None:
            self.close(conclusion.refusal(target))
        if not self._undecided:
            return
        fitting = self._fitting
        if fitting.unclear:
            await fitting.look()
        if fitting.strict:
            await self._strictly()
        else:
            await self._everywhere()
        if self._undecided:
            self.close(self._failure or conclusion.no_place(target))

    async def _everywhere(self) -> None:
        places = self._places()
        if len(places) > 1:
            places = await self._raced(places)
        try:
            for place in places:
                await self._at(place)
                if not self._undecided:
                    return
        finally:
            for place in places:
                if place.head is not None:
                    place.head.drop()

    async def _raced(self, places: list[Place]) -> list[Place]:
        """Try the first host's addresses of both families at once (RFC 8305); the first one first.

        Not where one of them could not be reached lately. Where a connection waits it is taken.
        """
        host, pool = places[0].host, self._opening.pool
        rivals = [place for place in places if place.host is host]
        addresses = [place.address for place in rivals]
        own = {address for address, _ in self._opening.sending.addresses}
        if not mixed(addresses):
            return places
        if waiting := pool.waiting(self._target.key):
            return sorted(places, key=lambda place: place.name not in waiting)
        if own.intersection(addresses) or any(pool.avoided(place.spot) for place in rivals):
            return places
        local = [self._source.of(address) or "" for address in addresses]
        timeout = self._opening.sending.timeouts.connect
        with ExitStack() as counted:
            counted.enter_context(pool.opening(self._home(), self._grant.most))
            heads = await race(addresses, host.port, local, timeout, self._beside)
            for head in heads.values():
                if head.connected:
                    head.counted = counted.pop_all()
        raced = [place._replace(head=heads.get(place.address)) for place in rivals]
        raced.sort(key=lambda place: place.head is None or not place.head.connected)
        return [*raced, *(place for place in places if place.host is not host)]

    def _home(self) -> Home:
        return (self._target.site or self._target.key, self._source.name)

    @contextmanager
    def _beside(self) -> Iterator[bool]:
        """Count in a second connection of this attempt, if the site's limit has room for it."""
        with self._grant.beside() as room:
            if not room:
                yield False
                return
            with self._opening.pool.opening(self._home(), self._grant.most):
                yield True

    async def _strictly(self) -> None:
        """Send a message that asks for REQUIRETLS (RFC 8689 §4.2.1)."""
        fitting, target = self._fitting, self._target
        if target.way is Way.LMTP:
            # The operator's own mailboxes: it is here that the message arrives (§4.4).
            fitting.strict = False
        elif target.told is Told.DNS and not (target.sts is not None and target.sts.binding):
            names = ", ".join(host.name for host in target.hosts)
            problem = (
                "the MX records that name it are not signed (DNSSEC),"
                " and no policy (MTA-STS) stands in for that"
            )
            self._note(conclusion.unproven(names, problem))
        if self._failure is None:
            await self._everywhere()
        failed = self._failure is not None and self._failure.result is Result.FAILED
        if failed and fitting.strict and not self._message.envelope.sender:
            # §5: a report is rather sent without than thrown away. It has only the header in it.
            fitting.strict = False
            self._failure = None
            await self._everywhere()

    def close(self, template: Outcome) -> None:
        """Give the same outcome to everybody who has none."""
        self.outcomes += [replace(template, recipient=r) for r in self._undecided]
        self._undecided = []

    def _note(self, failure: Outcome) -> None:
        """Keep a failure in case it is the last word; a temporary one stands over a refusal."""
        if self._failure is None or failure.result is Result.DEFERRED:
            self._failure = failure

    # -- where ------------------------------------------------------------------------------

    def _places(self) -> list[Place]:
        hosts, source = self._target.hosts, self._source
        places = [
            Place(host, address, source)
            for host in hosts
            for address in ((host.path,) if host.path else interleaved(host.addresses))
            if host.path or source.of(address) is not None
        ]
        if not places and any(host.addresses for host in hosts):
            self._note(conclusion.wrong_family(source.name, hosts))
        if len(places) > 1:
            pool = self._opening.pool
            places.sort(key=lambda place: pool.avoided(place.spot))
        return places[: self._opening.sending.places]

    async def _at(self, place: Place) -> None:
        """Send what can be sent to one address of one host."""
        target, pool = self._target, self._opening.pool
        host, address = place.host, place.address
        if (address, host.port) in self._opening.sending.addresses:
            self.close(conclusion.own(domain_of(self._undecided[0]), address))
            return
        demands = self._opening.demands(target, host, strict=self._fitting.strict)
        if demands.dictated and not demands.strict and await self._fitting.lenient():
            demands = self._opening.leniently(demands)
        if demands.skip:  # before one looks for a session: others may have had one with it
            failure = conclusion.unkept(place.label, demands.skip, demands.told, final=False)
            self._note(replace(failure, facts={**demands.told, **failure.facts}))
            if await self._counted():
                self._opening.skipped(target, place, demands)
            return
        key: Key = (target.way, target.key, place.name, host.port, demands.name)
        for _ in range(_ROUNDS):
            connection = pool.take(key)
            reused = connection is not None
            if reused and place.head is not None:
                place.head.drop()  # one has come back meanwhile
            if connection is None:
                connection = await self._open(place, key, demands)
                if connection is None:
                    return
            connection.policy = demands.told
            before = len(self._undecided)
            try:
                await self._use(connection)
            except BaseException:
                connection.abort()
                raise
            again = reused and (_stale(connection) or connection.spent)
            pool.give(connection, self._grant.most)
            if not self._undecided:
                return
            if not again and len(self._undecided) == before:
                return

    async def _open(self, place: Place, key: Key, demands: Demands) -> Connection | None:
        """Open a session; None where there is none, with the failure noted."""
        domain = domain_of(self._undecided[0])
        counted = await self._counted()
        home = self._home()
        with self._opening.pool.opening(home, self._grant.most):
            opened = await self._opening.open(
                self._target, place, key, demands, domain, counted=counted
            )
        if isinstance(opened, Connection):
            self._opening.pool.house(opened, home)
            return opened
        if demands.told:
            opened = replace(opened, facts={**demands.told, **opened.facts})
        if opened.cause == catalog.ROUTE_TO_SELF.name:
            self.close(opened)
        else:
            self._note(opened)
        return None

    async def _counted(self) -> bool:
        """Whether a session is counted for reports about TLS.

        Not for one that carries such a report (RFC 8460 §3): each would be the reason for the next.
        """
        return self._opening.counts and not await self._fitting.about_tls()

    # -- sending ----------------------------------------------------------------------------

    async def _use(self, connection: Connection) -> None:
        """Send one message in as many transactions as its recipients need."""
        fitting, core = self._fitting, connection.core
        for _ in range(_ROUNDS):
            if fitting.too_large(core.offer):
                self.close(conclusion.too_large(connection))
                return
            batch, failure = fitting.batch(connection, self._undecided)
            if failure is not None:
                self._note(failure)
            if not batch:
                return
            transaction = fitting.transaction(connection, batch)
            step = await connection.transact(transaction, self._body)
            self._settle(connection, batch, fitting.facts(connection))
            if step is Step.OVER or not core.usable or connection.spent or not self._undecided:
                return

    def _settle(self, connection: Connection, batch: list[str], facts: Mapping[str, str]) -> None:
        """Turn the answers of a transaction into outcomes; who has none stays undecided."""
        core = connection.core
        dialogue: tuple[str, ...] | None = None
        if self._opening.sending.always_dialogue:
            dialogue = core.dialogue()
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
                outcome = conclusion.refused(recipient, answer, connection, facts, dialogue)
                if self._target.told is Told.OPERATOR and conclusion.wants_login(answer):
                    outcome = conclusion.unwelcome(recipient, outcome)
                self.outcomes.append(outcome)
        if len(batch) < len(self._undecided):
            tried = set(batch)
            self._undecided = again + [r for r in self._undecided if r not in tried]
        else:
            self._undecided = again
        if core.failure is not None and again:
            self._lost(connection)

    def _lost(self, connection: Connection) -> None:
        failure = conclusion.session(connection)
        if connection.core.after_data or connection.unreadable:
            # Another host might deliver it a second time; or it is nobody's fault but ours.
            self.close(failure)
        else:
            self._note(failure)

    # -- what cannot be sent at all ---------------------------------------------------------

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


def _stale(connection: Connection) -> bool:
    """Whether a reused connection had been closed by the server while it waited.

    Then MAIL was not answered, or with 421, and no part of the message was sent.
    """
    failure = connection.core.failure
    if failure is None or connection.timed_out or failure.babble:
        return False
    return failure.stage in (Stage.IDLE, Stage.RESET, Stage.MAIL)
