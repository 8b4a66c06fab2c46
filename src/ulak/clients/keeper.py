"""Who knows the clients, for the sessions of one worker: judges triplets, and counts for networks.

Whom this worker has let in itself it knows at once. For everybody else the store is asked, once
for all who ask meanwhile, and only for `PATIENCE`. What changes is written in the background. So no
mail waits for a store that is slow or away: the worker then goes by what it has seen itself, and
whom it has not seen it lets in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeVar

from ulak.checks.reason import Reason, packed
from ulak.clients import greylist, reputation, told
from ulak.clients.greylist import Record, Rules, Step
from ulak.clients.reputation import Counts, Standing
from ulak.clients.store import ClientsError, Known, Store

K = TypeVar("K")
V = TypeVar("V")

PATIENCE = 0.2  # seconds that a client waits for what the store knows
_GATHER = 0.1  # seconds in which changes are gathered before they are written
_REST = 2.0  # seconds for which a store that failed is not asked again
_REMEMBERED = 50_000  # triplets
_WAITING = 50_000  # changes of each kind that wait for a store
_TIDY = 3600.0  # seconds
_GOOD_FOR = 60.0  # seconds for which a good reputation is not asked for again
_CLOSE = 10.0  # seconds within which counts have hardly faded


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted. `rules` are those of greylisting, None where there is none.

    `trusts_good`: clients of a network with a good reputation are not put off.
    """

    rules: Rules | None
    half_life: float
    trusts_good: bool = True


@dataclass(frozen=True)
class Decision:
    """What comes of a recipient that a stranger names: how long to wait (0: let in), and why."""

    wait: float
    reasons: tuple[Reason, ...]

    @cached_property
    def noted(self) -> str:
        """The reasons as a journal has them."""
        return packed(self.reasons)


@dataclass(slots=True)
class _Batch:
    """What is to be asked together, and who waits for it."""

    answer: asyncio.Future[Known | None]
    triplets: set[bytes] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)


