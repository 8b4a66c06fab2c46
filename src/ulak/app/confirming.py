"""What `ulak explain --check` does, without its words: one resolver for all replies."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from ulak import config as settings
from ulak.app.diagnosing import (
    PATIENCE,
    Server,
    TooLateError,
    resolver_of,
)
from ulak.checks.dnsbl import Blocklist, read_codes
from ulak.diagnose.patience import Patience
from ulak.diagnose.reply import Confirmation, Given, Returned, confirm, evidence
from ulak.replies.explain import Explanation

_MOST = 1_000_000  # questions about all replies of one run


class Confirmer:
    """Checks replies one after the other, all with the same resolver and its cache.

    A context manager. `dns` is the server to ask, None those of the configuration.
    """

    def __init__(self, chosen: settings.Config, dns: Server | None, given: Given) -> None:
        self._given = given
        self._lists = [
            Blocklist(one.zone, read_codes(one.codes), one.label) for one in chosen.policy.dnsbl
        ]
        self._resolver = resolver_of(chosen, dns)
        self._patience = Patience(self._resolver, most=_MOST)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._resolver.close())
        self._runner.__exit__(kind, error, trace)

    def confirm(
        self, told: Explanation, back: Returned | None = None, recipient: str = ""
    ) -> Confirmation:
        """Check one reply. Raises TooLateError where DNS keeps it waiting for too long."""
        now = time.time()
        known = evidence(told.facts, self._given, back, recipient=recipient, now=now)

        async def asked() -> Confirmation:
            async with asyncio.timeout(PATIENCE):
                return await confirm(
                    self._patience,
                    known,
                    told.cause,
                    now=now,
                    gather=asyncio.gather,
                    configured=self._lists,
                )

        try:
            return self._runner.run(asked())
        except TimeoutError as error:
            raise TooLateError from error
