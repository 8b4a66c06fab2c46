"""From settings to the checks of where mail comes from."""

from __future__ import annotations

from collections.abc import Callable

from ulak import config as settings
from ulak.dns.records import Resolver
from ulak.policy.authentication import Mode, Rules
from ulak.server.checks import Checks, Reach

_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- compared, not bound


def checks_of(
    config: settings.Config, resolver: Resolver, clock: Callable[[], float]
) -> Checks | None:
    """Make the checks of one process; None where all of them are off."""
    chosen = config.checks
    rules = Rules(
        authserv_id=chosen.authserv_id or config.hostname,
        spf=Mode(chosen.spf),
        dkim=Mode(chosen.dkim),
        dmarc=Mode(chosen.dmarc),
        arc=Mode(chosen.arc),
        iprev=Mode(chosen.iprev),
        helo=Mode(chosen.helo),
        author_signs=chosen.dkim_author,
        one_pass=chosen.one_pass,
        trusted=frozenset(chosen.arc_trusted),
        received_spf=chosen.received_spf,
        exempt=chosen.exempt,
        patience=chosen.timeout,
    )
    if not rules.any:
        return None
    own = {place.address.host for place in config.listeners if not place.address.path}
    return Checks(
        Reach(resolver),
        rules,
        config.hostname,
        clock,
        names=frozenset((config.hostname, *config.domains)),
        addresses=frozenset(own.difference(_ANYWHERE)),
    )
