"""The part of a report that programs read (RFC 3464 §2, RFC 6533 §3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ulak.bounce.header import clean, date, field
from ulak.bounce.notice import Action, Office, Original, Trouble
from ulak.replies import catalog

# The enhanced code right after the basic one; the class has to agree with it (RFC 2034 §4).
_ENHANCED = re.compile(r"([245])[0-9]{2}[ -]((?P<class>[245])\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_LONGEST_REPLY = 2000
# `mx.example.net [192.0.2.1]:25` is what an attempt calls a host; RFC 3464 wants its name.
_NAME = re.compile(r"[^\s\[]+")


def status(
    office: Office, original: Original, troubles: Sequence[Trouble], action: Action
) -> tuple[str, bool]:
    """Write the fields, lines ending in CRLF, and say whether an address goes beyond ASCII."""
    beyond = not all(t.recipient.isascii() and t.original.isascii() for t in troubles)
    groups = [
        field("Reporting-MTA", f"dns; {office.hostname}")
        + field("Arrival-Date", date(original.received))
        + field("X-Ulak-Message", original.id)
    ]
    groups.extend(_recipient(trouble, action, beyond=beyond) for trouble in troubles)
    return "\r\n".join(groups), beyond


def _recipient(trouble: Trouble, action: Action, *, beyond: bool) -> str:
    lines = []
    if trouble.original:
        lines.append(field("Original-Recipient", _address(trouble.original)))
    lines.append(field("Final-Recipient", _address(trouble.recipient)))
    lines.append(field("Action", action))
    lines.append(field("Status", code(trouble, action)))
    if trouble.remote and (name := _NAME.match(clean(trouble.host))):
        lines.append(field("Remote-MTA", f"dns; {name[0]}"))
    if trouble.reply:
        # Only a reply that came over SMTP is `smtp` (RFC 3464 §2.3.6, §9.2).
        kind = "smtp" if trouble.remote else "x-ulak"
        reply = clean(trouble.reply, _LONGEST_REPLY)
        if not beyond:
            reply = reply.encode("ascii", "replace").decode("ascii")
        lines.append(field("Diagnostic-Code", f"{kind}; {reply}"))
    lines.append(field("Last-Attempt-Date", date(trouble.at)))
    if action is Action.DELAYED and trouble.until:
        lines.append(field("Will-Retry-Until", date(trouble.until)))
    if trouble.days:
        lines.append(field("X-Ulak-Cause", catalog.EXPIRED.name))
        lines.append(field("X-Ulak-Last-Cause", trouble.cause))
    else:
        lines.append(field("X-Ulak-Cause", trouble.cause))
    return "".join(lines)


def code(trouble: Trouble, action: Action) -> str:
    """Give the enhanced status: what the reply says if it fits the action, else the cause's own."""
    if trouble.days:
        return f"5.{catalog.EXPIRED.detail}"
    digit = "5" if action is Action.FAILED else "4"
    found = _ENHANCED.match(trouble.reply)
    if found and found[1] == found["class"] == digit:
        return found[2]
    row = catalog.CATALOG.get(trouble.cause)
    return f"{digit}.{row.detail}" if row is not None and row.detail else f"{digit}.0.0"


def _address(address: str) -> str:
    return f"{'rfc822' if address.isascii() else 'utf-8'}; {address}"
