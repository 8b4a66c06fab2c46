"""What MAIL asked for that depends on the time or on who asks, made into wishes.

The core knows no clock, so it notes what the client said (RFC 2852, 4865, 6710), and `settle`
turns that into what the envelope has, or into a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ulak.mail.envelope import DeliverBy, Wishes
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.offers import Standing

_SENDER_OK = catalog.SENDER_OK.reply()


@dataclass(frozen=True, slots=True)
class By:
    """BY as it was said: seconds from now, mode `R` or `N`, and whether to trace."""

    seconds: int
    mode: str
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What has to be settled.

    Of `hold_for` (seconds) and `hold_until` (since the epoch) there is one at most; `hold` is it
    as it was made, for reports: `for;3600` or `until;2027-01-01T07:00:00Z` (RFC 4865 §5.1.2).
    """

    by: By | None = None
    hold_for: int | None = None
    hold_until: float | None = None
    hold: str = ""
    priority: int = 0


def settle(wishes: Wishes, terms: Terms, standing: Standing, now: float) -> tuple[Wishes, Reply]:
    """Give the wishes that come of the terms, and the answer to MAIL: a refusal where it is one."""
    held = _held(terms, now)
    offers = standing.offers
    if held > now + offers.longest_hold:
        return wishes, catalog.HOLD_TOO_LONG.reply(limit=offers.longest_hold)
    reply = _SENDER_OK
    by: DeliverBy | None = None
    if terms.by is not None:
        if terms.by.mode == "R" and terms.by.seconds < offers.least_deliver_by:
            return wishes, catalog.DELIVER_BY_TOO_SOON.reply(limit=offers.least_deliver_by)
        by = DeliverBy(now + terms.by.seconds, terms.by.mode, terms.by.trace)
        if by.mode == "R" and by.until <= held:  # it would go back before it may go out
            return wishes, catalog.PARAMETER_BAD.reply(parameter="BY")
    priority = terms.priority
    if priority > 0 and not standing.known:
        priority = 0  # RFC 6710 §4.1: whoever may not raise a priority has it lowered, and is told
        reply = catalog.PRIORITY_LOWERED.reply(priority=priority)
    hold = terms.hold if held else ""
    return replace(wishes, deliver_by=by, hold_until=held, hold=hold, priority=priority), reply


def _held(terms: Terms, now: float) -> float:
    """Give the time until which the message is held, 0 where that is now or was before."""
    until = terms.hold_until if terms.hold_until is not None else now + (terms.hold_for or 0)
    return until if until > now else 0.0
