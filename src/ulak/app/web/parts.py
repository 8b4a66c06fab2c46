"""What the pieces of the site share in one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property

from ulak import config as settings
from ulak.app.asking.others import Others, others_of
from ulak.app.client import resolver_of
from ulak.app.operation import LiveOperation
from ulak.app.places import Places
from ulak.app.web.refusals import why_of
from ulak.app.web.tools import bench_of
from ulak.dns.resolver import DnsResolver
from ulak.journal.entry import Journal
from ulak.journal.incident import incident
from ulak.log import Log
from ulak.web.refusals import Why
from ulak.web.tools import Bench

_NOTED = "_ulak_incident"


@dataclass
class WebParts:
    """The server as the web process sees it. Times of `clock` are seconds since the epoch.

    What has to be let go of at the end is in `closing`.
    """

    config: settings.Config
    places: Places
    journal: Journal
    log: Log
    clock: Callable[[], float]
    new_id: Callable[[], str]
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def web(self) -> settings.Web:
        """The settings of the web."""
        return self.config.web or settings.Web()

    @cached_property
    def resolver(self) -> DnsResolver:
        """Who is asked for names."""
        made = resolver_of(self.config)
        self.closing.append(made.close)
        return made

    @cached_property
    def others(self) -> Others:
        """The other servers, which are asked what this one does not know."""
        made = others_of(self.config)
        self.closing.append(made.close)
        return made

    @cached_property
    def operation(self) -> LiveOperation:
        """The server in an operator's hands."""
        return LiveOperation(self.config, self.journal, self.resolver, self.clock, self.others)

    @cached_property
    def bench(self) -> Bench:
        """What checks for strangers, within its limits."""
        return bench_of(self)

    @cached_property
    def why(self) -> Why | None:
        """What tells strangers of their refusals, within its limits; None where that is off."""
        return why_of(self)

    def incident(self, error: BaseException) -> str:
        """Note an error inside; give its id. One that has been noted is not noted again."""
        known = getattr(error, _NOTED, "")
        if known:
            return str(known)
        identifier = incident(
            error, new_id=self.new_id, journal=self.journal, log=self.log, clock=self.clock
        )
        setattr(error, _NOTED, identifier)
        return identifier

    async def close(self) -> None:
        """Let go of what was used."""
        for close in self.closing:
            await close()
