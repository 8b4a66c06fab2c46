"""Times and durations as pages show them: UTC, said so, and the same in every language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from ulak.web.words import say

_FURTHEST = 253_402_300_799.0  # the last second of the year 9999
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Times:
    """Writes times, in seconds since the epoch; `now` is what durations reach to."""

    language: str
    now: float

    def at(self, time: float) -> Markup:
        """Write a time: `2026-11-27 09:23:41 UTC`; a dash for what is none."""
        if not 0.0 < time <= _FURTHEST:
            return Markup("–")
        when = datetime.fromtimestamp(time, UTC)
        return Markup('<time datetime="{}" dir="ltr">{} UTC</time>').format(
            f"{when:%Y-%m-%dT%H:%M:%SZ}", f"{when:%Y-%m-%d %H:%M:%S}"
        )

    def named(self, time: float) -> str:
        """Write a time without markup, for the middle of a sentence in any script."""
        if not 0.0 < time <= _FURTHEST:
            return "–"
        return f"\u2066{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC\u2069"

    def since(self, time: float) -> str:
        """Write how long ago something was."""
        return self.lasting(self.now - time)

    def until(self, time: float) -> str:
        """Write how long it is until something."""
        return self.lasting(time - self.now)

    def lasting(self, seconds: float) -> str:
        """Write a duration by its two largest units: `2 d 3 h`."""
        left = max(0, round(seconds))
        parts: list[str] = []
        for name, size in _UNITS:
            count, left = divmod(left, size)
            if count or (name == "second" and not parts):
                parts.append(say(self.language, f"console.unit.{name}", count=count))
            elif parts:
                break
            if len(parts) == 2:  # noqa: PLR2004 -- as the docstring says
                break
        return " ".join(parts)
