"""What a directory says of an address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """By what an address was found."""

    NAME = "name"  # the configuration has it
    ROSTER = "roster"  # the roster of its domain has it
    CATCH_ALL = "catch-all"  # nobody has it, and somebody gets what nobody has
    RETURN = "return"  # a sender rewritten by us (SRS), to whom a report goes back


@dataclass(frozen=True, slots=True)
class Found:
    """A local mailbox or alias: the addresses to which its mail goes.

    `alias` is the alias as it is configured, `""` for a mailbox. `detail` is what stood behind the
    separator (RFC 5233 §4), None where nothing did.
    """

    members: tuple[str, ...]
    alias: str = ""
    how: How = How.NAME
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The mailbox is elsewhere now (RFC 5321 §3.4)."""

    to: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The domain is ours and has no such mailbox."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The domain is not ours."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The roster of the domain gives no answer; `incident` is the id under which it was noted."""

    incident: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A sender as we might have rewritten it (SRS), that leads nowhere: `expired` or `forged`."""

    problem: str


Result = Found | Moved | Unknown | Foreign | Trouble | Returned
