"""The settings of a server as one of many that share a queue."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Bad
from ulak.config.mistake import Place
from ulak.config.sections import setting
from ulak.config.sources import Name


class OwnName(Name):
    """What others call this server; empty where it has no name of its own."""

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name, or nothing."""
        return "" if value == "" else super().read(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How the others know this server. Without a name, by its host and its data directory."""

    name: str = setting(OwnName(), "")
