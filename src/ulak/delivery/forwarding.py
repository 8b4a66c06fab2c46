"""What an alias leads to other servers goes in our name (SRS), so that SPF passes there.

Only the envelope that the next server sees has the rewritten sender. In the queue, in the journal
and in our own reports the sender stays who it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ulak.delivery.carrier import Carrier
from ulak.delivery.outcome import Outcome
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.mail.envelope import domain_of
from ulak.queue.item import Message

Rewrite = Callable[[str, str], str | None]
"""Gives the sender in our name, for a sender and the alias by which the mail came; None: too long.
"""


class ForwardingCarrier:
    """Rewrites the senders of what is forwarded, and lets another carrier deliver.

    `local` says whether a domain is ours.
    """

    def __init__(self, inner: Carrier, local: Callable[[str], bool], rewrite: Rewrite) -> None:
        self.inner = inner
        self._local = local
        self._rewrite = rewrite

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt for each sender that there is to be."""
        envelope = message.envelope
        if not envelope.asked or not envelope.sender or self._local(domain_of(envelope.sender)):
            return await self.inner.carry(message, recipients, target, grant)
        by_sender: dict[str, list[str]] = {}
        noted: dict[str, str] = {}
        for each in recipients:
            through = envelope.asked_for(each).through
            sender: str | None = envelope.sender
            if through and not self._local(domain_of(each)):
                sender = self._rewrite(envelope.sender, through)
                noted[each] = sender or "too-long"
            by_sender.setdefault(sender or envelope.sender, []).append(each)
        outcomes: list[Outcome] = []
        for sender, group in by_sender.items():
            one = replace(message, envelope=replace(envelope, sender=sender))
            outcomes += await self.inner.carry(one, group, target, grant)
        return [
            replace(each, facts={**each.facts, "srs": noted[each.recipient]})
            if each.recipient in noted
            else each
            for each in outcomes
        ]

    async def close(self) -> None:
        """End what the other carrier has open."""
        await self.inner.close()
