"""The settings of the suppression list: who comes to stand there, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ulak.config.kinds import Choice, Duration, Flag, ListOf
from ulak.config.sections import MapOf, setting

_CAUSE = Choice(("recipient-unknown", "recipient-disabled", "complaint"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Addresses that nothing is sent to. What is not in `keep` stays until it is removed."""

    on: bool = setting(Flag(), default=True)
    causes: tuple[str, ...] = setting(ListOf(_CAUSE), ("recipient-unknown", "complaint"))
    keep: Mapping[str, float] = setting(MapOf(_CAUSE, Duration(least=60.0)), factory=dict)
    shared: bool = setting(Flag(), default=True)
