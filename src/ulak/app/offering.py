"""What a listener offers to its clients, and who among them has to log in."""

from __future__ import annotations

import math
from dataclasses import replace

from ulak import config as settings
from ulak.smtp.offers import Offers
from ulak.smtp.sasl.table import Ways

_BY_PASSWORD = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")


def offers_of(config: settings.Config, place: settings.Listener) -> tuple[Offers, Offers | None]:
    """Give what a listener offers, and what as long as there is no account, where that differs."""
    policy = config.policy
    offers = Offers(
        kind=place.kind,
        withheld=frozenset(place.withhold),
        tls=place.tls is not None and place.tls.mode == "starttls",
        vrfy=policy.vrfy != "refuse",
        expn=policy.expn == "expand",
        recipients=policy.max_recipients,
        longest_hold=int(policy.max_hold),
        least_deliver_by=math.ceil(policy.min_deliver_by),
    )
    match place.login, place.kind:
        case ("auto", "submission") | ("required", _):
            return replace(offers, ways=_ways(place), needs_login=True), None
        case ("offered", _):
            return replace(offers, ways=_ways(place)), None
        case ("auto", "mx") if place.tls is not None:
            return replace(offers, ways=_ways(place)), offers
        case _:
            return offers, None


def logins_taken(config: settings.Config) -> bool:
    """Whether one may log in at any listener."""
    return any(offers_of(config, place)[0].ways.allowed for place in config.listeners)


def logins_needed(config: settings.Config) -> bool:
    """Whether there is a listener where nobody gets on without a login."""
    return any(offers_of(config, place)[0].needs_login for place in config.listeners)


def _ways(place: settings.Listener) -> Ways:
    """Give the ways to log in. Without TLS only SCRAM is left, which says no password."""
    allowed = set(_BY_PASSWORD)
    if place.tls is not None and place.tls.clients is not None:
        allowed.add("EXTERNAL")
    return Ways(frozenset(allowed), clear=place.tls is None)
