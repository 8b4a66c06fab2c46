"""Where mail for a domain goes, kept for a while: looked up once for all who ask at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from ulak.delivery.line import Job, Round
from ulak.delivery.parts import Parts
from ulak.delivery.route import Route
from ulak.delivery.target import Target, Told, Way
from ulak.delivery.transport.policy import Policies
from ulak.dns.records import Resolver
from ulak.queue.item import Pending
from ulak.replies import catalog

_KEPT = 60.0  # seconds; lots are drawn among equal hosts anew after it
_KEPT_TROUBLE = 15.0  # seconds, for what DNS could not say
_MOST = 20_000  # domains
_AT_ONCE = 200  # look-ups


class Directions:
    """Targets by domain, and jobs for them with no more than `most` recipients each.

    `clock` gives seconds; `incident` notes an error and gives its id. `policies` knows what domains
    say of TLS, and `particular` for which of them the operator wants something else.
    """

    def __init__(
        self,
        route: Route,
        resolver: Resolver,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
        most: int,
        policies: Policies | None = None,
        particular: Callable[[str], bool] = lambda _domain: False,
    ) -> None:
        self._particular = particular
        self._most = most
        self._policies = policies
        self._route = route
        self._resolver = resolver
        self._clock = clock
        self._incident = incident
        self._kept: dict[str, tuple[Target, float]] = {}
        self._asking: dict[str, asyncio.Task[Target]] = {}
        self.asked: Counter[str] = Counter()  # how many wait for each domain
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    def known(self, domain: str) -> Target | None:
        """Give the target of a domain if it need not be looked up."""
        kept = self._kept.get(domain)
        if kept is not None and kept[1] > self._clock():
            return kept[0]
        return self._route.known(domain)

    def jobs(self, around: Round, routed: Iterable[tuple[Pending, Target]]) -> list[Job]:
        """Put recipients with one target together, as many as go in one attempt."""
        groups: dict[str, tuple[Target, list[Pending]]] = {}
        apart = around.lease.message.envelope.wishes.require_tls
        for each, found in routed:
            target = found if found.refusal is None else self._home(each) or found
            # The same hosts may be those of one domain for sure, and of another so DNS says.
            key = target.key
            if target.apart or apart:
                key = f"{target.apart} {target.told} {key}"
            groups.setdefault(key, (target, []))[1].append(each)
        return [
            Job(around, target, tuple(group[start : start + self._most]))
            for target, group in groups.values()
            for start in range(0, len(group), self._most)
        ]

    def _home(self, pending: Pending) -> Target | None:
        """Give where the postmaster of this very server gets mail (RFC 5321 §4.5.1)."""
        local, _, domain = pending.recipient.partition("@")
        if local.lower() == "postmaster" and self._route.own(domain.lower()):
            return self._route.home()
        return None

    async def find(self, domain: str) -> Target:
        """Give the target of a domain. Never raises but when cancelled."""
        known = self.known(domain)
        if known is not None:
            return known
        task = self._asking.get(domain)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(domain))
            self._asking[domain] = task
        self.asked[domain] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self.asked[domain] -= 1
            if not self.asked[domain]:
                del self.asked[domain]

    async def _ask(self, domain: str) -> Target:
        try:
            async with self._at_once:
                target = await self._look(domain)
        except Exception as error:  # noqa: BLE001 -- whatever it is, mail waits and is not lost
            reply = catalog.INTERNAL_ERROR.reply(id=self._incident(error))
            target = Target(Way.SMTP, f"refused:{domain}", refusal=reply)
        finally:
            del self._asking[domain]
        self._keep(domain, target)
        return target

    async def _look(self, domain: str) -> Target:
        """Ask for the hosts, and for what the domain says of TLS beside it."""
        if not self._route.by_exchange(domain):
            return await self._route.find(domain, self._resolver)
        if self._policies is None:
            target = await self._route.find(domain, self._resolver)
            sts = None
        else:
            target, sts = await asyncio.gather(
                self._route.find(domain, self._resolver), self._policies.of(domain)
            )
        if target.told is Told.OPERATOR or target.refusal is not None:
            return target
        danes = [host.dane for host in target.hosts if host.dane is not None]
        apart = ""
        if sts is not None or any(dane.anchored for dane in danes) or self._particular(domain):
            apart = domain
        elif danes:
            apart = "dane"
        return replace(target, domain=domain, sts=sts, apart=apart)

    def _keep(self, domain: str, target: Target) -> None:
        now = self._clock()
        if len(self._kept) >= _MOST:
            self._kept = {name: kept for name, kept in self._kept.items() if kept[1] > now}
        if len(self._kept) >= _MOST:
            self._kept.clear()
        trouble = target.refusal is not None and target.refusal.temporary
        danes = [host.dane for host in target.hosts if host.dane is not None]
        trouble = trouble or any(dane.problem for dane in danes)
        life = min([_KEPT, *(max(dane.ttl, 1) for dane in danes)])
        self._kept[domain] = (target, now + (_KEPT_TROUBLE if trouble else life))

    async def close(self) -> None:
        """Ask no more."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)


def directions_of(parts: Parts) -> Directions:
    """Make the directions of a worker."""
    return Directions(
        parts.route,
        parts.resolver,
        parts.clock,
        parts.incident,
        parts.limits.recipients,
        parts.policies,
        parts.particular,
    )