class Keeper:
    """Judges and counts. `clock` gives seconds since the epoch.

    `tell` is told when the store cannot be asked or written, with the problem, and (None) when
    that is over; `incident` notes an error of ours, which holds up no mail either.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        clock: Callable[[], float],
        tell: Callable[[str | None], None] = lambda _problem: None,
        incident: Callable[[Exception], str] = lambda _error: "",
        patience: float = PATIENCE,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._incident = incident
        self._patience = patience
        self._seen: dict[bytes, Record] = {}  # those last used stand last
        self._records: dict[bytes, Record] = {}  # to be written
        self._counts: dict[str, Counts] = {}  # likewise
        self._good: dict[str, tuple[float, Decision]] = {}  # networks, until when
        self._changed = asyncio.Event()
        self._batch: _Batch | None = None
        self._asking: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._asked_at = 0.0
        self._rests_until = 0.0
        self._away = False

    @property
    def greylists(self) -> bool:
        """Whether strangers are put off at all."""
        return self._settings.rules is not None

    async def judge(self, network: str, sender: str, recipient: str) -> Decision:
        """Judge a recipient that a stranger names; `sender` is not the null one."""
        rules, now = self._settings.rules, self._clock()
        assert rules is not None  # noqa: S101 -- as who calls has seen
        key = greylist.key(network, sender, recipient)
        mine = self._seen.get(key)
        judged = greylist.judge(mine, now, rules)
        if judged.step is Step.KNOWN and judged.record == mine:
            return _known(network, mine.passed)
        if judged.put_off and network in self._good:
            until, decision = self._good[network]
            if now < until:
                return decision
            del self._good[network]
        more: tuple[Reason, ...] = ()
        if judged.step is not Step.KNOWN:
            known = await self._ask(key, network)
            if known is None and judged.step in (Step.NEW, Step.LATE):
                return Decision(0.0, (told.unasked(network),))
            if known is not None:
                found = _both(known.records.get(key), self._seen.get(key))
                judged = greylist.judge(found, now, rules)
                counts = known.counts.get(network)
                if judged.put_off and counts is not None and self._settings.trusts_good:
                    counts = reputation.faded(counts, now, self._settings.half_life)
                    if reputation.standing(counts) is Standing.GOOD:
                        decision = Decision(0.0, (told.good(network, counts),))
                        _bound(self._good, _REMEMBERED)
                        self._good[network] = now + _GOOD_FOR, decision
                        return decision
                    more = (told.brought(network, counts),)
                mine = found
        self._remember(key, judged.record, changed=judged.record != mine)
        return Decision(judged.wait, (told.step(judged, network, now, rules), *more))

    def count(
        self, network: str, *, accepted: int = 0, unwanted: int = 0, unknown: int = 0
    ) -> None:
        """Count what a network has brought."""
        now, before = self._clock(), self._counts.get(network)
        if before is None:
            _bound(self._counts, _WAITING)
            self._counts[network] = Counts(accepted, unwanted, unknown, now)
        else:
            if now - before.at > _CLOSE:
                before = reputation.faded(before, now, self._settings.half_life)
            self._counts[network] = Counts(
                before.accepted + accepted,
                before.unwanted + unwanted,
                before.unknown + unknown,
                before.at,
            )
        self._changed.set()

    async def run(self) -> None:
        """Write what changes, until this is cancelled."""
        loop = asyncio.get_running_loop()
        tidied = loop.time()
        while True:
            await self._changed.wait()
            await asyncio.sleep(max(_GATHER, self._rests_until - loop.time()))
            self._writing = loop.create_task(self._write())
            # What is half written when this is cancelled is written to its end.
            if await asyncio.shield(self._writing) and loop.time() - tidied > _TIDY:
                tidied = loop.time()
                await self._tidy()

    async def close(self) -> None:
        """Write what is left, and let go of the store."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._changed.is_set():
            await self._write()
        await self._store.close()

    # -- what is known here -----------------------------------------------------------------

    def _remember(self, key: bytes, record: Record, *, changed: bool) -> None:
        self._seen.pop(key, None)
        _bound(self._seen, _REMEMBERED)
        self._seen[key] = record
        if changed:
            waiting = self._records.pop(key, None)
            _bound(self._records, _WAITING)
            self._records[key] = record if waiting is None else greylist.joined(waiting, record)
            self._changed.set()

    # -- asking -----------------------------------------------------------------------------

    async def _ask(self, key: bytes, network: str) -> Known | None:
        """Ask what all know; None where that cannot be learned in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._rests_until or (self._asking and now - self._asked_at > self._patience):
            return None  # it would be waited for in vain
        if self._batch is None:
            self._batch = _Batch(loop.create_future())
        batch = self._batch
        batch.triplets.add(key)
        if self._settings.trusts_good:
            batch.networks.add(network)
        if self._asking is None:
            self._asked_at = now
            self._asking = loop.create_task(self._ask_all())
        # Not `asyncio.timeout`, which wants a task: this may be a client's first step.
        await asyncio.wait((batch.answer,), timeout=self._patience)
        if batch.answer.done():
            return batch.answer.result()
        self._trouble(f"no answer within {self._patience:g} seconds")
        return None

    async def _ask_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._batch is not None:
                batch, self._batch = self._batch, None
                self._asked_at = loop.time()
                try:
                    answer = await self._store.read(batch.triplets, batch.networks)
                except Exception as error:  # noqa: BLE001 -- whatever it was, no mail waits for it
                    self._failed(error)
                    batch.answer.set_result(None)
                else:
                    self._back()
                    batch.answer.set_result(answer)
        finally:
            self._asking = None

    # -- writing ----------------------------------------------------------------------------

    async def _write(self) -> bool:
        """Write all that has changed; else it waits."""
        self._changed.clear()
        records, self._records = self._records, {}
        counts, self._counts = self._counts, {}
        try:
            await self._store.write(records, counts, self._settings.half_life)
        except ClientsError as error:
            self._failed(error)
            self._keep_waiting(records, counts)
            return False
        except Exception as error:  # noqa: BLE001 -- as above; what cannot be written is let go
            self._failed(error)
            return False
        self._back()
        return True

    def _keep_waiting(self, records: dict[bytes, Record], counts: dict[str, Counts]) -> None:
        for key, record in self._records.items():
            older = records.pop(key, None)
            records[key] = record if older is None else greylist.joined(older, record)
        for network, more in self._counts.items():
            older_counts = counts.pop(network, Counts())
            counts[network] = reputation.added(older_counts, more, self._settings.half_life)
        self._records, self._counts = records, counts
        _bound(self._records, _WAITING)
        _bound(self._counts, _WAITING)
        self._changed.set()

    async def _tidy(self) -> None:
        older = reputation.FORGOTTEN * self._settings.half_life
        with suppress(ClientsError):
            more = True
            while more:  # a little at a time: others write, too
                more = await self._store.forget(self._clock(), older)

    # -- whether the store is there ---------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ClientsError):
            self._trouble(str(error))
        else:
            self._trouble(f"incident {self._incident(error)}")

    def _trouble(self, problem: str) -> None:
        self._rests_until = asyncio.get_running_loop().time() + _REST
        if not self._away:
            self._away = True
            self._tell(problem)

    def _back(self) -> None:
        self._rests_until = 0.0
        if self._away:
            self._away = False
            self._tell(None)


@lru_cache(4096)
def _known(network: str, passed: float) -> Decision:
    """Say of whom this worker knows; nearly every message of those who write often comes here."""
    return Decision(0.0, (told.known(network, passed),))


def _both(one: Record | None, other: Record | None) -> Record | None:
    if one is None or other is None:
        return one or other
    return greylist.joined(one, other)


def _bound(kept: dict[K, V], most: int) -> None:
    """Make room for one more: the oldest goes."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
