"""The part of a report for people, in a server's own words (RFC 3464 has none).

A mail is only read so where it was made by a program and begins as one of those servers begins:
what somebody quotes or tells about a bounce is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ulak.replies.bounces import dsn, mime
from ulak.replies.bounces.failure import Failure
from ulak.replies.bounces.lines import CODED, SERVERS, Lines, addresses, own
from ulak.replies.bounces.signs import DELAYED, FAILED, SIGNS
from ulak.replies.parse import parse

# As much of the beginning as is looked at for the words by which a server is known.
_HEAD = 12_000
_MOST_RECIPIENTS = 1_000

_SENDERS = SERVERS | {"mail.delivery.system", "bounce", "bounces", "mmdf", "mailadm", "admin"}
_SUBJECTS = (
    "failure notice", "undeliver", "mail delivery", "delivery status", "delivery failure",
    "returned mail", "delivery failed", "non-delivery", "nondelivery", "not delivered",
    "could not be delivered", "delivery notification", "delivery has failed", "unzustellbar",
    "delivery problem", "mail failure", "message status", "error sending", "delayed",
        "onbestelbaar",
    "non remis", "no se puede entregar", "impossibile recapitare", "teslim edilemedi",
    "配信不能", "не доставлено", "mail system error", "delivery report", "rejected",
    "email bounce notification", "メールエラー", "送信エラー", "warning: ", "mail quota",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a report for people says, and the lines of the message that it returns."""

    source: str
    failures: tuple[Failure, ...]
    returned: dict[str, str]


def automatic(fields: dict[str, str]) -> bool:
    """Whether the header says that a program wrote this, and that it may be a report."""
    if fields.get("auto-submitted", "").lower().startswith("auto-replied") and not _named(fields):
        return False
    return (
        "x-failed-recipients" in fields
        or fields.get("return-path", "").strip() == "<>"
        or _named(fields)
    )


def _named(fields: dict[str, str]) -> bool:
    sender = mime.words(fields.get("from", ""))
    local = (*addresses(sender), sender.partition("<")[0])[0].partition("@")[0]
    local = local.strip(' "').lower()
    subject = mime.words(fields.get("subject", "")).lower()
    by_name = local in _SENDERS or local.startswith(("mailer-daemon", "postmaster"))
    reply = subject.startswith(("re:", "fwd:", "fw:", "aw:"))
    return (
        by_name
        or not local
        or (
            any(sign in subject for sign in _SUBJECTS)
            and not reply
            and not {"list-id", "list-post", "in-reply-to"} & fields.keys()
        )
    )


def read(message: mime.Message) -> Told | None:
    """Read the report; None where the mail is none."""
    if not automatic(message.fields):
        return None
    for kind in ("text/plain", "text/html", "text"):
        parts = [part for part in message.parts if part.kind.startswith(kind)][:2]
        if kind == "text/plain" and not parts:
            parts = [p for p in message.parts if p.kind.startswith(("text", "multipart"))]
        text = "\n".join(part.text() for part in parts if not _attached(part))
        told = _told(message.fields, text) if text else None
        if told is not None:
            return told
    return None


def named(message: mime.Message) -> str:
    """Name the only recipient that the header or the part for people names, or ""."""
    names = addresses(message.fields.get("x-failed-recipients", ""))
    if not names:
        part = next((part for part in message.parts if part.kind == "text/plain"), None)
        names = Lines(own(part.text())[0], set()).named() if part is not None else []
    return names[0] if len(names) == 1 else ""


def replies_about(message: mime.Message) -> Callable[[str], str]:
    """Give what finds the reply that the part for people quotes about a recipient, or ""."""
    part = next((part for part in message.parts if part.kind == "text/plain"), None)
    if part is None:
        return lambda _recipient: ""
    about = Lines(own(part.text())[0], set())

    def find(recipient: str) -> str:
        quoted = about.quoted(recipient)
        return quoted if CODED.search(quoted) else ""

    return find


def _attached(part: mime.Part) -> bool:
    return part.fields.get("content-disposition", "").lower().startswith("attachment")


def _told(fields: dict[str, str], text: str) -> Told | None:
    lines, rest, end = own(text)
    # How a report goes over into what it returns is known of some servers, too.
    head = " ".join(" ".join((*lines[:150], end)).lower().split())[:_HEAD]
    source = next((name for name, signs in SIGNS if any(sign in head for sign in signs)), "")
    failed = addresses(fields.get("x-failed-recipients", ""))
    if not source and not failed:
        return None
    returned = mime.fields_of(line.encode() for line in rest)
    fielded = _fielded(lines)
    if fielded:
        return Told("dsn", fielded, returned)
    source = source or "exim"
    receiver = {
        name.lower()
        for field in ("to", "from", "delivered-to")
        for name in addresses(fields.get(field, "")[:2_000])
    }
    about = Lines(lines, receiver)
    names = failed or about.named() or about.in_sentence()
    if not names:
        # Somebody has written to himself, or to a postmaster.
        about = Lines(lines, set())
        names = about.named() or about.in_sentence(anybody=True)
    if not names and source != _WEAK:
        given = returned or mime.fields_of(line.encode() for line in lines)
        to = addresses(given.get("to", ""))
        names = to if len(to) == 1 else []
    waits = any(sign in head for sign in DELAYED) and not any(sign in head for sign in FAILED)
    failures = []
    for name in list(dict.fromkeys(names))[:_MOST_RECIPIENTS]:
        quoted = about.quoted(name)
        action = "delayed" if waits else "failed"
        failures.append(Failure(name, action, parse(quoted), quoted, source=source))
    return Told(source, tuple(failures), returned)


def _fielded(lines: list[str]) -> tuple[Failure, ...]:
    """Read the fields for programs that stand among the words for people."""
    begin = next((n for n, line in enumerate(lines) if line[:16].lower() in _FIELDS), None)
    if begin is None:
        return ()
    part = mime.Part("text/plain", {}, [line.encode() for line in lines[begin:]])
    return tuple(failure for failure in dsn.read(part).failures if failure.recipient)


_FIELDS = frozenset({"final-recipient:", "reporting-mta: d", "reporting-mta:dn"})
_WEAK = "other"
