"""The id that a refusal carries, and the address of the page that tells about it.

A refused sender can look the id up there, and an operator with `ulak why`. It stands at the end of
the last line, where one's eye and the copying mouse find it, and the line keeps within 512 octets
(RFC 5321 §4.5.3.1.5): what gives way is a long fact in it, never the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ulak.replies import catalog
from ulak.replies.catalog import CATALOG, safe, safe_utf8
from ulak.replies.reply import Reply

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: i, l, o and u would look like others, or make words."""

LENGTH = 12
"""Characters of an id: 60 bits of chance."""

LONGEST_ADDRESS = 200
"""Octets of the address before the id: so much of the line stays for the words."""

_LINE = 512  # octets with the code and CRLF, RFC 5321 §4.5.3.1.5
_CUT = "..."
_ALIKE = str.maketrans("ilo", "110")
_ID = f"[{ALPHABET}]{{{LENGTH}}}"
_MARK = re.compile(
    rf"(?: \(refusal (?P<bare>{_ID})\)|; see (?P<link>https?://[!-~]{{1,{LONGEST_ADDRESS}}}?)(?P<id>{_ID}))"
)
_LONGEST_MARK = len("; see ") + LONGEST_ADDRESS + LENGTH

# What has no evidence behind it: its code and its words are all there is to know. Nor has an
# error of ours one that a sender could do anything about, and it has its own id, for us.
_SAY_ALL = frozenset(
    row.name
    for row in CATALOG.values()
    if row.family in ("accepted", "verification-withheld", "protocol-error")
) - {catalog.BARE_LINE_END.name, catalog.TOO_MANY_ERRORS.name}
_NOTHING_MORE = _SAY_ALL | {
    row.name
    for row in (
        catalog.VRFY_REFUSED,
        catalog.EXPN_REFUSED,
        catalog.HOLD_TOO_LONG,
        catalog.DELIVER_BY_TOO_SOON,
        catalog.XCLIENT_DENIED,
        catalog.REFUSED_EARLIER,  # which is said with the id of what was refused
        catalog.TLS_UNAVAILABLE,
        catalog.TIMED_OUT,
        catalog.SHUTTING_DOWN,
        catalog.STORAGE_FAILED,
        catalog.INTERNAL_ERROR,
        catalog.SESSION_FAILED,
        catalog.SIGNING_FAILED,
        catalog.AUTHENTICATION_UNAVAILABLE,
    )
}


@dataclass(frozen=True, slots=True)
class Marking:
    """How refusals are marked: `draw` gives an id, `address` is what stands before it in a link.

    Without an address replies carry the id alone.
    """

    draw: Callable[[], str]
    address: str = ""

    def mark(self, reply: Reply, identifier: str) -> Reply:
        """Give the reply with an id behind its words."""
        mark = f"; see {self.address}{identifier}" if self.address else f" (refusal {identifier})"
        head = len(f"{reply.code} \r\n") + len(reply.enhanced or "") + 1
        *before, last = reply.lines
        return replace(reply, lines=(*before, _fit(reply, last, _LINE - head - len(mark)) + mark))


def carries_id(reply: Reply) -> bool:
    """Whether there is more to know of a reply than it says."""
    return not reply.positive and reply.cause not in _NOTHING_MORE


def read_id(text: str) -> str:
    """Give the id that somebody has typed, or `""` where it is none: capitals and look-alikes do.

    Of a link that was pasted, its end counts.
    """
    written = text.strip().rstrip("/").rpartition("/")[2]
    if not written.isascii():
        return ""
    identifier = written.lower().replace("-", "").translate(_ALIKE)
    return identifier if re.fullmatch(_ID, identifier) else ""


def parted(line: str) -> tuple[str, str, str]:
    """Part a line from the mark behind it: the words, the id and the link, `""` without one."""
    start = max(line.rfind(" (refusal ", -_LONGEST_MARK), line.rfind("; see ", -_LONGEST_MARK))
    found = _MARK.fullmatch(line, start) if start >= 0 else None
    if found is None:
        return line, "", ""
    identifier = found["bare"] or found["id"]
    return line[:start], identifier, f"{found['link']}{identifier}" if found["link"] else ""


def _fit(reply: Reply, line: str, most: int) -> str:
    """Shorten a line to so many octets: the longest fact in it, so that its words stay whole."""
    over = len(line.encode()) - most
    if over <= 0:
        return line
    written = [made(fact) for fact in reply.facts.values() for made in (safe, safe_utf8)]
    inside = [fact for fact in written if fact and fact in line]
    longest = max(inside, key=len, default="")
    kept = _shortened(longest, len(longest.encode()) - over)
    if kept:
        return line.replace(longest, kept, 1)
    return _shortened(line, most) or _CUT


def _shortened(text: str, octets: int) -> str:
    """Give the beginning of a text and what says that it is cut; `""` where nothing is left."""
    kept = text.encode()[: max(octets - len(_CUT), 0)].decode(errors="ignore")
    return kept + _CUT if kept else ""
