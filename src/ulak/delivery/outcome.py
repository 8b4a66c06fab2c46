"""What came of one attempt, for one recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Result(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recipient's part of one attempt.

    `cause` names a catalog row. `reply` is on one line: the words of the other server where there
    are any (`remote`), else our own row's. `host` is who said it (`mx.example.net [192.0.2.1]:25`),
    `""` for ourselves. `dialogue` is the SMTP dialogue, a line each with `C: ` or `S: ` before it,
    without the message. `pattern` names the rule by which the words of another server were
    understood (`ulak.replies.patterns`), `""` where none was.
    """

    recipient: str
    result: Result
    cause: str
    reply: str = ""
    host: str = ""
    remote: bool = False
    tls: str = ""  # protocol version where the message went over TLS
    facts: Mapping[str, str] = field(default_factory=dict)
    dialogue: tuple[str, ...] = ()
    pattern: str = ""
