"""A reader's complaint about a message, as its mailbox provider passes it on (RFC 5965).

A multipart/report of the type feedback-report: words for people, fields for programs, and the
message or its header. Providers take addresses out of it as they please: all of it is a hint, and
what is not there is `""`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulak.language.case import lower
from ulak.replies.bounces import dsn, mime

_KIND = "message/feedback-report"
_HEADERS = ("text/rfc822-headers", "message/global-headers")
_MOST = 20  # messages in a mail that are looked at
_LONGEST = 200  # characters of a word


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a complaint says (§3.1, §3.2).

    `feedback` is its type in small letters: `abuse`, `fraud`, `not-spam` … `sender` and
    `recipient` are those of the envelope of the message, `return_path` what its own header says
    of the former. `agent` is the program that reports.
    """

    feedback: str
    sender: str = ""
    recipient: str = ""
    return_path: str = ""
    message_id: str = ""
    agent: str = ""
    source_ip: str = ""

    @property
    def unwanted(self) -> bool:
        """Whether the reader does not want such mail: `not-spam` says the opposite (RFC 6430)."""
        return self.feedback in ("abuse", "fraud", "virus", "opt-out", "opt-out-list", "other")


def complaint(mail: bytes) -> Complaint | None:
    """Read a mail as a complaint; None where it is none."""
    waiting = [mime.read(mail)]
    for _ in range(_MOST):
        if not waiting:
            return None
        message = waiting.pop(0)
        part = next((part for part in message.parts if part.kind == _KIND), None)
        if part is not None:
            return _read(message, part)
        waiting += [part.inner for part in message.parts if part.inner is not None]
    return None


def _read(message: mime.Message, part: mime.Part) -> Complaint | None:
    fields = mime.fields_of(mime.lines_of(mime.decoded(part.fields, part.lines)))
    feedback = lower(_word(fields, "feedback-type"))
    if not feedback:
        return None  # §3.1: it has to be there
    about = _about(message)
    return Complaint(
        feedback,
        dsn.address(_word(fields, "original-mail-from")),
        dsn.address(_word(fields, "original-rcpt-to")),
        dsn.address(about.get("return-path", "")[:_LONGEST]),
        about.get("message-id", "").strip()[:_LONGEST],
        _word(fields, "user-agent"),
        _word(fields, "source-ip"),
    )


def _about(message: mime.Message) -> dict[str, str]:
    """Give the fields of the message that it is about."""
    for part in message.parts:
        if part.inner is not None:
            return part.inner.fields
        if part.kind in _HEADERS:
            return mime.fields_of(mime.lines_of(mime.decoded(part.fields, part.lines)))
    return {}


def _word(fields: dict[str, str], name: str) -> str:
    return fields.get(name, "").strip()[:_LONGEST]
