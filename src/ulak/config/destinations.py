"""The settings of single destinations: domains of recipients, and hosts that take mail."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Bad, Choice, Count
from ulak.config.mistake import Place
from ulak.config.names import DomainName
from ulak.config.sections import setting

TLS = ("auto", "opportunistic", "encrypt", "verify", "dane", "mta-sts", "off")


class DestinationName(DomainName):
    """The domain of recipients, the name of a host, or `*.` before what their names end with."""

    name = "destination-name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a domain, or one behind `*.`."""
        if not isinstance(value, str) or not value.startswith("*."):
            return super().read(value, place)
        found = super().read(value[2:], place)
        return found if isinstance(found, Bad) else f"*.{found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What holds for mail to one destination in place of what holds for all."""

    tls: str = setting(Choice(TLS), "auto")
    connections: int = setting(Count(0, 10_000), 0)
    messages_per_connection: int = setting(Count(0, 1_000_000), 0)
    messages_per_minute: int = setting(Count(0, 1_000_000), 0)
