"""How one key takes over from another so that all mail can be verified at any time.

The new one is made and published; when DNS has it, it signs and the old one does not any more; and
the old one goes when nothing that it signed can be on its way (RFC 6376 §3.1, §6.1.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ulak.keys.key import Algorithm, DkimKey, Stage

_DAY = 86_400.0
SLACK = 2 * _DAY  # for other servers, which may hold mail longer than we do
_YOUNG = _DAY  # a key that has just begun is not replaced


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with the keys of a domain now; each part may be empty.

    `gone` can be removed. `next` take over from `last` as soon as they are published. `begin` are
    the algorithms of which new keys are to be made. `until` is when there is something to do
    again, in seconds since the epoch; 0 if there is something now.
    """

    gone: tuple[DkimKey, ...] = ()
    next: tuple[DkimKey, ...] = ()
    last: tuple[DkimKey, ...] = ()
    begin: tuple[Algorithm, ...] = ()
    until: float = 0.0


def over(key: DkimKey, lifetime: float) -> float:
    """Say from when on nobody needs a retired key; mail of ours is at most `lifetime` old."""
    return (key.retired or 0.0) + lifetime + SLACK


def plan(keys: Sequence[DkimKey], now: float, lifetime: float) -> Plan:
    """Say what comes next. `lifetime` is for how long mail may wait in our queue, in seconds."""
    retired = [key for key in keys if key.stage is Stage.RETIRED]
    signing = tuple(key for key in keys if key.stage is Stage.SIGNING)
    waiting = tuple(key for key in keys if key.stage is Stage.NEW)
    gone = tuple(key for key in retired if over(key, lifetime) <= now)
    if waiting:
        return Plan(gone, waiting, signing)
    left = [over(key, lifetime) for key in retired if key not in gone]
    young = [each for key in signing if (each := (key.activated or 0.0) + _YOUNG) > now]
    if left or young:
        return Plan(gone, until=0.0 if gone else max(*left, *young, 0.0))
    algorithms = tuple(dict.fromkeys(key.algorithm for key in signing)) or tuple(Algorithm)
    return Plan(gone, begin=algorithms)
