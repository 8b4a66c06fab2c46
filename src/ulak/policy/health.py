"""How blocklists answer: counted for each zone, with the last listing and the last trouble."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ulak.checks.dnsbl import Finding, Result


@dataclass(frozen=True, slots=True)
class Heard:
    """What a zone said at a time, in seconds since the epoch."""

    time: float
    finding: Finding


@dataclass(slots=True)
class Health:
    """What one zone has said since the process began.

    `unanswered` counts what was no answer, or one that is none: a refusal, or nonsense. `skipped`
    counts the clients about whom it was not asked, since it had not answered before.
    """

    zone: str
    listed: int = 0
    unlisted: int = 0
    unanswered: int = 0
    skipped: int = 0
    last_listed: Heard | None = None
    last_trouble: Heard | None = None

    def take(self, finding: Finding, now: float) -> None:
        """Count a finding."""
        if finding.result is Result.NOT_LISTED:
            self.unlisted += 1
        elif finding.listed:
            self.listed += 1
            self.last_listed = Heard(now, finding)
        elif finding.trace:
            self.unanswered += 1
            self.last_trouble = Heard(now, finding)
        else:
            self.skipped += 1


class Healths:
    """All zones, in their order."""

    def __init__(self, zones: Iterable[str]) -> None:
        self._zones = {zone: Health(zone) for zone in zones}

    def take(self, findings: Iterable[Finding], now: float) -> None:
        """Count what was found about one client."""
        for finding in findings:
            health = self._zones.get(finding.zone)
            if health is not None:
                health.take(finding, now)

    def all(self) -> tuple[Health, ...]:
        """Give all zones."""
        return tuple(self._zones.values())
