"""How much an account may send within an hour, counted over all workers.

An hour is one that slides: of what was sent in the full hour before, as much counts as still lies
within the last sixty minutes, as if it had been sent evenly. So two numbers are kept for each hour
and account, and nobody can send twice as much round the stroke of an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ulak.accounts.account import Account

HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages and recipients of them; fractions where an hour is counted in part."""

    messages: float = 0.0
    recipients: float = 0.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many messages and recipients an account may have within an hour; 0 for any number."""

    messages: int = 0
    recipients: int = 0

    def of(self, account: Account) -> Allowance:
        """Give what an account may, which may have an allowance of its own."""
        messages, recipients = account.messages_per_hour, account.recipients_per_hour
        return Allowance(
            self.messages if messages is None else messages,
            self.recipients if recipients is None else recipients,
        )

    def __bool__(self) -> bool:
        return bool(self.messages or self.recipients)

    def too_many_messages(self, sent: Sent, more: int = 1) -> bool:
        """Whether so many messages more are too many."""
        return bool(self.messages) and sent.messages + more > self.messages

    def too_many_recipients(self, sent: Sent, more: int) -> bool:
        """Whether so many recipients more are too many."""
        return bool(self.recipients) and sent.recipients + more > self.recipients


class Ledger(Protocol):
    """Where it is written what accounts have sent. All verbs may block, and raise AccountsError."""

    def sent(self, account: str, now: float) -> Sent:
        """Give what an account, by its key, has sent within the hour before `now`."""

    def take(self, account: str, now: float, recipients: int, may: Callable[[Sent], bool]) -> bool:
        """Write down one message more, if `may` says so of what was sent before it.

        Nobody else's message comes between.
        """

    def close(self) -> None:
        """Let go of it."""


def within_hour(now: float, this: Sent, before: Sent) -> Sent:
    """Give what counts at `now` of what was sent in this full hour and in the one before it."""
    part = 1.0 - (now % HOUR) / HOUR
    return Sent(this.messages + before.messages * part, this.recipients + before.recipients * part)
