"""The part of a report for programs: message/delivery-status (RFC 3464, RFC 6533)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ulak.replies.bounces import mime
from ulak.replies.bounces.failure import Failure
from ulak.replies.parse import ParsedReply, parse

KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_TIMES = ("last-attempt-date", "arrival-date")
# RFC 6533 §3: an octet of a Unicode address, written so that seven bits carry it.
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_BY_CLASS = {"2": "delivered", "4": "delayed", "5": "failed"}
_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient")


@dataclass(slots=True)
class Status:
    """What the part says about the message as a whole, and about each recipient."""

    reporting_mta: str = ""
    time: str = ""
    failures: list[Failure] = field(default_factory=list)


def read(part: mime.Part) -> Status:
    """Read the fields of the part; what is no field is passed over."""
    found = Status()
    octets = mime.decoded(part.fields, part.lines)
    for fields in _groups(mime.lines_of(octets)):
        found.reporting_mta = found.reporting_mta or _name(fields.get("reporting-mta", ""))
        time = next((fields[name] for name in _TIMES if name in fields), "")
        found.time = found.time or time
        if not any(name in fields for name in (*_RECIPIENT, "status")):
            continue  # the fields about the message as a whole
        if "reporting-mta" in fields and not any(name in fields for name in _RECIPIENT):
            continue
        found.failures.append(_failure(fields))
    mta = found.reporting_mta
    found.failures = [replace(failure, reporting_mta=mta) for failure in found.failures]
    return found


def _groups(lines: list[bytes]) -> Iterator[dict[str, str]]:
    """Give the fields group by group; a second recipient begins a group, too."""
    group: list[bytes] = []
    seen = False
    for line in (*lines, b""):
        final = line[:16].lower() == b"final-recipient:"
        if line.strip() and not (final and seen):
            group.append(line)
            seen = seen or final
            continue
        if group:
            yield mime.fields_of(group)
        group, seen = ([line], True) if final else ([], False)


def _failure(fields: dict[str, str]) -> Failure:
    status = _STATUS.match(fields.get("status", "").strip())
    quoted = fields.get("diagnostic-code") or fields.get("status", "")
    action = fields.get("action", "").strip().lower().partition(" ")[0].rstrip(";,")
    if action not in _ACTIONS:
        action = _BY_CLASS[status[0][0]] if status is not None else "failed"
    reply = parse(mime.words(quoted))
    if reply.enhanced is None and status is not None and _tells(status[0], action, reply):
        reply = replace(reply, enhanced=status[0])
    named = [address(fields[name]) for name in _RECIPIENT if fields.get(name)]
    # A program or a file that stands behind an address is none.
    proper = filter(is_address, named)
    return Failure(
        recipient=next(proper, named[0] if named else ""),
        action=action,
        reply=reply,
        quoted=quoted,
        cause=fields.get("x-ulak-cause", "").strip(),
        remote_mta=_name(fields.get("remote-mta", "")),
    )


def _tells(status: str, action: str, reply: ParsedReply) -> bool:
    """Whether the report's own status says something, and nothing that cannot be."""
    if status.endswith(".0.0"):
        return reply.code is None and reply.text == ""
    return not (status[0] == "2" and action in ("failed", "delayed"))


def is_address(name: str) -> bool:
    """Whether this may be an address, and neither a program nor a file nor a route."""
    return "@" in name and not name.startswith(("|", "/", "@"))


def address(value: str) -> str:
    """Give the address of a field: `rfc822; ada@example.net`, also between angle brackets."""
    text = _EMBEDDED.sub(_character, value.rpartition(";")[2].strip())
    if text.endswith(">") and "<" in text:
        text = text[text.rfind("<") + 1 : -1]
    return text.strip()


def _name(value: str) -> str:
    """Give the name of an MTA without its type."""
    return value.rpartition(";")[2].strip()


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    sound = number < 0x110000 and not 0xD800 <= number < 0xE000  # noqa: PLR2004 -- Unicode's end, and surrogates
    return chr(number) if sound else match[0]
