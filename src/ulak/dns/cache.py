"""What was answered lately, for as long as it may be kept (RFC 1035 §3.2.1, RFC 2308, RFC 9520)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from ulak.dns.records import Answer

_ENTRY, _RECORD = 600, 100  # octets that an answer and a record cost beside their text


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much is kept and for how long. Seconds, answers, octets.

    Absence is kept for at most three hours (RFC 2308 §5), failure just long enough to spare a
    server that is down the same question from every session (RFC 9520 §3.2).
    """

    answers: int = 10_000
    octets: int = 16_000_000
    longest: float = 86_400.0
    shortest: float = 0.0
    absent: float = 10_800.0
    failed: float = 5.0


class Cache:
    """Answers by name and kind; the one not asked for the longest time goes first."""

    def __init__(self, keeping: Keeping | None = None) -> None:
        self._keeping = keeping or Keeping()
        self._answers: OrderedDict[tuple[str, str], tuple[float, int, Answer]] = OrderedDict()
        self.octets = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, name: str, kind: str, now: float) -> Answer | None:
        """Give what is known, with the seconds that are left of its life."""
        key = (name, kind)
        entry = self._answers.get(key)
        if entry is None:
            return None
        ends, _, answer = entry
        if ends <= now:
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return answer if answer.failed else replace(answer, ttl=int(ends - now))

    def put(self, answer: Answer, now: float) -> None:
        """Keep an answer, if it may be kept at all."""
        keeping = self._keeping
        if answer.failed:
            life = keeping.failed
        elif answer.absent:
            life = min(answer.ttl, keeping.absent)
        else:
            life = min(max(answer.ttl, keeping.shortest), keeping.longest)
        key = (answer.name, answer.kind)
        self._drop(key)
        weight = _weight(answer)
        if life <= 0 or weight > keeping.octets:
            return
        self._answers[key] = (now + life, weight, answer)
        self.octets += weight
        while len(self._answers) > keeping.answers or self.octets > keeping.octets:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[str, str]) -> None:
        entry = self._answers.pop(key, None)
        if entry is not None:
            self.octets -= entry[1]


def _weight(answer: Answer) -> int:
    octets = _ENTRY + len(answer.detail)
    for record in answer.records:
        octets += _RECORD + (len(record) if isinstance(record, str | bytes) else 100)
    return octets
