"""Recipients on the suppression list are given up before anything is sent, and join it after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ulak.delivery.carrier import Carrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import domain_of
from ulak.queue.item import Message
from ulak.suppression.gate import Gate
from ulak.suppression.suppressed import Suppressed


class SuppressingCarrier:
    """Asks the list, and lets another carrier deliver to those who are not on it.

    Whoever another server knows not (`Rules`) is put there. What it says of a domain that is
    `local` is no stranger's word, and changes nothing.
    """

    def __init__(
        self,
        inner: Carrier,
        gate: Gate,
        *,
        local: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self.inner = inner
        self._gate = gate
        self._local = local
        self._clock = clock

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt for those who are not on the list."""
        sender = message.envelope.sender
        if target.way is not Way.SMTP or not sender:
            return await self.inner.carry(message, recipients, target, grant)
        held = {each: found for each in recipients if (found := self._gate.find(sender, each))}
        if not held:
            outcomes = await self.inner.carry(message, recipients, target, grant)
        else:
            others = [each for each in recipients if each not in held]
            outcomes = await self.inner.carry(message, others, target, grant) if others else []
            outcomes = [*outcomes, *(_given_up(each, found) for each, found in held.items())]
        if any(outcome.result is Result.FAILED and outcome.remote for outcome in outcomes):
            await self._learn(message, outcomes)
        return outcomes

    async def close(self) -> None:
        """End what the other carrier has open."""
        await self.inner.close()

    async def _learn(self, message: Message, outcomes: Sequence[Outcome]) -> None:
        now, sender = self._clock(), message.envelope.sender
        found = [
            self._gate.rules.of_failure(
                sender, one.recipient, one.cause, one.reply, message.id, now
            )
            for one in outcomes
            if one.result is Result.FAILED
            and one.remote
            and not self._local(domain_of(one.recipient))
        ]
        entries = [one for one in found if one is not None]
        if entries:
            await self._gate.add(entries)


def _given_up(recipient: str, found: Suppressed) -> Outcome:
    reply = found.refusal(recipient, utf8=not recipient.isascii())
    facts = {**reply.facts, "suppressed-for": found.cause}
    if found.message:
        facts["suppressed-by"] = found.message
    return Outcome(recipient, Result.FAILED, reply.cause, str(reply), facts=facts)
