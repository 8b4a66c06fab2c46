"""The delivery of one store: its worker, made of what the process shares and what is configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ulak.app.announcing import Announcer
from ulak.app.buckets import hear
from ulak.app.ours import meet, readers
from ulak.app.parts import Parts
from ulak.app.ruling import rules_of
from ulak.app.sharing import seat_of, sharing_of
from ulak.app.storing import Fenced, Store, shared_by_all, wake_by_news
from ulak.app.transport import wishes_of
from ulak.bounce import notice
from ulak.bounce.notice import Office
from ulak.delivery.parts import Parts as WorkerParts
from ulak.delivery.ready import Limits
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.share import Member
from ulak.delivery.site.sites import Bounds, Limit, Sites
from ulak.delivery.site.window import Learning
from ulak.delivery.worker import Worker
from ulak.queue.retry import Retry
from ulak.queue.spilling import SpillingStore
from ulak.queue.store import QueueStore


@dataclass(slots=True)
class Post:
    """One store and the worker that delivers from it."""

    store: Store
    worker: Worker
    sharing: Sharing
    operated: bool = True  # whether an operator's verbs are done here: once where several share
    spilled: Sequence[QueueStore] = ()  # what waits here for the database of it


def post_of(parts: Parts, store: Store, member: Member) -> Post:
    """Make the delivery of one store, by one of so many workers."""
    config = parts.config
    delivery, retry = config.delivery, config.delivery.retry
    limits = {
        name: Limit(one.connections, _per_minute(one.messages_per_minute))
        for name, one in config.destinations.items()
        if one.connections or one.messages_per_minute
    }
    learning = Learning(most=delivery.connections_per_destination)
    seat = seat_of(parts)
    sites = Sites(Bounds(learning, limits, parts.sourcing.gate), member=seat or member)
    wishes = wishes_of(config)
    worker = Worker(
        WorkerParts(
            store=store,
            journal=parts.journal,
            resolver=parts.resolver,
            route=parts.route,
            policies=parts.policies,
            particular=lambda domain: wishes.of(domain) is not None,
            carriers=parts.carriers,
            retry=Retry(
                first=retry.first,
                factor=retry.factor,
                longest=max(retry.longest, retry.first),
                jitter=retry.jitter,
                give_up_after=delivery.give_up_after,
                warn_after=delivery.warn_after,
            ),
            office=Office(
                config.hostname, config.languages, multilingual=delivery.multilingual_reports
            ),
            explain=notice.explain,
            readers=partial(readers, parts.directory),
            meet=partial(meet, parts.directory),
            sign=parts.signatory.sign if parts.signatory is not None else None,
            before=parts.outbox.flush if parts.outbox is not None else None,
            clock=parts.clock,
            chance=parts.chance,
            new_id=parts.new_id,
            incident=parts.incident,
            sure=store.sure if isinstance(store, Fenced) else None,
            sites=sites,
            rules=rules_of(delivery.rules),
            news=announcer(parts),
            sources=parts.sourcing.sources,
            limits=Limits(target=delivery.connections_per_destination, total=delivery.connections),
        ),
        paused=delivery.paused,
    )
    parts.stores.append(store)
    parts.waking.append(worker.wake)
    wake_by_news(store, worker.wake)
    hear(parts, store)
    shared = shared_by_all(store)
    sharing = sharing_of(parts, sites, member, seat, worker, own=shared)
    operated = not (member.index and shared)
    spilled = store.here if isinstance(store, SpillingStore) else ()
    return Post(store, worker, sharing, operated, spilled)


def _per_minute(messages: int) -> Rate | None:
    return Rate(messages, 60.0) if messages else None


def announcer(parts: Parts) -> Announcer:
    """Make the one who tells an operator of sites."""
    made = Announcer(
        parts.config, parts.resolver, parts.journal, parts.log, parts.clock, parts.incident
    )
    parts.closing.append(made.close)
    return made
