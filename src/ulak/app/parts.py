"""From settings to parts that work together: what a worker process is made of."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ulak import config as settings
from ulak.accounts.purser import Purser
from ulak.app.accounts import anybody_of, doorkeeper_of, purser_of, tokens_of
from ulak.app.checks import checks_of
from ulak.app.client import resolver_of, sending_of
from ulak.app.forwarding import Forwarding
from ulak.app.greylisting import keeper_of, newcomers_of
from ulak.app.hooking import outbox_of
from ulak.app.identifiers import draw_refusal_id
from ulak.app.offering import logins_taken, offers_of
from ulak.app.ours import directory_of, forwarded, forwarding_of, handlers_of, placing_of
from ulak.app.places import Places
from ulak.app.record import Record
from ulak.app.reporting import outgoing_of, reporting
from ulak.app.returning import path_of, receiving, returning
from ulak.app.scanners import scanners_of
from ulak.app.shelving import shelving
from ulak.app.signing import signatory_of
from ulak.app.sourcing import Sourcing
from ulak.app.storing import Store
from ulak.app.suppressing import gate_of, suppressing
from ulak.app.tlsreporting import tls_reporting
from ulak.app.transport import asks_for_records, policies_of
from ulak.app.welcome import Welcome
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.carrier import Carrier
from ulak.delivery.hop import Hop
from ulak.delivery.maildir import MaildirCarrier
from ulak.delivery.reportbox import Box, ReportCarrier
from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Way
from ulak.delivery.worker import Worker
from ulak.dns.resolver import DnsResolver
from ulak.events.outbox import Outbox
from ulak.journal.incident import incident
from ulak.keys.signatory import Signatory
from ulak.log import Log
from ulak.mail.returnpath import ReturnPath
from ulak.policy.message import MessageJudge, MessageRules
from ulak.policy.submission import Submission
from ulak.queue.room import Room
from ulak.replies.refusal import Marking
from ulak.reports.counting import Counter
from ulak.reports.failure import Chooser
from ulak.reports.observation import Collector, Several
from ulak.reports.sqlite import SqliteIncoming, SqliteOutgoing
from ulak.reports.tls.counting import TlsCounter
from ulak.server.desk import Desk
from ulak.server.directory import Directory
from ulak.server.listener import Endpoint, Listener
from ulak.server.site import Rules, Site
from ulak.smtp.server import Limits
from ulak.suppression.gate import Gate

if TYPE_CHECKING:  # as in `accounts`
    from ulak.accounts.doorkeeper import Doorkeeper
    from ulak.clients.keeper import Keeper
    from ulak.delivery.transport.sts import StsPolicies

_EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass
class Parts:
    """What all of one process shares. Times of `clock` are seconds since the epoch."""

    config: settings.Config
    places: Places
    journal: Record
    log: Log
    clock: Callable[[], float]
    new_id: Callable[[], str]
    chance: Callable[[], float]
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    running: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    waking: list[Callable[[], None]] = field(default_factory=list)  # those who deliver from them

    def incident(self, error: BaseException, *, session: str = "", message: str = "") -> str:
        """Note an error inside; give its id."""
        return incident(
            error,
            new_id=self.new_id,
            journal=self.journal,
            log=self.log,
            clock=self.clock,
            session=session,
            message=message,
        )

    @cached_property
    def resolver(self) -> DnsResolver:
        """Who is asked for names."""
        return resolver_of(self.config)

    @cached_property
    def sourcing(self) -> Sourcing:
        """From where mail is sent."""
        made = Sourcing(self.config, self.places, self.clock, self.log, self.incident)
        self.closing.append(made.close)
        made.look()
        return made

    @cached_property
    def carriers(self) -> dict[Way, Carrier]:
        """The ways of handing mail on."""
        config = self.config
        counter = self.tls_counter
        sending = sending_of(config, self.sourcing)
        if counter is not None:
            sending = replace(sending, sessions=counter.note)
        smtp: Carrier = SmtpCarrier(sending, self.incident)
        smtp = returning(self, smtp)
        smtp = forwarded(smtp, self.directory, self.forwarding)
        placing = placing_of(config, self.directory)
        maildir: Carrier = MaildirCarrier(self.places.mail, config.hostname, self.clock, placing)
        handlers = handlers_of(config, self.directory, self.clock)
        reports = config.reports
        if reports.addresses:
            box = Box(
                reports.addresses,
                reports.deliver,
                SqliteIncoming(self.places.reports),
                self.journal,
                self.clock,
                self.incident,
            )
            smtp, maildir = ReportCarrier(smtp, box), ReportCarrier(maildir, box)
            handlers = {way: ReportCarrier(each, box) for way, each in handlers.items()}
        smtp, maildir = receiving(self, suppressing(self, smtp)), receiving(self, maildir)
        handlers = {way: receiving(self, each) for way, each in handlers.items()}
        return {Way.SMTP: smtp, Way.LMTP: smtp, Way.MAILDIR: maildir, **handlers}

    @cached_property
    def directory(self) -> Directory:
        """Whose mail is ours."""
        made = self.forwarding, self.incident, self.log, self.closing
        return directory_of(self.config, *made, returns=self.returns)

    @cached_property
    def returns(self) -> ReturnPath | None:
        """Who writes return addresses; None where there are none."""
        return path_of(self.config)

    @cached_property
    def forwarding(self) -> Forwarding | None:
        """Who rewrites senders of what is forwarded; None where none is."""
        return forwarding_of(self.config, self.clock, self.incident)

    @cached_property
    def route(self) -> Route:
        """Where mail goes."""
        config = self.config
        own = [li.address for li in config.listeners if li.address.port == config.delivery.port]
        routes = Routes(
            hostname=config.hostname,
            local={name: _hop(domain.deliver, name) for name, domain in config.domains.items()}
            | ({config.returns.domain: Hop(Way.MAILDIR)} if config.returns.domain else {}),
            table={name: _hop(hop) for name, hop in config.routes.items()},
            addresses=frozenset(address.host for address in own if _is_specific(address.host)),
            reachable=Routes.of("", {}, reachable=_EVERYWHERE).reachable
            if config.delivery.allow_private
            else (),
            port=config.delivery.port,
            dane=asks_for_records(config),
        )
        return Route(routes, self.chance)

    @cached_property
    def policies(self) -> StsPolicies | None:
        """Who knows what domains say of TLS."""
        return policies_of(self)

    @cached_property
    def counter(self) -> Counter:
        """Who counts what owners of domains want to know."""
        return Counter(self.config.reports.addresses)

    @cached_property
    def tls_counter(self) -> TlsCounter | None:
        """Who counts sessions with other servers; None where nobody is told of them."""
        return TlsCounter() if tls_reporting(self.config) else None

    @cached_property
    def chooser(self) -> Chooser | None:
        """Who chooses the failures that are reported one by one; None where none are."""
        reports = self.config.reports
        if not reports.failure:
            return None
        return Chooser(reports.addresses, limit=reports.failures_per_hour)

    @cached_property
    def collector(self) -> Collector | None:
        """Who is told what owners of domains want to know; None where none is told anything."""
        told: list[Collector] = [self.counter] if reporting(self.config) else []
        if self.chooser is not None:
            told.append(self.chooser)
        return Several(told) if told else None

    @cached_property
    def outgoing(self) -> SqliteOutgoing:
        """What is kept of one's own reports."""
        return outgoing_of(self.config)

    @cached_property
    def welcome(self) -> Welcome | None:
        """Who judges the addresses of clients; None where all of them are welcome."""
        policy = self.config.policy
        if not policy.dnsbl and not policy.deny:
            return None  # nobody waits for nothing
        return Welcome(self.config, shelving(self), self.journal, self.clock)

    @cached_property
    def doorkeeper(self) -> Doorkeeper:
        """Who tries the secrets of those who log in."""
        made = doorkeeper_of(self.config, self.clock, self.log)
        self.closing.append(made.close)
        return made

    @cached_property
    def purser(self) -> Purser:
        """Who hands out what accounts may send."""
        made, together = purser_of(self.config, self.clock, self.log)
        if together is not None:
            self.running.append(together.run)
            self.closing.append(together.leave)
        self.closing.append(made.close)
        return made

    @cached_property
    def gate(self) -> Gate | None:
        """The list of those whom nothing is sent to; None where there is to be none."""
        return gate_of(self)

    @cached_property
    def keeper(self) -> Keeper | None:
        """Who knows the clients that bring mail; None where nothing is remembered of them."""
        return keeper_of(self)

    @cached_property
    def outbox(self) -> Outbox | None:
        """Where events wait for webhooks; None where there are none."""
        return outbox_of(self)

    @cached_property
    def signatory(self) -> Signatory | None:
        """Who signs outgoing mail."""
        return signatory_of(self.config, self.clock)

    async def close(self) -> None:
        """Let go of connections, questions and accounts."""
        for close in self.closing:
            await close()
        for carrier in {id(c): c for c in self.carriers.values()}.values():
            await carrier.close()
        await self.resolver.close()


