"""What the tools of the web ask for: names, policies over HTTPS, handshakes of mail servers."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.app.diagnosing import answer, resolver_of
from ulak.app.fetching import PolicyFetcher
from ulak.app.handshaking import Handshaker
from ulak.checks.dnsbl import Blocklist, read_codes
from ulak.delivery.tls import verifying
from ulak.dns.records import Resolver
from ulak.web import tools
from ulak.web.application import Piece
from ulak.web.site import Incident
from ulak.web.tools import Bench, Ports

if TYPE_CHECKING:  # the parts have a bench
    from ulak.app.web.parts import WebParts

_ID = 16  # octets of an id that nobody guesses


def made(parts: WebParts) -> Piece:
    """Make the piece."""
    return tools.piece(parts.bench)


def bench_of(parts: WebParts) -> Bench:
    """Make what the pages of the tools and the API share."""
    # Who waits for a page would rather ask again than wait as long as mail does.
    resolver = resolver_of(parts.config, None)
    parts.closing.append(resolver.close)
    return Bench(ports_of(parts.config, resolver, parts.incident))


def ports_of(
    config: settings.Config, resolver: Resolver, incident: Incident, *, https_port: int = 443
) -> Ports:
    """Give the tools the world as the configuration lets strangers see it.

    `https_port` is another one only in the lab.
    """
    web, delivery = config.web or settings.Web(), config.delivery
    fetch = PolicyFetcher(
        resolver, verifying(delivery.authorities), reach_private=web.private, port=https_port
    )
    shake = Handshaker(
        config.hostname, delivery.authorities, port=delivery.port, reach_private=web.private
    )
    lists = [Blocklist(one.zone, read_codes(one.codes), one.label) for one in config.policy.dnsbl]
    return Ports(
        resolver=resolver,
        fetch=fetch,
        shake=shake,
        lists=lists,
        answering=answer,
        now=time.time,
        clock=time.monotonic,
        new_id=lambda: secrets.token_urlsafe(_ID),
        incident=incident,
    )
