"""From settings to the checks of where mail comes from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ulak import config as settings
from ulak.checks.arc import Sealer
from ulak.checks.dkim import Key
from ulak.dns.records import Resolver
from ulak.keys.folder import KeysError
from ulak.keys.key import Algorithm
from ulak.keys.signatory import Signatory
from ulak.policy.authentication import Mode, Rules
from ulak.server.checks import Checks, Reach

_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- compared, not bound


def checks_of(
    config: settings.Config,
    resolver: Resolver,
    clock: Callable[[], float],
    signatory: Signatory | None = None,
) -> Checks | None:
    """Make the checks of one process; None where all of them are off.

    Chains are sealed with keys of the `signatory`.
    """
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
        seals=chosen.arc_seal,
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
        sealer=partial(_sealer, signatory, rules.authserv_id),
    )


def _sealer(signatory: Signatory | None, authserv_id: str, domain: str) -> Sealer | None:
    """Give who seals for a domain, with RSA: few verify chains of anything else."""
    if signatory is None:
        return None
    try:
        keys = signatory.ring.signing(domain)
    except KeysError:  # told when the key was read; a chain is not worth a refusal
        return None
    for key in keys:
        if key.algorithm is Algorithm.RSA:
            return Sealer(Key(key.domain, key.selector, key.private), authserv_id)
    return None
