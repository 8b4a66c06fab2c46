"""From settings to what is ours: domains, who knows their mailboxes, and where their mail lies."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import cache, partial
from pathlib import Path

from ulak import config as settings
from ulak.app.forwarding import Forwarding, Secrets
from ulak.app.places import Places
from ulak.delivery.carrier import Carrier
from ulak.delivery.demands import Demands
from ulak.delivery.forwarding import ForwardingCarrier
from ulak.delivery.hop import Hop
from ulak.delivery.maildir import Place, Placing
from ulak.delivery.target import Way
from ulak.delivery.tls import opportunistic, verifying
from ulak.log import Event, Log
from ulak.mail.address import Address, ascii_lower
from ulak.mail.envelope import domain_of
from ulak.mail.returnpath import ReturnPath
from ulak.rosters.file import FileRoster, Told
from ulak.rosters.kept import Keeping, Kept
from ulak.rosters.roster import Silent, Source
from ulak.server.directory import Directory, Domain, Foreign, Found, How, Moved, Result, Unknown
from ulak.smtp.grammar import GrammarError, parse_user

_HANDLED = ("pipe", "http")
Closing = list[Callable[[], Awaitable[None]]]
Incident = Callable[[BaseException], str]
Looked = Callable[[Address], Result | None]


def forwarding_of(
    config: settings.Config, clock: Callable[[], float], incident: Incident, *, make: bool = True
) -> Forwarding | None:
    """Make who rewrites senders; None where none is. `make`: a secret is made where none is."""
    if not config.forwarding.srs:
        return None
    path = config.forwarding.secret or Places(config.data).srs
    known = Secrets(path, time.monotonic, make=make)
    return Forwarding(config.forwarding, known, clock, incident)


def directory_of(
    config: settings.Config,
    forwarding: Forwarding | None,
    incident: Incident,
    log: Log | None,
    closing: Closing,
    *,
    returns: ReturnPath | None = None,
) -> Directory:
    """Make the directory; what its rosters have open is closed by what comes into `closing`."""
    domains = {
        name: Domain(
            frozenset(domain.mailboxes),
            domain.aliases,
            domain.moved,
            domain.separator,
            domain.catch_all or "",
            None
            if domain.roster is None
            else _roster(name, domain.roster, incident, log, closing, config.hostname),
        )
        for name, domain in config.domains.items()
    }
    extra = config.forwarding.domain if forwarding is not None else None
    returned = looking(returns, None if forwarding is None else forwarding.returned)
    homes = (extra or "", "" if returns is None else returns.domain)
    return Directory(config.hostname, domains, returned, homes)


def looking(path: ReturnPath | None, others: Looked | None) -> Looked | None:
    """Let a directory know return addresses; `others` are senders that were rewritten."""
    if path is None:
        return others

    def look(address: Address) -> Result | None:
        if ascii_lower(address.domain) != path.domain:
            return others(address) if others is not None else None
        if path.read(address) is None:
            return Unknown()
        return Found((str(address),), how=How.RETURN)

    return look


def _roster(
    name: str,
    one: settings.Roster,
    incident: Incident,
    log: Log | None,
    closing: Closing,
    hostname: str,
) -> Kept:
    from_file = one.kind == "file"
    keeping = Keeping(
        known=0.0 if from_file else one.keep,  # a file is looked at itself
        unknown=0.0 if from_file else one.keep_unknown,
        stale=one.keep_in_trouble,
        most=one.most,
        timeout=one.timeout,
        at_once=one.at_once,
    )
    source = _source(name, one, log, hostname)
    kept = Kept(source, keeping, time.monotonic, incident, partial(_trouble, log, name))
    closing.append(kept.close)
    return kept


def _source(name: str, one: settings.Roster, log: Log | None, hostname: str) -> Source:
    match one.kind:
        case "command":
            from ulak.rosters.command import CommandRoster  # noqa: PLC0415 -- rarely wanted

            assert one.command is not None  # noqa: S101 -- as was checked
            by_input = one.give == "input"
            return CommandRoster(one.command, by_input=by_input, timeout=one.timeout)
        case "lmtp" | "smtp":
            from ulak.delivery.callout import Asked, Callout  # noqa: PLC0415 -- as above

            assert one.address is not None  # noqa: S101 -- as above
            where = one.address
            asked = Asked(
                name, where.host, where.port, where.path, one.kind == "lmtp", _demands(one)
            )
            told = partial(_says_yes, log, name)
            return Callout(asked, hostname, _nobody, time.monotonic, told)
        case "sqlite":
            from ulak.rosters.sqlite import SqliteRoster  # noqa: PLC0415 -- as above

            assert one.path is not None  # noqa: S101 -- as above
            return SqliteRoster(one.path, one.query, timeout=one.timeout)
        case "postgresql":
            try:
                from ulak.rosters.postgresql import PostgresqlRoster  # noqa: PLC0415 -- as above
            except ModuleNotFoundError:
                return Silent("pip install 'ulak[postgres]' installs what speaks to PostgreSQL")
            return PostgresqlRoster(one.database, one.query, timeout=one.timeout)
        case _:
            assert one.path is not None  # noqa: S101 -- as above
            return FileRoster(one.path, time.monotonic, partial(_read, log, name))


def _demands(one: settings.Roster) -> Demands:
    """Say what TLS there has to be with a server that is asked."""
    if one.tls == "off":
        return Demands()
    required = one.tls != "opportunistic"
    tls = verifying(one.ca) if required else opportunistic()
    return Demands(tls=tls, required=required, implicit=one.tls == "implicit")


def _nobody() -> str:
    """Draw a name that nobody has."""
    return f"ulak-asks-{secrets.token_hex(8)}"


def _says_yes(log: Log | None, name: str, yes: bool) -> None:  # noqa: FBT001 -- as it is told
    if log is not None:
        log.emit(Event.ROSTER_SAYS_YES, domain=name, everybody="yes" if yes else "no")


def _trouble(log: Log | None, name: str, problem: str) -> None:
    if log is None:
        return
    if problem:
        log.emit(Event.ROSTER_FAILED, domain=name, problem=problem)
    else:
        log.emit(Event.ROSTER_READY, domain=name)


def _read(log: Log | None, name: str, told: Told) -> None:
    if log is None:
        return
    if told.first_bad:
        log.emit(Event.ROSTER_UNREADABLE, domain=name, lines=str(told.bad), problem=told.first_bad)
    if told.lines:
        log.emit(Event.ROSTER_READY, domain=name, lines=str(told.lines))


def placing_of(config: settings.Config, directory: Directory) -> Placing | None:
    """Make who says where mail for a detail lies; None where there are no details."""
    folders = {
        name: domain.detail_folder for name, domain in config.domains.items() if domain.separator
    }
    if not folders:
        return None

    async def place(recipient: str) -> Place:
        mailbox, detail = await directory.place(recipient)
        how = folders.get(domain_of(mailbox), "off")
        return Place(mailbox, "" if how == "off" else detail, make=how == "create")

    return place


def handlers_of(
    config: settings.Config, directory: Directory, clock: Callable[[], float]
) -> dict[Way, Carrier]:
    """Make the carriers of handlers; none where no domain has one."""
    domains = {
        name: domain for name, domain in config.domains.items() if domain.deliver.way in _HANDLED
    }
    if not domains:
        return {}
    from ulak.delivery.handler import (  # noqa: PLC0415 -- h11 is loaded where it is wanted
        Address,
        HttpCarrier,
        PipeCarrier,
        Program,
    )

    programs: dict[str, Program] = {}
    addresses: dict[str, Address] = {}
    for name, domain in domains.items():
        hop, one = domain.deliver, domain.handler or settings.Handler()
        if hop.way == "pipe":
            key = Hop(Way.PIPE, name).key
            programs[key] = Program(hop.argv, one.timeout, one.at_once)
        else:
            secret = None if one.secret is None else partial(_secret, one.secret)
            key = Hop(Way.HTTP, name).key
            addresses[key] = Address(hop.url, one.timeout, one.at_once, secret)
    context = cache(partial(verifying, config.delivery.authorities))
    return {
        Way.PIPE: PipeCarrier(programs, directory.place),
        Way.HTTP: HttpCarrier(addresses, context, clock),
    }


def _secret(file: Path) -> bytes:
    """Give the secret in a file, without white space at its ends. Raises OSError."""
    return file.read_bytes().strip()


def forwarded(inner: Carrier, directory: Directory, forwarding: Forwarding | None) -> Carrier:
    """Let a carrier send what is forwarded in our name."""
    if forwarding is None:
        return inner
    return ForwardingCarrier(inner, directory.local, forwarding.rewrite)


def readers(directory: Directory, sender: str) -> tuple[str, ...]:
    """Give the addresses at which a report to a sender is read; none where it has no mailbox."""
    if not sender:
        return ()
    try:
        found = directory.find(parse_user(sender), bounce=True)
    except GrammarError:  # not from a session
        return (sender,)
    match found:
        case Found(members):
            return members
        case Moved(to):
            return (to,)
        case Foreign() | None:  # or a roster would have to be asked: who delivers will
            return (sender,)
        case _:
            return ()


async def meet(directory: Directory, sender: str) -> None:
    """Let the roster of a sender's domain be asked, so that `readers` knows."""
    if not sender:
        return
    try:
        await directory.ask(parse_user(sender), bounce=True)
    except GrammarError:  # as above
        return
