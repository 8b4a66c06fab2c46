"""What a delivery worker works with, put together by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ulak.bounce.notice import Explain, Office, explain
from ulak.delivery.carrier import Carrier
from ulak.delivery.ready import Limits
from ulak.delivery.route import Route
from ulak.delivery.target import Way
from ulak.dns.records import Resolver
from ulak.journal.entry import Journal
from ulak.queue.retry import Retry
from ulak.queue.store import QueueStore


def everybody(sender: str) -> tuple[str, ...]:
    """Give the sender as the reader of a report, without knowing whether there is such a one."""
    return (sender,) if sender else ()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a worker.

    `clock` gives seconds since the epoch, `chance` numbers from 0 to below 1, `new_id` ids of
    messages; `incident` notes an error and gives its id. `readers` gives the addresses at which
    a report to a sender is read: the members of an alias of ours, nobody for a mailbox that we
    do not have. `sign` gives the fields of signatures for a report, `b""` for none.
    """

    store: QueueStore
    journal: Journal
    resolver: Resolver
    route: Route
    carriers: Mapping[Way, Carrier]
    retry: Retry
    office: Office
    clock: Callable[[], float]
    chance: Callable[[], float]
    new_id: Callable[[], str]
    incident: Callable[[BaseException], str]
    limits: Limits = field(default_factory=Limits)
    explain: Explain = explain
    readers: Callable[[str], tuple[str, ...]] = everybody
    sign: Callable[[bytes], bytes] | None = None
