"""Who hands out what accounts may send: the ledger is asked in a thread, off the event loop.

A message costs one look when it begins and one short transaction before it is taken. What a power
cut can cost is the last moments of the counts, so that somebody may send that much more; a process
that dies costs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ulak.accounts.account import Account
from ulak.accounts.allowance import Allowance, Ledger, Sent

T = TypeVar("T")


class Purser:
    """Holds accounts to their allowances; `clock` gives seconds since the epoch.

    The awaitable verbs raise AccountsError.
    """

    def __init__(self, ledger: Ledger, allowance: Allowance, *, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._allowance = allowance
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "purser")

    def allowance(self, account: Account) -> Allowance:
        """Give how much an account may send."""
        return self._allowance.of(account)

    async def sent(self, account: Account) -> Sent:
        """Give what an account has sent within the last hour."""
        return await self._do(lambda: self._ledger.sent(account.key, self._clock()))

    async def take(self, account: Account, recipients: int) -> bool:
        """Count one message more; False, and nothing is counted, where that is too much."""
        allowance = self._allowance.of(account)

        def may(sent: Sent) -> bool:
            return not (
                allowance.too_many_messages(sent) or allowance.too_many_recipients(sent, recipients)
            )

        def take() -> bool:
            return self._ledger.take(account.key, self._clock(), recipients, may)

        return await self._do(take)

    async def close(self) -> None:
        """Let go of the ledger once what waits is done."""
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._ledger.close)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
