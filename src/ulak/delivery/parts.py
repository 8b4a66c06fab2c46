"""What a delivery worker works with, put together by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ulak.bounce.notice import Explain, Office, explain
from ulak.delivery.acting import News
from ulak.delivery.carrier import Carrier
from ulak.delivery.ready import Limits
from ulak.delivery.route import Route
from ulak.delivery.site.rules import Rules
from ulak.delivery.site.sites import Sites
from ulak.delivery.sourcing import Sources
from ulak.delivery.target import Way
from ulak.delivery.transport.policy import Policies
from ulak.dns.records import Resolver
from ulak.journal.entry import Journal
from ulak.queue.item import Lease
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
    do not have; `meet` comes before it, where a roster has to be asked. `sites` is what is known
    of sites; None: a worker's own, with its limits. `sources` gives the names of the sources from
    which a message may go, best first; None: one, `""`. `rules` say what follows from causes, and
    `news` is told what that has changed for a site. `sign` gives the fields of signatures for a
    report, `b""` for none.
    `before` is waited for before what came of a job is settled: programs that are told of it have
    it noted by then.
    `sure` tells before an attempt whether a lease is ours still; None: nobody takes one over.
    `policies` knows what domains say of TLS, and `particular` for which of them the operator wants
    something else.
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
    meet: Callable[[str], Awaitable[None]] | None = None
    sign: Callable[[bytes], bytes] | None = None
    before: Callable[[], Awaitable[None]] | None = None
    sure: Callable[[Lease], Awaitable[bool]] | None = None
    sites: Sites | None = None
    sources: Sources | None = None
    rules: Rules = field(default_factory=Rules)
    news: Callable[[News], None] = lambda _news: None
    policies: Policies | None = None
    particular: Callable[[str], bool] = lambda _domain: False
