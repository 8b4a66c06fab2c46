"""Each recipient's copy leaves with a return address of its own (`ulak.mail.returnpath`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ulak.delivery.carrier import Carrier
from ulak.delivery.outcome import Outcome
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target, Way
from ulak.mail.returnpath import ReturnPath
from ulak.queue.item import Message


class ReturningCarrier:
    """Lets another carrier deliver, one recipient a transaction, where a sender has logged in.

    Reports have no reverse-path, and what is only passed on keeps that of its sender.
    """

    def __init__(self, inner: Carrier, path: ReturnPath) -> None:
        self.inner = inner
        self._path = path

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt for each recipient, one after the other."""
        envelope = message.envelope
        if target.way is not Way.SMTP or not envelope.sender or not message.account:
            return await self.inner.carry(message, recipients, target, grant)
        outcomes: list[Outcome] = []
        for recipient in recipients:
            sender = self._path.address(message.id, recipient)
            copy = replace(message, envelope=replace(envelope, sender=sender))
            outcomes += await self.inner.carry(copy, [recipient], target, grant)
        return outcomes

    async def close(self) -> None:
        """End what the other carrier has open."""
        await self.inner.close()
