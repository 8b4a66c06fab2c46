"""The policies of MTA-STS of the domains that mail goes to (RFC 8461 §3, §5.1).

A policy that has been fetched holds until its `max_age` is over, whatever becomes of DNS and of
its host in the meantime: whoever disturbs both wins nothing. It is fetched anew when the record in
DNS has another id, and once a day, so that it does not grow old unseen (§3.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ulak.checks import mta_sts
from ulak.checks.mta_sts import Mode, Result
from ulak.delivery.transport.policy import Sts
from ulak.diagnose.domain.mta_sts import Fetched, FetchPolicy
from ulak.dns.records import Resolver

_LOOK_AGAIN = 300.0  # seconds for which this process believes what it knows of the file
_FETCH_AGAIN = 300.0  # seconds after a failure (§3.3)
_REFRESH = 86_400.0  # seconds after which a policy is fetched anew (§3.3)
_AT_ONCE = 20  # fetches
_MOST = 20_000  # domains in memory
_MOST_REFRESHED = 500  # at a time


@dataclass(frozen=True, slots=True)
class Cached:
    """A policy as it is kept. `fetched` is in seconds since the epoch."""

    domain: str
    id: str
    mode: Mode
    mx: tuple[str, ...]
    max_age: int
    fetched: float

    def holds(self, now: float) -> bool:
        """Whether it has not expired."""
        return self.fetched + self.max_age > now

    def stale(self, now: float) -> bool:
        """Whether it is time to fetch it anew."""
        return now >= refresh_at(self)


def refresh_at(policy: Cached) -> float:
    """Give when a policy is to be fetched anew, in seconds since the epoch."""
    return policy.fetched + min(_REFRESH, policy.max_age / 2)


class StsStore(Protocol):
    """Where policies are kept, for all processes. Its verbs may wait for a disk, and raise."""

    def get(self, domain: str) -> Cached | None:
        """Give the policy of a domain."""

    def put(self, policy: Cached) -> None:
        """Keep a policy in place of an older one."""

    def due(self, now: float, limit: int) -> Sequence[Cached]:
        """Give policies that hold and are to be fetched anew; forget those that have expired."""

    def close(self) -> None:
        """Let go of it."""


class StsPolicies:
    """Follows `policy.Policies`. `clock` gives seconds since the epoch.

    `elsewhere` runs what waits for a disk; `incident` notes an error; `tell` hears of policies that
    could not be fetched: the domain, and why.
    """

    def __init__(
        self,
        resolver: Resolver,
        fetch: FetchPolicy,
        store: StsStore,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
        tell: Callable[[str, str], None] = lambda _domain, _problem: None,
    ) -> None:
        self._resolver, self._fetch, self._store = resolver, fetch, store
        self._clock, self._incident, self._tell = clock, incident, tell
        self._known: dict[str, tuple[Cached | None, float]] = {}
        self._failed: dict[str, tuple[str, float, Sts]] = {}
        self._fetching: dict[str, asyncio.Task[Cached | Sts]] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def of(self, domain: str) -> Sts | None:
        """Give the policy of a domain, None where it has none. Never raises but when cancelled."""
        try:
            return await self._of(domain)
        except Exception as error:  # noqa: BLE001 -- mail must not be lost over it
            self._incident(error)
            known = self._known.get(domain)
            return None if known is None or known[0] is None else _sts(known[0])

    async def _of(self, domain: str) -> Sts | None:
        seen, known = await asyncio.gather(
            mta_sts.check(self._resolver, domain=domain), self._look(domain)
        )
        now = self._clock()
        if known is not None and not known.holds(now):
            known = None
        if seen.result is not Result.PUBLISHED:
            # §3.3, §5.1: what is cached holds, though no record is found.
            return None if known is None else _sts(known)
        if known is not None and known.id != seen.id:
            kept = await self._look(domain, anew=True)  # another process may have it already
            if kept is not None:
                known = kept if kept.holds(now) else None
        if known is not None and known.id == seen.id:
            if known.stale(now):
                self._begin(domain, seen.id)
            return _sts(known)
        fetched = await self._fetched(domain, seen.id)
        if isinstance(fetched, Cached):
            return _sts(fetched)
        if known is not None:
            return _sts(known, fetched)
        return fetched

    async def refresh(self) -> int:
        """Fetch anew what has not been fetched for long (§3.3); give how much of it went well."""
        now = self._clock()
        due = await asyncio.to_thread(self._store.due, now, _MOST_REFRESHED)
        done = 0
        for cached in due:
            seen = await mta_sts.check(self._resolver, domain=cached.domain)
            found = await self._fetched(cached.domain, seen.id or cached.id)
            done += isinstance(found, Cached)
        return done

    async def close(self) -> None:
        """Fetch no more."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    # -- what is kept -------------------------------------------------------------------------

    async def _look(self, domain: str, *, anew: bool = False) -> Cached | None:
        now = self._clock()
        known = self._known.get(domain)
        if known is not None and known[1] > now and not anew:
            return known[0]
        found = await asyncio.to_thread(self._store.get, domain)
        self._remember(domain, found)
        return found

    def _remember(self, domain: str, found: Cached | None) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[domain] = (found, self._clock() + _LOOK_AGAIN)

    # -- fetching -----------------------------------------------------------------------------

    async def _fetched(self, domain: str, identifier: str) -> Cached | Sts:
        """Fetch a policy, once for all who ask; what went wrong is not tried again at once."""
        failed = self._failed.get(domain)
        if failed is not None and failed[0] == identifier and failed[1] > self._clock():
            return failed[2]
        return await asyncio.shield(self._begin(domain, identifier))

    def _begin(self, domain: str, identifier: str) -> asyncio.Task[Cached | Sts]:
        task = self._fetching.get(domain)
        if task is None:
            failed = self._failed.get(domain)
            again = failed is None or failed[0] != identifier or failed[1] <= self._clock()
            work = self._get(domain, identifier) if again else _nothing(failed)
            task = asyncio.get_running_loop().create_task(work)
            self._fetching[domain] = task
            task.add_done_callback(lambda done: self._done(domain, done))
        return task

    def _done(self, domain: str, task: asyncio.Task[Cached | Sts]) -> None:
        self._fetching.pop(domain, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._incident(error)

    async def _get(self, domain: str, identifier: str) -> Cached | Sts:
        async with self._at_once:
            fetched = await self._fetch(domain)
        now = self._clock()
        policy = mta_sts.read(fetched.octets)
        problem, fault = _trouble(fetched)
        if not problem and (not policy.valid or policy.mode is None):
            named = ", ".join(dict.fromkeys(mistake.key for mistake in policy.mistakes))
            problem, fault = f"the policy is not valid ({named})", "sts-policy-invalid"
        if problem or policy.mode is None:
            sts = Sts(domain, Mode.NONE, identifier, problem=problem, fault=fault)
            if len(self._failed) >= _MOST:
                self._failed.clear()
            self._failed[domain] = (identifier, now + _FETCH_AGAIN, sts)
            known = await self._look(domain)
            if known is None or known.mode is not Mode.NONE:  # §3.3
                self._tell(domain, problem)
            return sts
        self._failed.pop(domain, None)
        cached = Cached(domain, identifier, policy.mode, policy.mx, policy.max_age, now)
        self._remember(domain, cached)
        await asyncio.to_thread(self._store.put, cached)
        return cached


async def _nothing(failed: tuple[str, float, Sts] | None) -> Cached | Sts:
    assert failed is not None  # noqa: S101 -- who asks has looked
    return failed[2]


def _sts(cached: Cached, failed: Sts | None = None) -> Sts | None:
    if cached.mode is Mode.NONE and failed is None:
        return None
    return Sts(
        cached.domain,
        cached.mode,
        cached.id,
        cached.mx,
        cached.max_age,
        "" if failed is None else failed.problem,
        "" if failed is None else failed.fault,
    )


def _trouble(fetched: Fetched) -> tuple[str, str]:
    """Say why nothing usable was fetched, and what RFC 8460 §4.3 calls it; `""` for nothing."""
    fetching = "sts-policy-fetch-error"
    if fetched.nowhere:
        return f"{fetched.nowhere} has no address", fetching
    if fetched.refused:
        return f"its host has the private address {fetched.refused}", fetching
    if fetched.status:
        return f"HTTP status {fetched.status}", fetching
    if fetched.problem:
        return fetched.problem, "sts-webpki-invalid" if fetched.untrusted else fetching
    if fetched.media_type != "text/plain":
        return f"the media type is {fetched.media_type or 'missing'}", "sts-policy-invalid"
    return "", ""
