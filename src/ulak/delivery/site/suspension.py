"""Not at all until a time: a site that is dead, that refuses us, or that has told us to wait.

    suspend:  until = now + wait                      (as long as the site says, else the rule's)
    again:    where the last one is over by less than its own length, or its probe has failed:
                  wait = twice the last, up to the rule's longest
    over:     one attempt goes, the probe; nothing else begins until it has ended
                  it ends well:   the suspension is gone, and the window begins small
                  else:           suspended again

Meanwhile mail waits in the store, and waiting is no attempt. An operator can end a suspension.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What a suspension is for."""

    DEAD = "dead"  # several connections in a row came to nothing
    TOLD = "told"  # it says that we are too fast, or to come back later
    REFUSED = "refused"  # it does not want our source address now


@dataclass(frozen=True, slots=True)
class Suspension:
    """That nothing is sent to a site from a source. Times are in seconds since the epoch.

    `cause`, `reply` and `host` are what the site said last, `rule` is which rule followed from it,
    `times` how often in a row it has been suspended, `wait` for how long this time.
    """

    reason: Reason
    cause: str
    reply: str
    host: str
    rule: str
    since: float
    until: float
    wait: float
    times: int = 1


def suspend(
    before: Suspension | None,
    made: Suspension,
    longest: float,
    *,
    exact: bool = False,
) -> Suspension:
    """Suspend a site; `before` is its last suspension, if it has not done well since.

    `made` has the first wait. `exact`: the site has said for how long, and nothing is added.
    """
    if before is None:
        return made
    wait = made.wait if exact else min(max(before.wait * 2, made.wait), max(longest, made.wait))
    return Suspension(
        made.reason,
        made.cause,
        made.reply,
        made.host,
        made.rule,
        before.since,
        made.since + wait,
        wait,
        before.times + 1,
    )
