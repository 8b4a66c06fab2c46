"""What accounts send by way of several servers counts together, without asking for each message.

Each server counts in a file of its own, and says how much that is on a board that all have; what
the others have said there counts too. It is told and read every two seconds: by so much, and no
more, an account can go beyond its allowance by sending over several servers at once. While the
board cannot be reached each counts what it takes itself, and what it knew of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ulak.accounts.allowance import HOUR, Ledger, Sent, within_hour
from ulak.accounts.store import AccountsError

_OFTEN = 2.0  # seconds between two looks
_SOON = 0.1  # and after something was sent
_TIDY = 600.0  # seconds between two times that what is old is forgotten


class Told(NamedTuple):
    """What an account has sent in a full hour by a server."""

    account: str
    hour: int
    server: str
    messages: int
    recipients: int


class Board(Protocol):
    """Where servers say what accounts have sent. All verbs raise AccountsError."""

    async def tell(self, told: Sequence[Told]) -> None:
        """Say how much accounts have sent here."""

    async def hear(self, hour: int) -> Sequence[Told]:
        """Give what others have said of this hour, and of later ones, since the last time."""

    async def forget(self, hour: int) -> None:
        """Forget what was before an hour."""

    async def close(self) -> None:
        """Let go of it."""


class Book(Ledger, Protocol):
    """This server's own ledger."""

    def hours(self, account: str, now: float) -> dict[int, Sent]:
        """Give what an account has sent in this full hour and the one before, where it has."""


class Together:
    """Follows `Ledger` for one worker of one of several servers.

    `book` is the server's, for all of its workers; `apart` hears of the board's trouble, and None
    when it is over. Times of `clock` are seconds since the epoch.
    """

    def __init__(
        self,
        book: Book,
        board: Board,
        clock: Callable[[], float],
        apart: Callable[[AccountsError | None], None],
    ) -> None:
        self._book = book
        self._board = board
        self._clock = clock
        self._apart = apart
        self._lock = threading.Lock()  # the ledger's verbs come from a thread
        self._taken: set[str] = set()  # accounts of which the others have to hear
        self._others: dict[str, dict[tuple[int, str], Sent]] = {}  # by account, hour and server
        self._failing = False
        self._tidied = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hurry = asyncio.Event()
        self._used = False  # where nobody sends, nobody is asked

    # -- the ledger -------------------------------------------------------------------------

    def sent(self, account: str, now: float) -> Sent:
        """Give what an account has sent within the hour before `now`, by all servers."""
        if not self._used:
            self._wake()
        return _sum(self._book.sent(account, now), self._elsewhere(account, now))

    def take(self, account: str, now: float, recipients: int, may: Callable[[Sent], bool]) -> bool:
        """Write down one message more, if `may` says so of what was sent before it."""
        elsewhere = self._elsewhere(account, now)
        taken = self._book.take(account, now, recipients, lambda own: may(_sum(own, elsewhere)))
        if taken:
            with self._lock:
                self._taken.add(account)
            self._wake()
        return taken

    def close(self) -> None:
        """Let go of the book."""
        self._book.close()

    def _wake(self) -> None:
        self._used = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurry.set)

    def _elsewhere(self, account: str, now: float) -> Sent:
        hour = int(now // HOUR)
        with self._lock:
            told = list(self._others.get(account, {}).items())
        this, before = (
            _sum(*(sent for (when, _), sent in told if when == which)) for which in (hour, hour - 1)
        )
        return within_hour(now, this, before)

    # -- the board --------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell and hear until cancelled."""
        self._loop = asyncio.get_running_loop()
        if not self._used:
            await self._hurry.wait()
        while True:
            self._hurry.clear()
            await self.step()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_OFTEN - _SOON):
                    await self._hurry.wait()
            await asyncio.sleep(_SOON)

    async def step(self) -> None:
        """Tell and hear once."""
        trouble: AccountsError | None = None
        try:
            await self._tell()
            await self._hear()
        except AccountsError as error:
            trouble = error
        if self._failing is not (trouble is not None):
            self._apart(trouble)
        self._failing = trouble is not None

    async def leave(self) -> None:
        """Say what is not said yet, and let go of the board."""
        with contextlib.suppress(AccountsError):
            await self._tell()
        await self._board.close()

    async def _tell(self) -> None:
        with self._lock:
            taken, self._taken = self._taken, set()
        try:
            told = await asyncio.to_thread(self._totals, taken)
            if told:
                await self._board.tell(told)
        except AccountsError:
            with self._lock:
                self._taken |= taken
            raise

    def _totals(self, accounts: set[str]) -> list[Told]:
        now = self._clock()
        return [
            Told(account, hour, "", int(sent.messages), int(sent.recipients))
            for account in sorted(accounts)
            for hour, sent in self._book.hours(account, now).items()
        ]

    async def _hear(self) -> None:
        now = self._clock()
        hour = int(now // HOUR)
        heard = await self._board.hear(hour - 1)
        with self._lock:
            for one in heard:
                sent = Sent(one.messages, one.recipients)
                self._others.setdefault(one.account, {})[one.hour, one.server] = sent
        if now - self._tidied >= _TIDY or now < self._tidied:
            self._tidied = now
            self._tidy(hour - 1)
            await self._board.forget(hour - 1)

    def _tidy(self, oldest: int) -> None:
        with self._lock:
            for account, told in list(self._others.items()):
                kept = {key: sent for key, sent in told.items() if key[0] >= oldest}
                if kept:
                    self._others[account] = kept
                else:
                    del self._others[account]


def _sum(*parts: Sent) -> Sent:
    return Sent(sum(one.messages for one in parts), sum(one.recipients for one in parts))
