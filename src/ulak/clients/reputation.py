"""What a network of clients has brought so far: counts that fade. Pure.

Each count halves with time, so that a network is judged by what it does now, and a bad week is
forgiven. Times are in seconds since the epoch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

_ENOUGH = 20.0  # messages, faded, before anything is said of a network
_STRAY = 0.05  # of them that may be unwanted all the same
FORGOTTEN = 10  # half-lives after which nothing is left worth keeping


class Counts(NamedTuple):
    """How much a network has brought, as it stood at a time.

    `accepted` and `unwanted` are messages: those taken, and those that were refused or put apart
    for their content or for who sent them; `unknown` are recipients that do not exist.
    """

    accepted: float = 0.0
    unwanted: float = 0.0
    unknown: float = 0.0
    at: float = 0.0


class Standing(StrEnum):
    """What can be said of a network."""

    GOOD = "good"
    POOR = "poor"
    OPEN = "open"  # too little is known, or it is neither


def faded(counts: Counts, now: float, half_life: float) -> Counts:
    """Give what is left of counts by now; what comes from the future has not faded."""
    if now <= counts.at:
        return counts
    left = 0.5 ** ((now - counts.at) / half_life)
    return Counts(
        counts.accepted * left, counts.unwanted * left, counts.unknown * left, max(now, counts.at)
    )


def added(one: Counts, other: Counts, half_life: float) -> Counts:
    """Add counts, as they stand at the later of their times."""
    at = max(one.at, other.at)
    one, other = faded(one, at, half_life), faded(other, at, half_life)
    return Counts(
        one.accepted + other.accepted,
        one.unwanted + other.unwanted,
        one.unknown + other.unknown,
        at,
    )


def standing(counts: Counts) -> Standing:
    """Say what can be said of a network."""
    bad = counts.unwanted + counts.unknown
    if counts.accepted >= _ENOUGH and bad <= counts.accepted * _STRAY:
        return Standing.GOOD
    if bad >= _ENOUGH and bad > counts.accepted:
        return Standing.POOR
    return Standing.OPEN
