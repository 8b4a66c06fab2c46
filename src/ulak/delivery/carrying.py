"""Having a job carried: every recipient gets an outcome, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ulak.delivery import conclusion
from ulak.delivery.carrier import Carrier
from ulak.delivery.line import Job
from ulak.delivery.outcome import Outcome
from ulak.delivery.sourcing import Sources
from ulak.delivery.target import Way


async def carried(
    job: Job,
    carriers: Mapping[Way, Carrier],
    incident: Callable[[BaseException], str],
    sources: Sources | None = None,
) -> Sequence[Outcome]:
    """Make the attempt of a job. Raises nothing but when cancelled."""
    message, target = job.round.lease.message, job.target
    recipients = [each.recipient for each in job.pending]
    expanded: Sequence[Outcome] = ()
    if message.envelope.asked:
        expanded, recipients = conclusion.expanded(message.envelope, recipients)
        if not recipients:
            return expanded
    if target.refusal is not None:
        template = conclusion.refusal(target)
    else:
        try:
            outcomes = await carriers[target.way].carry(message, recipients, target, job.grant)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
            template = conclusion.broken(incident(error))
        else:
            if sources is not None:
                facts = sources.facts(message, job.grant, job.pending[0].source)
                if facts:
                    outcomes = [replace(o, facts={**o.facts, **facts}) for o in outcomes]
            return [*expanded, *outcomes] if expanded else outcomes
    return [*expanded, *(replace(template, recipient=each) for each in recipients)]
