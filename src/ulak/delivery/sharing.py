"""What this worker tells the others of sites, and takes over from them, while it works.

Errors of the file or the database stop nothing: each worker goes on with what it knows, and with
its own part of limits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ulak.delivery.seating import Seating
from ulak.delivery.site.share import LASTS, Claimant, Member
from ulak.delivery.site.shared import Kept, Place, Shared, SharedError
from ulak.delivery.site.sites import Sites

_OFTEN = 2.0  # seconds between two looks at the file
_SOON = 0.2  # and while parts of limits change
_DAYS = 2 * 86_400.0  # seconds: what is older says nothing any more
_OVERLAP = 5.0  # seconds that are read twice: others' clocks and transactions


class Sharing:
    """Keeps one worker's sites in step. `opened` is told of a site that may be sent to again.

    `seating` shares limits with a cluster, in place of claims with the workers of a machine;
    `apart` hears when what all share cannot be reached, and when it can again.
    """

    def __init__(
        self,
        sites: Sites,
        shared: Shared,
        member: Member,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
        opened: Callable[[str], None],
        seating: Seating | None = None,
        apart: Callable[[SharedError | None], None] | None = None,
    ) -> None:
        self._seating = seating
        self._apart = apart
        self._sites = sites
        self._shared = shared
        self._member = member
        self._clock = clock
        self._incident = incident
        self._opened = opened
        self._read = clock() - _DAYS  # up to when the file was read
        self._hurry = asyncio.Event()
        self.failing = False
        self.apart = 0.0  # since when a cluster cannot be reached; 0.0: it can, or there is none
        sites.wanting = self._hurry.set

    @property
    def sharers(self) -> int:
        """How many workers of a cluster share limits; 0 where that is not known."""
        return 0 if self._seating is None else self._seating.sharers

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._hurry.clear()
            await self.step()
            soon = self._seating is not None and self._seating.soon
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SOON if soon and not self.failing else _OFTEN):
                    await self._hurry.wait()

    async def step(self) -> None:
        """Tell the others what was learned, claim and give back, and look what they say.

        In this order: who is given leave to probe knows then what the last probe has shown.
        """
        trouble: SharedError | None = None
        try:
            await self._tell()
            await (self._claims() if self._seating is None else self._seating.step())
        except SharedError as error:
            trouble = error
        if trouble is None or self._seating is None:  # a database would be waited for once more
            try:
                await self._look()
            except SharedError as error:
                trouble = error
        self._failed(trouble)
        self._probe(trouble)

    def _probe(self, trouble: SharedError | None) -> None:
        """Begin the probes that are ours: those for which there is leave, or all without others."""
        for probe in self._sites.probes:
            if probe.confirm() if trouble is None else probe.take(self._clock()):
                self._opened(probe.site)

    def _failed(self, trouble: SharedError | None) -> None:
        """Note trouble with the file once, however long it lasts."""
        failed = trouble is not None
        if trouble is not None and self._seating is not None:
            self._seating.away()
            self.apart = self.apart or self._clock()
        else:
            self.apart = 0.0
        if failed is not self.failing:
            if self._apart is not None:
                self._apart(trouble)
            elif trouble is not None:
                self._incident(trouble)
        self.failing = failed

    async def close(self) -> None:
        """Leave what was learned to those who come after, and claims to the others."""
        for site in self._sites:
            for terms in site:
                if site.learns and terms.learned:
                    self._sites.touch(site.name, terms)
        try:
            await self._tell()
            if self._seating is not None:
                await self._seating.close()
                return
            for place in list(self._sites.claims):
                await self._release(place)
        except SharedError as error:
            self._failed(error)

    async def _look(self) -> None:
        now, since = self._clock(), self._read
        found = await self._shared.read(since)
        self._read = now - _OVERLAP
        for kept in found:
            if kept.changed <= now + _OVERLAP:  # else a clock jumped
                self._take(kept, now)

    def _take(self, kept: Kept, now: float) -> None:
        if self._sites.take(kept, now):
            self._opened(kept.site)

    async def _tell(self) -> None:
        changed = self._sites.changed()
        if not changed:
            return
        kept = [terms.keep(name) for name, terms in changed]
        try:
            await self._shared.write(kept)
        except SharedError:
            for name, terms in changed:
                self._sites.touch(name, terms)
            raise

    # -- claims -----------------------------------------------------------------------------

    async def _claims(self) -> None:
        for place, terms in list(self._sites.claims.items()):
            if terms.claimed:
                if terms.done(self._clock()):
                    terms.share = terms.part  # nothing more begins by it
                if terms.share == terms.part and terms.active <= terms.part:
                    await self._release(place)
                elif not await self._hold(place, terms):
                    terms.lose()  # we have slept for too long
            elif terms.wanting and await self._hold(place, terms):
                if terms.win(self._clock()):
                    self._opened(terms.site)
            elif not terms.wanting:
                del self._sites.claims[place]

    async def _hold(self, place: Place, terms: Claimant) -> bool:
        rest = self._member.rest(terms.limit)
        now = self._clock()
        return await self._shared.claim(place, rest, self._member.index, now, now + LASTS)

    async def _release(self, place: Place) -> None:
        terms = self._sites.claims.pop(place)
        terms.lose()
        await self._shared.release(place, self._member.index)
        if terms.wanting:
            self._sites.claims[place] = terms
