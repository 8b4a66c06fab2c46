"""Who may connect, and how the blocklists that are asked about it answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ulak import config as settings
from ulak.checks.dnsbl import Blocklist, read_codes
from ulak.dns.records import Resolver
from ulak.journal.entry import Journal
from ulak.policy.admission import Admission
from ulak.policy.health import Healths
from ulak.replies.reply import Reply


class Welcome:
    """Judges the clients of one process. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        config: settings.Config,
        resolver: Resolver,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        policy = config.policy
        zones = blocklists_of(config)
        self._admission = Admission(
            resolver,
            zones=zones,
            deny=policy.deny,
            exempt=config.relay.networks,
            gather=asyncio.gather,
            clock=time.monotonic,
        )
        self._journal = journal
        self._clock = clock
        self.healths = Healths(zone.zone for zone in zones)

    def resting(self) -> dict[str, float]:
        """Tell which lists are left alone now, and for how many seconds more."""
        return self._admission.resting()

    async def admit(self, ip: str, session: str) -> Reply | None:
        """Give the reply for a client that is not welcome, and note what was found."""
        verdict = await self._admission.judge(ip)
        now = self._clock()
        self.healths.take(verdict.findings, now)
        for entry in verdict.entries(now, session):
            self._journal.write(entry)
        return verdict.reply


def blocklists_of(config: settings.Config) -> list[Blocklist]:
    """Give the blocklists that are asked about clients."""
    return [
        Blocklist(each.zone, read_codes(each.codes), each.label) for each in config.policy.dnsbl
    ]
