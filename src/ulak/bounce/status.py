"""The part of a report that programs read (RFC 3464 §2, RFC 6533 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ulak.bounce import addresses
from ulak.bounce.header import clean, date, field
from ulak.bounce.notice import Action, Fate, Office, Original
from ulak.replies import catalog

# The enhanced code right after the basic one; the class has to agree with it (RFC 2034 §4).
_ENHANCED = re.compile(r"([245])[0-9]{2}[ -]((?P<class>[245])\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_LONGEST_REPLY = 2000
# `mx.example.net [192.0.2.1]:25` is what an attempt calls a host; RFC 3464 wants its name, or a
# literal where it has none (RFC 3461 §9.3).
_NAME = re.compile(r"[^\s\[]+|\[(?:[0-9.]+|(?P<v6>[0-9A-Fa-f:.]+))\]")

_CLASS = {Action.FAILED: "5", Action.DELAYED: "4"}
_TROUBLE = frozenset(_CLASS)


def status(
    office: Office, original: Original, fates: Sequence[Fate], action: Action
) -> tuple[str, bool]:
    """Write the fields, lines ending in CRLF, and say whether they are for UTF-8 (RFC 6533 §4.1).

    They are where the message was, and anything in them goes beyond ASCII. To whom knows
    nothing of SMTPUTF8 they are told in ASCII.
    """
    wishes = original.wishes
    international = original.smtputf8 and not (
        wishes.envid.isascii()
        and all(f.recipient.isascii() and f.original.isascii() for f in fates)
    )
    groups = ["".join(_message(office, original, international=international))]
    groups.extend(_recipient(fate, action, international=international) for fate in fates)
    return "\r\n".join(groups), international


def _message(office: Office, original: Original, *, international: bool) -> Iterator[str]:
    """Write the fields about the whole message (RFC 3464 §2.2)."""
    wishes = original.wishes
    if wishes.envid:
        envid = wishes.envid if international else _ascii(wishes.envid)
        yield field("Original-Envelope-Id", envid)
    yield field("Reporting-MTA", f"dns; {office.hostname}")
    yield field("Arrival-Date", date(original.received))
    if wishes.deliver_by is not None:  # RFC 2852 §5
        yield field("Deliver-By-Date", date(wishes.deliver_by.until))
    if wishes.hold_until:  # RFC 4865 §5.1.2
        until = datetime.fromtimestamp(wishes.hold_until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield field("Future-Release-Request", _ascii(wishes.hold) or f"until;{until}")
    yield field("X-Ulak-Message", original.id)


def _recipient(fate: Fate, action: Action, *, international: bool) -> str:
    lines = []
    if fate.original:
        written = addresses.original(fate.original, international=international)
        lines.append(field("Original-Recipient", written))
    written = addresses.final(fate.recipient, international=international)
    lines.append(field("Final-Recipient", written))
    lines.append(field("Action", action))
    lines.append(field("Status", code(fate, action)))
    if fate.remote and (name := _NAME.match(clean(fate.host))):
        # A name in DNS is ASCII; what else stands here was never looked up.
        remote = f"[IPv6:{name['v6']}]" if name["v6"] else _ascii(name[0])
        lines.append(field("Remote-MTA", f"dns; {remote}"))
    if fate.reply and (fate.remote or action in _TROUBLE):
        # Only a reply that came over SMTP is `smtp` (RFC 3464 §2.3.6, §9.2).
        kind = "smtp" if fate.remote else "x-ulak"
        reply = clean(fate.reply, _LONGEST_REPLY)
        if not international:
            reply = _ascii(reply)
        lines.append(field("Diagnostic-Code", f"{kind}; {reply}"))
    lines.append(field("Last-Attempt-Date", date(fate.at)))
    if action is Action.DELAYED and fate.until:
        lines.append(field("Will-Retry-Until", date(fate.until)))
    if given_up := giving_up(fate, action):
        lines.append(field("X-Ulak-Cause", given_up.name))
        lines.append(field("X-Ulak-Last-Cause", fate.cause))
    else:
        lines.append(field("X-Ulak-Cause", fate.cause))
    return "".join(lines)


def giving_up(fate: Fate, action: Action) -> catalog.Cause | None:
    """Give the cause for which a recipient is given up whose last attempt was only put off."""
    if action is not Action.FAILED:
        return None
    if fate.days:
        return catalog.EXPIRED
    if fate.deadline and fate.cause != catalog.DELIVER_BY_PASSED.name:
        return catalog.DELIVER_BY_PASSED
    return None


def code(fate: Fate, action: Action) -> str:
    """Give the enhanced status: what the reply says if it fits the action, else the cause's own."""
    digit = _CLASS.get(action, "2")
    if fate.days or fate.deadline:  # RFC 2852 §4.1.3 asks for the same code
        return f"{digit}.{catalog.EXPIRED.detail}"
    found = _ENHANCED.match(fate.reply)
    if found and found[1] == found["class"] == digit:
        return found[2]
    row = catalog.CATALOG.get(fate.cause)
    return f"{digit}.{row.detail}" if row is not None and row.detail else f"{digit}.0.0"


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
