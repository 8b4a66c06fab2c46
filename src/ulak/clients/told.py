"""Why a client was put off or let in: the reasons, whose sentences are in `checks/texts`. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from ulak.checks.reason import Reason, because
from ulak.clients.greylist import Judged, Rules, Step
from ulak.clients.reputation import Counts

_LATEST = 253_402_300_799.0  # the last second of the year 9999


def step(judged: Judged, network: str, now: float, rules: Rules) -> Reason:
    """Say where a triplet stands."""
    record = judged.record
    match judged.step:
        case Step.NEW:
            return because("greylist.new", network=network, minutes=minutes_of(rules.delay))
        case Step.LATE:
            return because("greylist.late", network=network, minutes=minutes_of(rules.delay))
        case Step.EARLY:
            first, minutes = moment(record.first), minutes_of(judged.wait)
            return because("greylist.early", network=network, first=first, minutes=minutes)
        case Step.PASSED:
            minutes = max(1, round((now - record.first) / 60))
            return because(
                "greylist.passed", network=network, first=moment(record.first), minutes=minutes
            )
        case Step.KNOWN:
            return known(network, record.passed)


def known(network: str, passed: float) -> Reason:
    """Say since when a triplet is known."""
    return because("greylist.known", network=network, since=moment(passed))


def good(network: str, counts: Counts) -> Reason:
    """Say that a network is known well enough."""
    return because("greylist.good", network=network, **counted(counts))


def brought(network: str, counts: Counts) -> Reason:
    """Say what a network has brought so far."""
    return because("reputation.brought", network=network, **counted(counts))


def unasked(network: str) -> Reason:
    """Say that nobody could be asked whether the triplet is known."""
    return because("greylist.unasked", network=network)


def counted(counts: Counts) -> dict[str, int]:
    """Give counts as sentences name them."""
    return {
        "accepted": round(counts.accepted),
        "unwanted": round(counts.unwanted),
        "unknown": round(counts.unknown),
    }


def minutes_of(seconds: float) -> int:
    """Give whole minutes that are not too few; two at least, for no language has to count one."""
    return max(2, math.ceil(seconds / 60))


def moment(time: float) -> str:
    """Write a time for people, in UTC."""
    when = datetime.fromtimestamp(min(max(time, 0.0), _LATEST), UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"
