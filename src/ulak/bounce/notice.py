"""What a report tells, as values: about which message, which recipients, and in whose name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ulak.mail.envelope import NO_WISHES, Wishes
from ulak.replies import catalog, texts


class Action(StrEnum):
    """What became of the recipients (RFC 3464 §2.3.3), in the order in which it is told."""

    DELIVERED = "delivered"
    RELAYED = "relayed"  # handed to a server that may not tell what becomes of it
    EXPANDED = "expanded"  # sent on to the members of an alias
    FAILED = "failed"
    DELAYED = "delayed"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient, as a report tells it.

    `cause` names a catalog row, `reply` is on one line, the words of `host` where `remote`, else
    this server's own. `at` is the last attempt and `until` the time at which trying ends, in
    seconds since the epoch. `days` is set where the reason for the failure is that so many days
    of trying are over; cause and reply are then those of the last attempt. `deadline` is set
    likewise where it is that the time has passed which the sender set (RFC 2852), in seconds
    since the epoch. `original` is the recipient as the sender wrote it, with its address type and
    decoded, `rfc822;bob@example.org` (RFC 3461 §4.2), `""` where it is not known; `through` the
    alias of ours to which the message was sent, `""` for none. `last` says of a relayed message
    that its next server will not tell of success.
    """

    recipient: str
    cause: str
    reply: str
    at: float
    host: str = ""
    remote: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    until: float = 0.0
    days: int = 0
    deadline: float = 0.0
    original: str = ""
    through: str = ""
    last: bool = False


@dataclass(frozen=True, slots=True)
class Original:
    """The message that a report is about.

    `octets` is the whole message, or the beginning of it with at least its header; `received`
    is in seconds since the epoch. `binary`: it may have lines of any kind (RFC 3030). `lost`: it
    cannot be read any more, not even its header, and `octets` is empty.
    """

    id: str
    sender: str
    received: float
    octets: bytes
    whole: bool
    language: str = ""
    smtputf8: bool = False
    binary: bool = False
    wishes: Wishes = NO_WISHES
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """In whose name reports are written. The first language is the one for unknown senders.

    `whole_up_to` is the size in octets up to which a message goes back whole. `multilingual`: whose
    language is not known gets all of them.
    """

    hostname: str
    languages: tuple[str, ...] = ("en", "tr")
    whole_up_to: int = 50_000
    multilingual: bool = False

    @property
    def postmaster(self) -> str:
        """The address that answers for this server (RFC 5321 §4.5.1)."""
        return f"postmaster@{self.hostname}"


Explain = Callable[[str, str, Mapping[str, str]], "Explained"]
"""Gives the texts of a cause by its name, a language, and the facts to put in."""


class Explained(Protocol):
    """The texts of a cause in one language, as `ulak.replies.texts` has them."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def means(self) -> str:
        """What it means."""

    @property
    def fix_sender(self) -> Sequence[str]:
        """What the sender can do, step by step."""


def explain(name: str, language: str, facts: Mapping[str, str]) -> Explained:
    """Give the texts of the catalog; a cause that it does not know is one that nobody knows."""
    known = name if name in catalog.CATALOG else catalog.REMOTE_REFUSED.name
    return texts.cause(known, language).with_facts(facts)
