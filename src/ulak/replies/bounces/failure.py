"""What a report says: about which message, and what became of each recipient."""

from __future__ import annotations

from dataclasses import dataclass, field

from ulak.replies.parse import ParsedReply


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of a report.

    `reply` is what the report quotes, with the report's own status where the reply has none;
    `quoted` is how it stands there. `cause` is what a report of ours says itself. `action` is a
    word of RFC 3464 §2.3.3; only `failed` says that nobody tries again. `remote_mta` is who gave
    the reply, `reporting_mta` who reports it. `source` is `dsn`, or whose words were read.
    """

    recipient: str
    action: str
    reply: ParsedReply
    quoted: str
    cause: str = ""
    remote_mta: str = ""
    reporting_mta: str = ""
    source: str = "dsn"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a report shows of the message that it is about; "" where it does not show it."""

    message_id: str = ""
    subject: str = ""
    sender: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that may be a report. Without `failures` it is none."""

    failures: tuple[Failure, ...] = ()
    returned: Returned = field(default_factory=Returned)
    reporting_mta: str = ""
    time: str = ""
    source: str = ""