def site_of(parts: Parts, store: Store, worker: Worker) -> Site:
    """Make what the sessions of this process share."""
    config = parts.config
    policy, limits = config.policy, config.limits
    rules = Rules(
        hostname=config.hostname,
        limits=Limits(
            message_size=policy.max_message_size,
            errors=limits.errors,
            cheap_commands=limits.idle_commands,
        ),
        vrfy=policy.vrfy,
        expn=policy.expn,
        relay=config.relay.networks,
        max_recipients=policy.max_recipients,
        max_connections=limits.connections,
        max_connections_per_client=limits.connections_per_client,
        command_timeout=limits.command_timeout,
        data_timeout=limits.data_timeout,
        message_timeout=limits.message_timeout,
        handshake_timeout=limits.handshake_timeout,
        refused_timeout=limits.refused_timeout,
        min_data_rate=limits.min_data_rate,
        memory=limits.memory,
        body_threshold=config.queue.large_message,
        languages=config.languages,
        sign_relayed=config.dkim.relayed,
        send_unsigned=config.dkim.on_failure == "send",
    )
    form = MessageRules(
        max_header=policy.max_header_size,
        max_line=policy.max_header_line,
        max_hops=policy.max_hops,
        need_from=policy.need_from,
    )
    room = Room(store.incoming, reserve=policy.min_free_disk, clock=parts.clock)
    return Site(
        rules=rules,
        directory=parts.directory,
        store=store,
        journal=parts.journal,
        clock=parts.clock,
        new_id=parts.new_id,
        incoming=store.incoming,
        admit=parts.welcome.admit if parts.welcome is not None else None,
        judge=MessageJudge(form),
        wants=worker.wants,
        accepted=worker.accepted,
        later=worker.later,
        room=room,
        incident=parts.incident,
        logins=parts.doorkeeper if logins_taken(config) else None,
        tokens=tokens_of(config, parts.clock),
        anybody=anybody_of(config),
        desk=Desk(config.hostname, _submission(parts, form), parts.purser),
        checks=checks_of(config, parts.resolver, parts.clock, parts.signatory),
        collector=parts.collector,
        sign=parts.signatory.begin if parts.signatory is not None else None,
        scanners=scanners_of(config),
        gate=parts.gate,
        newcomers=newcomers_of(parts),
        marking=Marking(draw_refusal_id, config.why.address) if config.why.ids else None,
    )


