"""The settings of reports: those that are read, and those that are sent."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Choice, Count, Flag, ListOf, Text
from ulak.config.names import MailAddress
from ulak.config.sections import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What is told to owners of other domains (RFC 9990, 9991, 8460), and what they tell us.

    `organization` and `contact` are `""`, and `sender` None, where the server's own name stands for
    them.
    """

    addresses: tuple[str, ...] = setting(ListOf(MailAddress()), ())
    deliver: bool = setting(Flag(), default=True)
    aggregate: str = setting(Choice(("auto", "on", "off")), "auto")
    tls: str = setting(Choice(("auto", "on", "off")), "auto")
    failure: bool = setting(Flag(), default=False)
    failures_per_hour: int = setting(Count(1, 10_000), 20)
    organization: str = setting(Text(), "")
    contact: str = setting(Text(), "")
    sender: str | None = setting(MailAddress(), None, key="from")
