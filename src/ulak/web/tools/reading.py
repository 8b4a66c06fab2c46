"""What somebody has pasted or uploaded: one reply, lines of a log, or a mail that came back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.replies.bounces import Bounce, bounce
from ulak.replies.explain import Explanation, explain_parsed
from ulak.replies.parse import ParsedReply, parse

LARGEST = 10_000_000  # octets of a mail
LARGEST_HEADER = 200_000  # of which that is checked; more is no header that a server would take
MOST = 40  # replies that are shown of one mail or log
_LONGEST_LINE = 8_000
_FIELD = re.compile(r"[!-9;-~]{1,76}[ \t]*:")
_CODE = re.compile(r"[2-5][0-9]{2}(?:[-: \t]|$)")
_FEWEST_FIELDS, _LOOKED_AT = 3, 12
# What a person copies of a bounce is mostly what its mail program showed: no header at all.
_HEADER = b"From: MAILER-DAEMON\r\nSubject: failure notice\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Quoted:
    """One reply: in its parts, as it stood there, and of whom it speaks where that is known."""

    reply: ParsedReply
    text: str
    cause: str = ""
    recipient: str = ""
    action: str = ""

    def explained(self, language: str) -> Explanation:
        """Give what it means."""
        return explain_parsed(self.reply, self.text, language, cause=self.cause)


@dataclass(frozen=True, slots=True)
class Reading:
    """All replies that were found. `more` were left out; `bounce` where it is one.

    `mail`: it was read as a mail; without `quoted` it is one that reports nothing.
    """

    quoted: tuple[Quoted, ...] = ()
    bounce: Bounce | None = None
    more: int = 0
    mail: bool = False


def read(octets: bytes, *, uploaded: bool = False) -> Reading:
    """Read what was given; it is a mail where it was `uploaded`, or looks like one."""
    if uploaded:
        return _mail(octets)
    text = octets.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        return Reading()
    if _looks_like_mail(text):
        found = _mail(octets)
        if found.quoted:
            return found
    if "\n" in text and not _CODE.match(text):
        found = _mail(_HEADER + octets)
        if found.quoted:
            return found
        several = _lines(text)
        if several:
            return Reading(several[:MOST], more=max(0, len(several) - MOST))
    return Reading((Quoted(parse(text), text),))


def _mail(octets: bytes) -> Reading:
    found = bounce(octets[:LARGEST])
    quoted = tuple(
        Quoted(one.reply, one.quoted, one.cause, one.recipient, one.action)
        for one in found.failures[:MOST]
    )
    more = max(0, len(found.failures) - MOST)
    return Reading(quoted, found if quoted else None, more, mail=True)


def _looks_like_mail(text: str) -> bool:
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    fields = sum(1 for line in lines if _FIELD.match(line))
    return bool(_FIELD.match(lines[0])) and fields >= min(_FEWEST_FIELDS, len(lines))


def _lines(text: str) -> tuple[Quoted, ...]:
    """Read every line for itself where at least two of them hold a reply, as a log's do."""
    found = []
    for line in text.split("\n"):
        shown = line.strip()[:_LONGEST_LINE]
        reply = parse(shown) if shown else None
        if reply is not None and reply.code is not None:
            found.append(Quoted(reply, shown))
    return tuple(found) if len(found) > 1 else ()
