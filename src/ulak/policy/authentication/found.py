"""What the checks found of one message, together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ulak.checks import arc, dkim, dmarc, helo, iprev, spf
from ulak.checks.reason import Reason


class Made(Protocol):
    """What every finding has."""

    @property
    def result(self) -> str:
        """A word of RFC 8601."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """How it came about."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found; None stands for a check that was not made.

    `dkim` has a finding for each signature, and none where nothing is signed. `authors` are the
    domains of the From field.
    """

    spf: spf.Finding | None = None
    dkim: tuple[dkim.Finding, ...] | None = None
    dmarc: dmarc.Finding | None = None
    arc: arc.Finding | None = None
    iprev: iprev.Finding | None = None
    helo: helo.Finding | None = None
    authors: tuple[str, ...] = ()