def _submission(parts: Parts, form: MessageRules) -> Submission:
    judge = MessageJudge(replace(form, need_from=False))  # a missing one is added
    author = parts.config.submission.author
    return Submission(author, local=parts.directory.local, judge=judge)


def listener_of(
    parts: Parts, site: Site, sockets: Sequence[socket.socket], *, share: bool
) -> Listener:
    """Make the listener of this process on the supervisor's sockets."""
    endpoints = []
    for place, sock in zip(parts.config.listeners, sockets, strict=True):
        tls = None
        if place.tls is not None:
            from ulak.server.tls import context  # noqa: PLC0415 -- OpenSSL is large; not all need it

            assert place.tls.certificate is not None  # noqa: S101 -- `selfmade` has seen to that
            key = place.tls.key or place.tls.certificate
            tls = context(place.tls.certificate, key, place.tls.clients)
        implicit = place.tls is not None and place.tls.mode == "implicit"
        offers, offers_nobody = offers_of(parts.config, place)
        endpoints.append(
            Endpoint(
                place.address.host,
                place.address.port,
                tls,
                implicit,
                sock,
                offers,
                proxies=place.proxy,
                fronts=place.xclient,
                offers_nobody=offers_nobody,
            )
        )
    return Listener(site, tuple(endpoints), share=share)


def _hop(hop: settings.NextHop, domain: str = "") -> Hop:
    way = None if hop.way == "mx" else Way(hop.way)
    return Hop(way, domain if hop.argv or hop.url else hop.host, hop.port, hop.path)


def _is_specific(host: str) -> bool:
    return host not in ("0.0.0.0", "::", "") and not host.startswith("127.")  # noqa: S104 -- compared, not bound
