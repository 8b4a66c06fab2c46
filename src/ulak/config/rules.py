"""The settings of what follows from the causes for which mail is put off or refused elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Bad, Choice, Count, Duration, ListOf, Plain, Text
from ulak.config.mistake import Place
from ulak.config.sections import setting
from ulak.replies.catalog import CATALOG

ACTIONS = ("none", "retry", "soon", "bounce", "fewer", "slow-down", "suspend", "probe")
_MINUTE, _HOUR = 60.0, 3600.0


class CauseName(Plain):
    """The name of a cause in the catalog."""

    name = "cause"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name that there is."""
        return value if isinstance(value, str) and value in CATALOG else self.unlike(value, place)


class FamilyName(Plain):
    """The name of a family of causes."""

    name = "family"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name that there is."""
        known = isinstance(value, str) and value in {cause.family for cause in CATALOG.values()}
        return str(value) if known else self.unlike(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRule:
    """One rule of the operator's; `sites` are names as `ulak queue sites` has them."""

    causes: tuple[str, ...] = setting(ListOf(CauseName()), ())
    families: tuple[str, ...] = setting(ListOf(FamilyName()), ())
    sites: tuple[str, ...] = setting(ListOf(Text()), ())
    action: str = setting(Choice(ACTIONS))
    wait: float = setting(Duration(least=1.0), 5 * _MINUTE)
    longest: float = setting(Duration(least=1.0), _HOUR)
    after: int = setting(Count(1, 1000), 1)
