"""Reports about TLS in a running server (RFC 8460): who counts, and who sends."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.reporting import Book, Means, author_of, named, teller
from ulak.dns.records import Resolver
from ulak.journal.entry import Journal
from ulak.log import Log
from ulak.reports.sqlite import SqliteTlsOutgoing
from ulak.reports.tls.counting import Counted
from ulak.reports.tls.posting import Parts, TlsPosting

if TYPE_CHECKING:  # h11 and its like are loaded where they are used
    from ulak.app.parts import Parts as ProcessParts
    from ulak.app.posting import ReportPoster


def tls_reporting(chosen: settings.Config) -> bool:
    """Whether reports about TLS are sent: by a server that has been given a name of its own."""
    wish = chosen.reports.tls
    return wish == "on" or (wish == "auto" and named(chosen))


def tls_posting_of(
    chosen: settings.Config,
    outgoing: SqliteTlsOutgoing,
    means: Means,
    *,
    log: Log | None = None,
    journal: Journal | None = None,
) -> TlsPosting:
    """Make who makes reports about TLS and sends them; what becomes of them is told."""
    author = author_of(chosen)
    return TlsPosting(
        Parts(
            outgoing,
            means.queue,
            means.resolver,
            author,
            means.new_id,
            _Posting(chosen, means.resolver),
            elsewhere=asyncio.to_thread,
            sign=means.sign,
            tell=teller(author, log, journal),
        )
    )


def tls_outgoing_of(chosen: settings.Config) -> SqliteTlsOutgoing:
    """Open what is kept of one's own reports about TLS."""
    return SqliteTlsOutgoing(Places(chosen.data).reports)


def tls_books(parts: ProcessParts, means: Means | None) -> list[Book[Counted]]:
    """Give what one process does for reports about TLS; `means` to send them."""
    counter = parts.tls_counter
    if counter is None:
        return []
    outgoing = tls_outgoing_of(parts.config)
    posting = None
    if means is not None:
        posting = tls_posting_of(
            parts.config, outgoing, means, log=parts.log, journal=parts.journal
        )
    return [Book(counter.take, outgoing.add, posting, outgoing.close)]


class _Posting:
    """Posts over HTTPS; what that takes is loaded with the first report."""

    def __init__(self, chosen: settings.Config, resolver: Resolver) -> None:
        self._chosen, self._resolver = chosen, resolver

    @cached_property
    def _post(self) -> ReportPoster:
        from ulak.app.posting import ReportPoster  # noqa: PLC0415 -- as above
        from ulak.delivery.tls import verifying  # noqa: PLC0415 -- as above

        delivery = self._chosen.delivery
        context = verifying(delivery.authorities)
        return ReportPoster(self._resolver, context, reach_private=delivery.allow_private)

    async def __call__(self, uri: str, octets: bytes) -> str:
        return await self._post(uri, octets)
