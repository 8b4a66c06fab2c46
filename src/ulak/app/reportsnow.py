"""Reports that are sent, or told of, because somebody asks: `ulak reports send`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ulak import config as settings
from ulak.app.client import resolver_of
from ulak.app.control import Request, ask
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.reporting import Means, outgoing_of, posting_of
from ulak.app.signing import signatory_of
from ulak.app.storing import open_one
from ulak.app.supervisor import running
from ulak.app.tlsreporting import tls_outgoing_of, tls_posting_of
from ulak.delivery.reporting import Signed
from ulak.keys.folder import KeysError
from ulak.queue.memory import MemoryStore
from ulak.queue.store import QueueStore
from ulak.reports.posting import Posting
from ulak.reports.store import Parcel
from ulak.reports.tls.posting import TlsPosting

T = TypeVar("T")
Postings = Sequence[Posting | TlsPosting]


def send(chosen: settings.Config, now: float, *, at_once: bool) -> int:
    """Send what is due, by the running server or in its place; give how many reports went out.

    Raises ReportsError, StorageError and ControlError.
    """
    places = Places(chosen.data)
    if running(places.data):
        verb = "reports-now" if at_once else "reports"
        return sum(
            count
            for path in places.controls()
            if isinstance(count := ask(path, Request(verb)).get("count"), int)
        )

    async def all_of(postings: Postings) -> int:
        return sum([await posting.run(now, at_once=at_once) for posting in postings])

    async def alone() -> int:
        async with open_one(chosen, places) as store:
            return await _with_postings(chosen, store, all_of)

    return asyncio.run(alone())


def plan(chosen: settings.Config, now: float) -> list[Parcel]:
    """Tell of what would be sent, and ask nobody but DNS. Raises ReportsError."""

    async def all_of(postings: Postings) -> list[Parcel]:
        return [parcel for posting in postings for parcel in await posting.plan(now)]

    return asyncio.run(_with_postings(chosen, MemoryStore(), all_of))


def signs(chosen: settings.Config) -> Callable[[bytes], bytes]:
    """Give what signs where no server runs that could."""
    signatory = signatory_of(chosen, time.time)
    if signatory is None:
        return Signed()
    with contextlib.suppress(KeysError):  # then there is no key, which the report is told of
        signatory.ring.look()
    return Signed(signatory.sign)


async def _with_postings(
    chosen: settings.Config, queue: QueueStore, work: Callable[[Postings], Awaitable[T]]
) -> T:
    resolver, outgoing, tls = resolver_of(chosen), outgoing_of(chosen), tls_outgoing_of(chosen)
    try:
        means = Means(queue, resolver, Identifiers(time.time), signs(chosen))
        return await work((posting_of(chosen, outgoing, means), tls_posting_of(chosen, tls, means)))
    finally:
        outgoing.close()
        tls.close()
        await resolver.close()
