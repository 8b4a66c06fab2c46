"""What a listener offers to its clients, and who among them has to log in."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import replace

from ulak import config as settings
from ulak.smtp.offers import Offers
from ulak.smtp.sasl.table import Ways

_OF_TOKENS = frozenset({"OAUTHBEARER", "XOAUTH2"})


def offers_of(config: settings.Config, place: settings.Listener) -> tuple[Offers, Offers | None]:
    """Give what a listener offers, and what as long as there is no account, where that differs."""
    policy = config.policy
    offers = Offers(
        kind=place.kind,
        withheld=frozenset(place.withhold) | (frozenset() if place.xclient else {"XCLIENT"}),
        tls=place.tls is not None and place.tls.mode == "starttls",
        vrfy=policy.vrfy != "refuse",
        expn=policy.expn != "refuse",
        recipients=policy.max_recipients,
        longest_hold=int(policy.max_hold),
        least_deliver_by=math.ceil(policy.min_deliver_by),
    )
    match place.login, place.kind:
        case ("auto", "submission") | ("required", _):
            return replace(offers, ways=_ways(config, place), needs_login=True), None
        case ("offered", _):
            return replace(offers, ways=_ways(config, place)), None
        case ("auto", "mx") if place.tls is not None:
            return replace(offers, ways=_ways(config, place)), offers
        case _:
            return offers, None


def logins_taken(config: settings.Config) -> bool:
    """Whether one may log in at any listener."""
    return any(offers_of(config, place)[0].ways.allowed for place in config.listeners)


def logins_needed(config: settings.Config) -> bool:
    """Whether there is a listener where nobody gets on without a login."""
    return any(offers_of(config, place)[0].needs_login for place in config.listeners)


def _ways(config: settings.Config, place: settings.Listener) -> Ways:
    """Give the ways to log in.

    Without TLS there is only SCRAM, which says no password; and that only where nobody listens,
    or where it is wanted.
    """
    login = config.login
    issuers = login.issuers
    only = issuers[0] if len(issuers) == 1 else None
    near = ipaddress.ip_address(place.address.host).is_loopback  # LMTP has no logins
    return Ways(
        frozenset(login.mechanisms) - (frozenset() if issuers else _OF_TOKENS),
        clear=login.scram_in_clear or (near and place.tls is None),
        scope=only.scope if only else "",
        discovery=only.discovery if only else "",
    )
