"""The settings of what is remembered of clients: greylisting (RFC 6647), and their reputation."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Duration, Flag, ListOf
from ulak.config.mistake import Report
from ulak.config.names import NetworkRange
from ulak.config.sections import setting
from ulak.config.values import Network

_MINUTE, _DAY = 60.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greylist:
    """Whether strangers are asked to come again, and how long that takes."""

    on: bool = setting(Flag(), default=False)
    delay: float = setting(Duration(least=1.0), 5 * _MINUTE)
    window: float = setting(Duration(least=60.0), 2 * _DAY)
    keep: float = setting(Duration(least=60.0), 35 * _DAY)
    exempt: tuple[Network, ...] = setting(ListOf(NetworkRange()), ())
    trust_good: bool = setting(Flag(), default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """Whether it is counted what clients bring, and how fast that fades."""

    on: bool = setting(Flag(), default=False)
    half_life: float = setting(Duration(least=3600.0), 7 * _DAY)


def check_greylist(greylist: Greylist, report: Report) -> None:
    """Tell the report where nobody could ever come again in time."""
    if greylist.window <= greylist.delay:
        path = ("policy", "greylist")
        report.clash(((*path, "delay"), (*path, "window")), "window-before-delay")
