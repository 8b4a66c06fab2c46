"""What an operator is told of sites: an entry in the journal and a line in the log.

Where a site does not want our address because of its reputation, the lists in DNS are asked first
whether they have it, so that the entry says what there is to mend.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable

from ulak.app.welcome import blocklists_of
from ulak.config import Config
from ulak.delivery.acting import News
from ulak.delivery.site.suspension import Reason
from ulak.delivery.site.terms import Turn
from ulak.diagnose import listings
from ulak.dns.records import Resolver
from ulak.journal.entry import Entry, Journal, Kind
from ulak.log import Event, Log

_EVENTS = {
    Turn.SUSPENDED: Event.SITE_SUSPENDED,
    Turn.SLOWED: Event.SITE_SLOWED,
    Turn.RESUMED: Event.SITE_RESUMED,
}
_PATIENCE = 30.0  # seconds for what lists say
_AT_ONCE = 5  # addresses that are looked up; more are told of without


class Announcer:
    """Tells of sites. `clock` gives seconds since the epoch; `incident` notes an error."""

    def __init__(
        self,
        config: Config,
        resolver: Resolver,
        journal: Journal,
        log: Log,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
    ) -> None:
        self._zones = blocklists_of(config)
        delivery = config.delivery
        self._own = delivery.source_ipv4 or delivery.source_ipv6
        self._resolver = resolver
        self._journal = journal
        self._log = log
        self._clock = clock
        self._incident = incident
        self._asking: set[asyncio.Task[None]] = set()

    def __call__(self, news: News) -> None:
        """Tell; returns at once."""
        ip = self._address(news)
        suspension = news.suspension
        refused = suspension is not None and suspension.reason is Reason.REFUSED
        if news.turn is Turn.SUSPENDED and refused and ip and len(self._asking) < _AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._ask(news, ip))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        else:
            self._tell(news, ip, "")

    def _address(self, news: News) -> str:
        """Give the address that was refused: the reply names it, or the configuration does."""
        told = "" if news.outcome is None else news.outcome.facts.get("ip", "")
        try:
            return str(ipaddress.ip_address(told or self._own))
        except ValueError:
            return ""

    async def _ask(self, news: News, ip: str) -> None:
        listed = ""
        try:
            async with asyncio.timeout(_PATIENCE):
                asked = await listings.of_address(
                    self._resolver, ip=ip, zones=self._zones, known=True, gather=asyncio.gather
                )
        except TimeoutError:
            pass
        except Exception as error:  # noqa: BLE001 -- the operator is told all the same
            self._incident(error)
        else:
            on = [one.check.subject for one in asked if one.check.good is False]
            listed = ", ".join(on) or "none"
        self._tell(news, ip, listed)

    def _tell(self, news: News, ip: str, listed: str) -> None:
        facts = {"site": news.site, "turn": news.turn.value}
        cause = ""
        if news.source:
            facts["source"] = news.source
        about = news.suspension
        if about is not None:
            cause = about.cause
            facts |= {"why": about.reason.value, "rule": about.rule, "reply": about.reply}
            if about.host:
                facts["host"] = about.host
                if about.host not in about.reply:  # it is the host that has said it
                    facts["remote"] = "yes"
            if news.turn is not Turn.RESUMED:
                facts |= {"due": str(int(about.until)), "times": str(about.times)}
        elif news.outcome is not None:
            cause = news.outcome.cause
            facts |= {"reply": news.outcome.reply, "host": news.outcome.host}
        if ip and news.turn is Turn.SUSPENDED:
            facts["ip"] = ip
        if listed:
            facts["listed"] = listed
        self._journal.write(Entry(self._clock(), Kind.SITE, cause, facts=facts))
        self._log.emit(_EVENTS[news.turn], **facts, **({"cause": cause} if cause else {}))

    async def close(self) -> None:
        """Ask no more; what was to be told is told without an answer."""
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
