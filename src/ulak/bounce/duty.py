"""Which reports are owed to a sender, by what was asked for (RFC 3461 §5.2, RFC 2852 §4.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ulak.bounce.notice import Action
from ulak.mail.envelope import DeliverBy, RecipientWishes

# The keyword of NOTIFY that a report needs (§5.2.3, §5.2.5, §5.2.6, §5.2.2 (b), §5.2.7.3 (c)).
_KEYWORD = {
    Action.DELIVERED: "SUCCESS",
    Action.RELAYED: "SUCCESS",
    Action.EXPANDED: "SUCCESS",
    Action.FAILED: "FAILURE",
    Action.DELAYED: "DELAY",
}
# What is told where NOTIFY was not given (§4.1, §5.2.5 (b), §5.2.6 (c)).
_UNASKED = frozenset({Action.FAILED, Action.DELAYED})


def owed(action: Action, asked: RecipientWishes) -> bool:
    """Whether the sender is to be told of this."""
    if not asked.notify:
        return action in _UNASKED
    return _KEYWORD[action] in asked.notify


def of_success(
    asked: RecipientWishes,
    by: DeliverBy | None,
    facts: Mapping[str, str],
    now: float,
    *,
    final: bool,
    here: bool,
) -> Action | None:
    """Give what is to be told of a success, None where nothing is.

    `final`: the mailbox has been reached, be it `here` or behind another server (LMTP). The
    `facts` of an attempt tell whether the other server has taken the duty to report over, as
    `dsn`: `passed-on` or `not-offered`; and whether it will keep the deadline, as `deliver-by`.
    """
    if asked.expanded:
        return Action.EXPANDED
    if owed(Action.DELIVERED, asked) and (here or facts.get("dsn") != "passed-on"):
        return Action.DELIVERED if final else Action.RELAYED
    if by is None or final or "NEVER" in asked.notify:
        return None
    # RFC 2852 §4.1.4: relays are traced; §4.1.4.2: nobody further on will tell of a delay.
    untold = by.mode == "N" and now < by.until and facts.get("deliver-by") == "not-offered"
    return Action.RELAYED if by.trace or untold else None
