"""One SMTP session: what a client says is done and answered.

What a connection costs is `connection`'s; syntax and order are the core's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ulak.queue.store import StorageError, StorageFullError
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server import notes, recipients
from ulak.server.answers import help_on, tell
from ulak.server.arrival import Arrival
from ulak.server.checks import NO_DNS, Checks, Visitor
from ulak.server.connection import Connection
from ulak.server.directory import Result
from ulak.server.eager import begin
from ulak.server.incoming import Incoming
from ulak.server.judging import dress, judge
from ulak.server.scanning import Bearer, scan
from ulak.server.signing import sign
from ulak.server.site import Networks, Site
from ulak.server.transaction import Transaction
from ulak.smtp import events
from ulak.smtp.offers import Offers
from ulak.smtp.terms import settle

if TYPE_CHECKING:  # as in `connection`
    from ulak.server.tls import TlsContext

_SENDER_OK = catalog.SENDER_OK.reply()
_START_DATA = catalog.START_DATA.reply()
_READY_FOR_TLS = catalog.READY_FOR_TLS.reply()
_RESET_DONE = catalog.RESET_DONE.reply()
_NOTHING_DONE = catalog.NOTHING_DONE.reply()
_LOGIN_FIRST = catalog.AUTHENTICATION_REQUIRED.reply()
_TLS_FIRST = catalog.ENCRYPTION_REQUIRED.reply()
_WITHHELD = {
    events.Verify: catalog.VRFY_WITHHELD.reply(),
    events.Expand: catalog.EXPN_WITHHELD.reply(),
}


class Session(Arrival):
    """One session."""

    __slots__ = ("_visitor", "accepted", "transaction")

    def __init__(
        self,
        site: Site,
        connections: set[Connection],
        tls: TlsContext | None,
        offers: Offers,
        *,
        implicit: bool = False,
        proxies: Networks = (),
        fronts: Networks = (),
    ) -> None:
        super().__init__(
            site, connections, tls, offers, implicit=implicit, proxies=proxies, fronts=fronts
        )
        self.accepted = 0
        self.transaction: Transaction | None = None
        self._visitor: Visitor | None = None

    # -- going ------------------------------------------------------------------------------

    def leave(self) -> None:
        """Count the client out, and tell the journal how the session went."""
        site = self._site
        self._entrance.release()
        site.leave(self.ip)
        if not self._met:
            return
        facts = {**self._facts(), "accepted": str(self.accepted), "refused": str(self.refused)}
        dialogue = notes.lines(self.core.dialogue.lines) if self.refused else ()
        site.journal.write(notes.closed(site.clock(), self.id, facts, dialogue=dialogue))

    def forget(self) -> None:
        """Let go of the transaction under way."""
        if self.transaction is not None:
            self.transaction.forget()
            self.transaction = None

    def drain(self) -> None:
        """Say 421 and close as soon as may be."""
        self._entrance.release()
        super().drain()

    # -- events -----------------------------------------------------------------------------

    def handle(self, event: events.Event) -> None:
        """Do and answer what the client said."""
        match event:
            case events.Chunk(data):
                incoming = self._incoming()
                if incoming.take(data):
                    self._pause()
                    self._wait_for(self._spool(incoming))
            case events.EndOfData():
                self._end(event)
            case events.Bdat(first=first, stray=stray):
                if first:
                    self._started = self._loop.time()
                if first and not stray:
                    self._begin()
            case events.EndOfChunk():
                self._end_of_chunk(event)
            case events.XClient():
                self._wait_for(self._speak_for(event))
            case events.StartTls():
                self.core.answer(event, _READY_FOR_TLS)
                self._flush()
                self.start_tls()
            case events.Mail() if self._counted:
                self._wait_for(self._mail_of_account(event))
            case events.Auth() | events.Response():
                self._wait_for(self._log_in(event))
            case events.Recipient():
                transaction = self.transaction
                assert transaction is not None  # noqa: S101 -- the core holds the order
                if (full := recipients.full(self._site, transaction)) is not None:
                    self._say(event, full)
                elif not transaction.network and (
                    found := self._site.directory.find(
                        event.address, self._here, bounce=not transaction.sender
                    )
                ):
                    self._say(event, self._recipient(event, found))
                else:
                    self._when_told(event, begin(self._look_up(event)))
            case events.Verify() | events.Expand() if not self._must_log_in:
                site = self._site
                asked = tell(event, site.rules, site.directory, relay=self._relay)
                self._when_told(event, begin(asked))
            case _:
                self._say(event, self._reply(event))

    def _say(self, event: events.Event, reply: Reply) -> None:
        self.core.answer(event, reply if reply.positive else self._refuse(reply))

    def _reply(self, event: events.Event) -> Reply:
        site = self._site
        rules = site.rules
        match event:
            case events.Mail():
                return self._mail(event)
            case events.Data():
                self._begin()
                self._started = self._loop.time()
                return _START_DATA
            case events.Refused(reply):
                return reply
            case events.Hello(name, extended):
                self.forget()
                if not extended:
                    return catalog.HELLO.reply(hostname=rules.hostname, client=name)
                return catalog.HELLO.listing(*self.core.hello_lines(name, site.clock()))
            case events.Reset():
                self.forget()
                return _RESET_DONE
            case events.Quit():
                self._lingers = self.core.waiting > 0
                return catalog.CLOSING.reply(hostname=rules.hostname)
            case events.Noop():
                return _NOTHING_DONE
            case events.Verify() | events.Expand():  # who has logged in is answered elsewhere
                return _WITHHELD[type(event)]
            case events.Help(topic):
                return help_on(topic, lmtp=self.core.standing.offers.kind == "lmtp")
            case _:
                message = f"no answer to {event!r}"
                raise AssertionError(message)

    @property
    def _must_log_in(self) -> bool:
        return self.core.standing.offers.needs_login and self.account is None

    @property
    def _counted(self) -> bool:
        """Whether there is a limit to what the client may send."""
        return (desk := self._site.desk) is not None and desk.counts(self.account)

    @property
    def _submits(self) -> bool:
        """Whether the client is one of our own, and its messages are put in order."""
        return self.account is not None or self.core.standing.offers.kind == "submission"

    async def _mail_of_account(self, event: events.Mail) -> None:
        """Begin a transaction, if the account has not sent too much already."""
        site, account = self._site, self.account
        assert site.desk is not None  # noqa: S101 -- else nothing is counted
        assert account is not None  # noqa: S101 -- as above
        try:
            sent = await site.desk.sent(account)
            reply = site.desk.enough(account, sent, 0) or self._mail(event)
            if self.transaction is not None:
                self.transaction.sent = sent
        except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 451
            self.forget()
            reply = catalog.INTERNAL_ERROR.reply(id=site.incident(error, session=self.id))
        self.core.answer(event, reply if reply.positive else self._refuse(reply))

    def _mail(self, event: events.Mail) -> Reply:
        site = self._site
        if self._must_log_in:  # which may need TLS: then that is what has to come next
            return _LOGIN_FIRST if self.core.standing.mechanisms else _TLS_FIRST
        if self.account is not None and site.desk is not None:
            refusal = site.desk.sender(event, self.account)
            if refusal is not None:
                return refusal
        if not site.room(event.size):
            return catalog.DISK_NEARLY_FULL.reply()
        wishes, reply = event.wishes, _SENDER_OK
        if wishes.auth and self.account is not None and site.desk is not None:
            wishes = site.desk.submitter(wishes, self.account)
        if event.terms is not None:
            wishes, reply = settle(wishes, event.terms, self.core.standing, site.clock())
        if reply.positive:
            self.transaction = Transaction(event, wishes)
            if site.newcomers is not None and self._strange:
                self.transaction.network = site.newcomers.network(self.ip)
            if site.checks is not None:
                self._begin_checks(site.checks, self.transaction)
        return reply

    def _begin_checks(self, checks: Checks, transaction: Transaction) -> None:
        """Begin to check where a message comes from, unless the client is one of our own."""
        kind = self.core.standing.offers.kind
        own = kind == "lmtp" or self._relay or bool(self.ip and checks.exempts(self.ip))
        transaction.from_our_own = own
        if own or not self._strange:
            return
        visitor, greeted = self._visitor, self.core.client_name
        if visitor is None or visitor.ip != self.ip or visitor.helo != greeted:
            visitor = self._visitor = Visitor(self.ip, greeted)
        transaction.case = checks.begin(visitor, transaction.sender)
        if transaction.case is None:
            transaction.unchecked = NO_DNS

    async def _look_up(self, event: events.Recipient) -> Reply:
        """Answer RCPT where a roster has to be asked, or what is known of the sender."""
        site, transaction = self._site, self.transaction
        assert transaction is not None  # noqa: S101 -- the core holds the order
        found = await recipients.ask(site, transaction, event, self._here)
        refusal = await recipients.meet(site, transaction, event, found)
        return refusal or self._recipient(event, found)

    def _recipient(self, event: events.Recipient, found: Result) -> Reply:
        assert self.transaction is not None  # noqa: S101 -- the core holds the order
        return recipients.take(
            self._site,
            self.transaction,
            event,
            found,
            self.ip or "a local client",
            self.account,
            relay=self._relay or self.account is not None,
            submits=self._submits,
        )

    def _when_told(self, event: events.Event, told: asyncio.Future[Reply]) -> None:
        if told.done():
            self._say(event, told.result())
        else:
            self._wait_for(self._tell(event, told))

    async def _tell(self, event: events.Event, told: asyncio.Future[Reply]) -> None:
        self._say(event, await told)

    async def _log_in(self, event: events.Auth | events.Response) -> None:
        site, core, entrance = self._site, self.core, self._entrance
        bind = isinstance(event, events.Auth) and event.mechanism.endswith("-PLUS")
        bindings = self.bindings if bind else {}
        reply = await entrance.answer(event, core.standing, self.ip, self.certified, bindings)
        if entrance.account is not None:
            core.authenticate(entrance.account.address)
            told = {**self._facts(), **entrance.facts}
            site.journal.write(notes.login(site.clock(), self.id, told))
        elif not reply.positive:
            reply = self._refuse(reply, **entrance.facts)
            if core.waiting:
                entrance.rushed()
        core.answer(event, reply)

    # -- the message ------------------------------------------------------------------------

    def _begin(self) -> None:
        assert self.transaction is not None  # noqa: S101 -- the core holds the order
        seal = self._site.seal(self.account, relay=self._relay)
        self.transaction.begin(
            self._site, self._hop(), self.account, submitted=self._submits, seal=seal
        )

    def _incoming(self) -> Incoming:
        assert self.transaction is not None  # noqa: S101 -- the core holds the order
        assert self.transaction.incoming is not None  # noqa: S101 -- as above
        return self.transaction.incoming

    async def _spool(self, incoming: Incoming) -> None:
        await self._loop.run_in_executor(None, incoming.write)

    def _end_of_chunk(self, event: events.EndOfChunk) -> None:
        """Acknowledge a chunk: it is here, and no more than that (RFC 3030 §2)."""
        incoming = self._incoming()
        if incoming.failure is None:
            self.core.answer(event, catalog.CHUNK_RECEIVED.reply(octets=event.size))
        else:
            self._conclude(event, self._not_stored(incoming.failure, incoming, full=incoming.full))

    def _end(self, event: events.EndOfData) -> None:
        """Judge the message; if it is good, put it into the queue before anything is said."""
        if event.fault is None:
            self._wait_for(self._keep(event, self._incoming()))
        else:
            self._conclude(event, event.fault)

    async def _keep(self, event: events.EndOfData, incoming: Incoming) -> None:
        site, transaction = self._site, self.transaction
        assert transaction is not None  # noqa: S101 -- the core holds the order
        reply: Reply | None = None
        try:
            if incoming.in_file:
                await self._loop.run_in_executor(None, incoming.finish)
            if incoming.failure is not None:
                reply = self._not_stored(incoming.failure, incoming, full=incoming.full)
            else:
                binary = transaction.mail.body == "BINARYMIME"
                reply = incoming.verdict(binary=binary)
            if reply is None and site.checks is not None and transaction.case is not None:
                reply = await judge(site, site.checks, transaction, incoming, self.id)
            if reply is None and site.scanners is not None:
                reply = await scan(site, site.scanners, transaction, incoming, self._bearer())
            if reply is None:
                reply = await sign(site, incoming, self.id)
            if reply is None:
                await dress(site, transaction, incoming)
                if incoming.failure is not None:
                    reply = self._not_stored(incoming.failure, incoming, full=incoming.full)
            if reply is None and site.desk is not None and self._counted:
                assert self.account is not None  # noqa: S101 -- else nothing is counted
                reply = await site.desk.take(self.account, transaction.count)
            if reply is None:
                await site.keep(transaction.message(incoming, site.clock(), self.id, self.account))
                incoming.kept()
                reply = catalog.MESSAGE_QUEUED.reply(id=incoming.identifier)
        except StorageError as error:
            full = isinstance(error, StorageFullError)
            reply = self._not_stored(error, incoming, full=full)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 451
            reply = catalog.INTERNAL_ERROR.reply(id=self._incident(error, incoming))
        self._conclude(event, reply)

    def _bearer(self) -> Bearer:
        kind, client = self.core.standing.offers.kind, self.core.client_name
        account = self.account.address if self.account is not None else ""
        return Bearer(self.id, kind, self.ip, client, account, relay=self._relay)

    def _not_stored(self, error: Exception, incoming: Incoming, *, full: bool) -> Reply:
        if full:
            return catalog.DISK_NEARLY_FULL.reply()
        return catalog.STORAGE_FAILED.reply(id=self._incident(error, incoming))

    def _incident(self, error: Exception, incoming: Incoming) -> str:
        return self._site.incident(error, session=self.id, message=incoming.identifier)

    def _conclude(self, event: events.EndOfData | events.EndOfChunk, reply: Reply) -> None:
        """Answer the end of the message, and tell the journal."""
        site, transaction = self._site, self.transaction
        assert transaction is not None  # noqa: S101 -- the core holds the order
        facts = {**self._facts(), "size": str(event.size)}
        if site.newcomers is not None and transaction.network:
            site.newcomers.conclude(site, transaction, reply, self.id)
        if reply.positive:
            self.accepted += 1
            entry = notes.accepted(site.clock(), self.id, reply.cause, transaction, facts)
        else:
            self.refused += 1
            reply, refusal = self._marked(reply)
            dialogue = notes.lines(self.core.dialogue.lines)
            entry = notes.message_refused(
                site.clock(), self.id, reply, transaction, facts, dialogue, refusal
            )
        site.journal.write(entry)
        final = reply.positive or reply.permanent  # else it comes again, and would be told twice
        if final and site.collector is not None and transaction.observation is not None:
            site.collector.note(transaction.observation)
        self.forget()
        self.core.answer(event, reply)
