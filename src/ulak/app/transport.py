"""From settings to how safely mail has to travel (`ulak.delivery.transport`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.delivery.byname import ByName
from ulak.log import Event

if TYPE_CHECKING:  # h11 and its like are loaded where they are used
    from ulak.app.parts import Parts
    from ulak.delivery.transport.sts import StsPolicies
    from ulak.diagnose.domain.mta_sts import Fetched, FetchPolicy

_REFRESH = 3600.0  # seconds between two looks at what is to be fetched anew


def wishes_of(config: settings.Config) -> ByName[str]:
    """Give what TLS the operator wants with single destinations."""
    return ByName({name: one.tls for name, one in config.destinations.items() if one.tls != "auto"})


def asks_for_records(config: settings.Config) -> bool:
    """Whether TLSA records are of interest."""
    return config.delivery.dane or _wished(config, "dane")


def policies_of(parts: Parts) -> StsPolicies | None:
    """Make who knows the policies of MTA-STS of domains; None where nobody keeps to them."""
    config = parts.config
    delivery = config.delivery
    if not (delivery.mta_sts and delivery.tls != "off") and not _wished(config, "mta-sts"):
        return None
    from ulak.delivery.transport.sqlite import SqliteStsStore  # noqa: PLC0415 -- as above
    from ulak.delivery.transport.sts import StsPolicies  # noqa: PLC0415 -- as above

    made = StsPolicies(
        parts.resolver,
        _Fetching(parts),
        SqliteStsStore(parts.places.transport),
        parts.clock,
        parts.incident,
        partial(_tell, parts),
    )
    parts.closing.append(made.close)
    return made


class _Fetching:
    """Fetches policies; what that takes is loaded with the first of them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @cached_property
    def _fetch(self) -> FetchPolicy:
        from ulak.app.fetching import PolicyFetcher  # noqa: PLC0415 -- as above
        from ulak.delivery.tls import verifying  # noqa: PLC0415 -- as above

        delivery = self._parts.config.delivery
        context = verifying(delivery.authorities)
        context.hostname_checks_common_name = False  # RFC 8461 §3.3
        private = delivery.allow_private
        return PolicyFetcher(self._parts.resolver, context, reach_private=private)

    async def __call__(self, domain: str) -> Fetched:
        return await self._fetch(domain)


def refreshers(parts: Parts, index: int) -> list[Callable[[], Coroutine[None, None, None]]]:
    """Give what the first worker does for all: to fetch policies anew in time."""
    return [] if index or parts.policies is None else [partial(_refresh, parts, parts.policies)]


async def _refresh(parts: Parts, policies: StsPolicies) -> None:
    while True:
        await asyncio.sleep(_REFRESH)
        try:
            await policies.refresh()
        except Exception as error:  # noqa: BLE001 -- mail goes on, and so does this
            parts.incident(error)


def _tell(parts: Parts, domain: str, problem: str) -> None:
    parts.log.emit(Event.POLICY_NOT_FETCHED, domain=domain, problem=problem)


def _wished(config: settings.Config, wish: str) -> bool:
    return any(one.tls == wish for one in config.destinations.values())
