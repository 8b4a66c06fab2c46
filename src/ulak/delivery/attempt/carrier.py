"""The carrier to SMTP and LMTP servers: what all its attempts share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ulak.delivery import conclusion
from ulak.delivery.attempt.opening import Opening
from ulak.delivery.attempt.trying import Attempt
from ulak.delivery.outcome import Outcome
from ulak.delivery.pool import Pool
from ulak.delivery.sending import Sending
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.queue.item import Message


def _no_incident(error: Exception) -> str:
    logging.getLogger(__name__).error("an attempt failed inside", exc_info=error)
    return "none"


class SmtpCarrier:
    """Takes messages to SMTP and LMTP servers.

    `incident` is told of an error inside and gives its id for the outcome.
    """

    def __init__(
        self, sending: Sending, incident: Callable[[Exception], str] = _no_incident
    ) -> None:
        self.pool = Pool(sending)
        self._opening = Opening(sending, self.pool)
        self._sources = sending.sources
        self._incident = incident

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt; one outcome for each recipient. Never raises; may be cancelled."""
        source = self._sources(grant.source)
        attempt = Attempt(self._opening, message, recipients, target, source, grant)
        try:
            await attempt.run()
        except Exception as error:  # noqa: BLE001 -- an error inside must not lose a message
            attempt.close(conclusion.broken(self._incident(error)))
        return attempt.outcomes

    async def close(self) -> None:
        """End open connections politely."""
        await self.pool.close()
