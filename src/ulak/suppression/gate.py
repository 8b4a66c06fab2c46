"""Looks addresses up where mail passes, and puts them on the list where it comes back.

A look is on the way of every recipient. As long as nothing stands on the list, which is asked
once in a while, it costs nothing; else it is one question to an index. What is written is written
by a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ulak.mail.address import Address
from ulak.replies.reply import Reply
from ulak.suppression.suppressed import (
    Rules,
    Suppressed,
    SuppressionError,
    Suppressions,
    key_of,
    whose_of,
)

_LOOK = 1.0  # seconds for which an empty list is taken for empty


class Gate:
    """The list where mail passes it.

    `reading` is asked in the event loop, `writing` is for a thread: two ways to one list.
    `local` says whether a domain is ours: who has a mailbox here is known better than by a list.
    `clock` gives seconds since the epoch, `incident` notes an error.
    """

    def __init__(
        self,
        reading: Suppressions,
        writing: Suppressions,
        rules: Rules,
        *,
        local: Callable[[str], bool],
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
    ) -> None:
        self.rules = rules
        self._reading = reading
        self._writing = writing
        self._local = local
        self._clock = clock
        self._incident = incident
        self._empty_until = 0.0

    def find(self, sender: str, recipient: str) -> Suppressed | None:
        """Give why nothing is sent to a recipient; None where it may be.

        A report has no sender, and goes. A list that cannot be read holds nothing up.
        """
        if not sender:
            return None
        now = self._clock()
        if 0.0 <= self._empty_until - now <= _LOOK:
            return None
        try:
            if not self._reading.any():
                self._empty_until = now + _LOOK
                return None
            address = key_of(recipient)
            if address is None or self._local(address.rpartition("@")[2]):
                return None
            return self._reading.find(address, whose_of(sender), now)
        except SuppressionError as error:
            self._incident(error)
            self._empty_until = now + _LOOK
            return None

    def refusal(self, sender: str, recipient: Address, *, utf8: bool = False) -> Reply | None:
        """Give the refusal of a recipient that is on the list."""
        found = self.find(sender, str(recipient))
        return None if found is None else found.refusal(recipient, utf8=utf8)

    async def add(self, entries: Sequence[Suppressed]) -> None:
        """Put addresses on the list."""

        def add() -> None:
            for one in entries:
                self._writing.add(one)

        try:
            await asyncio.to_thread(add)
        except SuppressionError as error:
            self._incident(error)
        self._empty_until = 0.0
