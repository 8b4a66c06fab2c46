"""What this server would do with mail to an address, and why: `ulak check address`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ulak import config as settings
from ulak.app.ours import directory_of, forwarding_of, placing_of
from ulak.app.places import Places
from ulak.delivery.maildir import MaildirCarrier, Place
from ulak.mail.address import Address
from ulak.mail.envelope import domain_of
from ulak.replies.reply import Reply
from ulak.rosters.roster import RosterError
from ulak.server.answers import recipient
from ulak.server.directory import Directory, Result
from ulak.smtp.grammar import parse_user

_EXAMPLE = "sender@example.net"


@dataclass(frozen=True, slots=True)
class Member:
    """One address that gets the mail: into which Maildir, or by which next hop.

    `sender` is as whom a stranger's mail would be sent on, `""` where its sender stays.
    """

    address: str
    maildir: Path | None
    hop: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of it. `problem` is what a roster had to say that gave no answer."""

    address: Address
    found: Result
    reply: Reply
    members: tuple[Member, ...]
    problem: str


def look(config: settings.Config, text: str, *, bounce: bool) -> Looked:
    """Look an address up as a session would. Raises GrammarError."""
    return asyncio.run(_look(config, parse_user(text), bounce=bounce))


async def _look(config: settings.Config, address: Address, *, bounce: bool) -> Looked:
    problems: list[str] = []
    closing: list[Callable[[], Awaitable[None]]] = []

    def incident(error: BaseException) -> str:
        problems.append(str(error))
        return "-"

    places = Places(config.data)
    forwarding = forwarding_of(config, time.time, incident, make=False)
    directory = directory_of(config, forwarding, incident, None, closing)
    try:
        found = await directory.ask(address, bounce=bounce)
        reply, taken = recipient(address, found, "others", relay=False, smtputf8=True)
        members = []
        for member in taken.members if taken is not None else ():
            maildir, hop = await _way(config, directory, places, member)
            sender = ""
            led = taken is not None and taken.alias and not directory.local(domain_of(member))
            if forwarding is not None and led and not bounce:
                sender = forwarding.rewrite(_EXAMPLE, str(address)) or ""
            members.append(Member(member, maildir, hop, sender))
    finally:
        for close in closing:
            await close()
    return Looked(address, found, reply, tuple(members), "; ".join(problems))


async def _way(
    config: settings.Config, directory: Directory, places: Places, member: str
) -> tuple[Path | None, str]:
    """Give the Maildir of a member, or its next hop."""
    domain = config.domains.get(domain_of(member))
    if domain is None:
        routes = config.routes
        return None, str(routes.get(domain_of(member), routes["*"]))
    if domain.deliver.way != "maildir":
        return None, str(domain.deliver)
    carrier = MaildirCarrier(places.mail, config.hostname, time.time)
    placing = placing_of(config, directory)
    place = Place(member)
    try:
        if placing is not None:
            place = await placing(member)
    except RosterError:
        pass  # it is told of already
    finally:
        await carrier.close()
    return carrier.maildir(place), str(domain.deliver)
