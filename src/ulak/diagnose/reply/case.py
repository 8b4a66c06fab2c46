"""One reply that is being checked: who resolves, of whom it speaks, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from ulak.checks.dnsbl import Blocklist
from ulak.checks.gather import Gather
from ulak.diagnose.reply.evidence import Evidence
from ulak.diagnose.reply.verdict import Asked, Verdict
from ulak.dns.records import Answer, Resolver, Status

# What the owner of a name has to answer for, and not whoever asks.
_THEIRS = frozenset({Status.SERVFAIL, Status.REFUSED, Status.MALFORMED})


@dataclass(frozen=True, slots=True)
class Case:
    """All that a check of a reply needs. `lists` are asked where it names none."""

    resolver: Resolver
    known: Evidence
    cause: str
    now: float
    gather: Gather
    lists: Sequence[Blocklist] = ()

    def silence(self, trace: Iterable[Answer]) -> Verdict:
        """Say what it means that DNS did not answer.

        Where the reply complains of just that, an answer that is an error confirms it. Silence
        may be our own fault, and says nothing.
        """
        complains = self.cause.endswith(("-error", "dns-failed"))
        theirs = any(answer.status in _THEIRS for answer in trace)
        return Verdict.CONFIRMED if complains and theirs else Verdict.COULD_NOT_ASK


Kind = Callable[[Case], Awaitable[Asked]]
"""Makes one kind of check."""
