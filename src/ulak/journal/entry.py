"""One entry of the journal, and the verbs of a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What an entry tells."""

    CONNECTED = "connected"
    REFUSED = "refused"  # a command, a recipient or a message was refused (cause says why)
    CHECKED = "checked"  # a check ran; also one that could not decide
    ACCEPTED = "accepted"  # a message is ours
    ATTEMPT = "attempt"  # a delivery attempt began and ended
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    REPORTED = "reported"  # a report (DSN) was queued
    OPERATED = "operated"  # an operator held, released, dropped, retried
    INCIDENT = "incident"  # an error inside
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `time` is in seconds since the epoch. `session`, `message` and `incident` are ids, `""` where
    there is none. `facts` are short texts; `dialogue` is the SMTP dialogue of a failure, one
    line a string with `C: ` or `S: ` before it.
    """

    time: float
    kind: Kind
    cause: str = ""
    session: str = ""
    message: str = ""
    incident: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    dialogue: tuple[str, ...] = ()


class Journal(Protocol):
    """Where entries go."""

    def write(self, entry: Entry) -> None:
        """Note an entry. Never waits and never raises: mail goes on without its journal."""


class Reader(Protocol):
    """Where entries are read."""

    def about(self, identifier: str) -> Iterable[Entry]:
        """Give the entries of a message, a session or an incident, oldest first.

        For a message this includes the entries of the session that brought it.
        """
