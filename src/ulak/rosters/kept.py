"""The memory of a roster: what it answered is known for a while, and for longer in trouble.

- Equal questions that come while one is under way wait for its answer.
- Good answers and refusals are kept apart, each as many as are allowed: who tries a million
  names does not drive out those that exist.
- While the roster gives no answer, one that says an address exists is believed until `stale`
  has passed; one that says there is none is not, for that would refuse good mail.
- After a failure it is left alone for a second, then for two, four … thirty at most, and whoever
  asks meanwhile hears at once that there is trouble. All of one time of trouble has one incident.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ulak.rosters.roster import Answer, Known, RosterError, Source, Unsure

_LONGEST_REST = 30.0  # seconds
_SAME_INCIDENT = 600.0  # seconds for which trouble is the same


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long answers are kept, in seconds: known addresses, unknown ones, and in trouble.

    `most` is how many of each kind; `timeout` is for one question with the wait for its turn;
    `at_once` is how many are asked at the same time.
    """

    known: float = 300.0
    unknown: float = 60.0
    stale: float = 604_800.0
    most: int = 100_000
    timeout: float = 10.0
    at_once: int = 10


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Answer
    since: float


class Kept:
    """Asks a source, and remembers.

    `clock` counts seconds. `incident` notes an error and gives its id; `told` hears when trouble
    begins, with its words, and `""` when it is over.
    """

    def __init__(
        self,
        source: Source,
        keeping: Keeping,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
        told: Callable[[str], None] = lambda _problem: None,
    ) -> None:
        self._source = source
        self._keeping = keeping
        self._clock = clock
        self._incident = incident
        self._told = told
        self._known: dict[str, _Entry] = {}
        self._unknown: dict[str, _Entry] = {}
        self._asking: dict[str, asyncio.Task[Answer]] = {}
        self._at_once = asyncio.Semaphore(keeping.at_once)
        self._failures = 0
        self._rests_until = 0.0
        self._noted = ("", 0.0)  # the incident of this trouble, and when it was noted

    def glance(self, address: str) -> Answer | Unsure:
        """Give what is known without waiting."""
        now = self._clock()
        for kept, fresh in self._memories:
            entry = kept.get(address)
            if entry is not None and now - entry.since < fresh:
                return entry.answer
        return self._source.glance(address)

    @property
    def _memories(self) -> tuple[tuple[dict[str, _Entry], float], ...]:
        return (
            (self._known, self._keeping.known),
            (self._unknown, self._keeping.unknown),
        )

    async def ask(self, address: str) -> Answer:
        """Give the answer. Raises RosterError with an incident."""
        found = self.glance(address)
        if not isinstance(found, Unsure):
            return found
        task = self._asking.get(address)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(address))
            self._asking[address] = task
            task.add_done_callback(lambda _task: self._asking.pop(address, None))
        return await asyncio.shield(task)

    async def _ask(self, address: str) -> Answer:
        if self._clock() < self._rests_until:
            return self._in_trouble(address)
        try:
            async with asyncio.timeout(self._keeping.timeout), self._at_once:
                answer = await self._source.ask(address)
        except Exception as error:  # noqa: BLE001 -- whatever it was, no mail is refused for it
            return self._in_trouble(address, error)
        if self._failures:
            self._failures = 0
            self._noted = ("", 0.0)
            self._told("")
        self._keep(address, answer)
        return answer

    def _keep(self, address: str, answer: Answer) -> None:
        mine, other = self._known, self._unknown
        if answer is None:
            mine, other = other, mine
        other.pop(address, None)
        mine.pop(address, None)  # so that the oldest stand first
        while len(mine) >= self._keeping.most:
            del mine[next(iter(mine))]
        mine[address] = _Entry(answer, self._clock())

    def _in_trouble(self, address: str, error: Exception | None = None) -> Known:
        now = self._clock()
        if error is not None:
            self._note(error, now)
        entry = self._known.get(address)
        if entry is not None and now - entry.since < self._keeping.stale:
            assert entry.answer is not None  # noqa: S101 -- as they are kept apart
            return entry.answer
        message = "no answer"
        raise RosterError(message, self._noted[0])

    def _note(self, error: Exception, now: float) -> None:
        self._rests_until = now + min(2.0 ** min(self._failures, 10), _LONGEST_REST)
        self._failures += 1
        if not self._noted[0] or now - self._noted[1] > _SAME_INCIDENT:
            if isinstance(error, TimeoutError):
                seconds = f"{self._keeping.timeout:g}"
                error = RosterError(f"no answer within {seconds} seconds")
            self._noted = (self._incident(error), now)
            self._told(str(error))

    async def close(self) -> None:
        """Ask no more."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._source.close()
