"""Where the mail of one process goes just now, and on which terms, for those who watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ulak.delivery.heard import Account, Heard
from ulak.delivery.ready import Ready
from ulak.delivery.site.sites import Sites
from ulak.delivery.site.suspension import Suspension


@dataclass(frozen=True, slots=True)
class Stand:
    """One destination: attempts under way, jobs that wait for their turn, and what it has said."""

    key: str
    way: str
    domains: tuple[str, ...]
    active: int
    ready: int
    account: Account | None = None
    suspension: Suspension | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The terms of one source at one site.

    `window` is how many attempts at a time there may be, `most` how many at all, from all who share
    that, and `share` how many of these from this worker; `interval` is in seconds between two, 0.0
    where nothing limits that.
    """

    site: str
    source: str
    domains: tuple[str, ...]
    active: int
    waiting: int
    window: int
    most: int
    share: int
    interval: float
    suspension: Suspension | None


def held(ready: Ready, sites: Sites, now: float) -> list[Held]:
    """Give the terms of all sites: those that are suspended first."""
    lines = {line.key: line for line in ready.lines()}
    shut = ready.shut.domains()
    found = []
    for site in sites:
        if not site.learns:
            continue
        line = lines.get(site.name)
        domains = set(line.domains if line is not None else ()) | shut.get(site.name, set())
        for terms in site:
            suspension = terms.suspension
            if suspension is not None and suspension.until <= now and not terms.busy:
                suspension = replace(suspension, until=now)  # it waits for mail to probe with
            found.append(
                Held(
                    site.name,
                    terms.source,
                    tuple(sorted(domains)),
                    terms.window.active,
                    line.waiting if line is not None else 0,
                    int(terms.window.size),
                    int(terms.window.ceiling),
                    terms.share,
                    terms.pace.interval,
                    suspension,
                )
            )
    found.sort(key=lambda one: (one.suspension is None, -one.active, one.site))
    return found


def stands(ready: Ready, heard: Heard, sites: Sites | None = None) -> list[Stand]:
    """Give all destinations that there is work for, or that something was heard of."""
    accounts: Mapping[str, Account] = {account.key: account for account in heard}
    found = {}
    for line in ready.lines():
        account = accounts.get(line.key)
        known = () if account is None else tuple(account.domains)
        domains = tuple(dict.fromkeys((*line.domains, *known)))
        found[line.key] = Stand(line.key, line.way, domains, line.active, line.waiting, account)
    for key, account in accounts.items():
        if key not in found:
            found[key] = Stand(key, account.way, tuple(account.domains), 0, 0, account)
    if sites is not None:
        for key, stand in found.items():
            suspension = sites.suspension(key)
            if suspension is not None:
                found[key] = replace(stand, suspension=suspension)
    return list(found.values())
