"""The memory of a roster, and what it does in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from ulak.rosters.kept import Keeping, Kept
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure

T = TypeVar("T")
KEEPING = Keeping(known=300, unknown=60, stale=1000, most=3, timeout=0.2, at_once=2)


class Source:
    def __init__(self) -> None:
        self.known: dict[str, Answer] = {"ada@x": Known()}
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.running = self.most = 0
        self.crowded = asyncio.Event()

    def glance(self, address: str) -> Answer | Unsure:
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        self.asked.append(address)
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running > 1:
            self.crowded.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.error is not None:
                raise self.error
            return self.known.get(address)
        finally:
            self.running -= 1

    async def close(self) -> None:
        pass


class Bench:
    def __init__(self, keeping: Keeping = KEEPING) -> None:
        self.now = 0.0
        self.source = Source()
        self.incidents: list[BaseException] = []
        self.told: list[str] = []
        self.kept = Kept(self.source, keeping, lambda: self.now, self._incident, self.told.append)

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return f"I{len(self.incidents)}"

    def ask(self, address: str) -> Answer:
        return run(self.kept.ask(address))

    def trouble(self, address: str) -> str:
        with pytest.raises(RosterError) as caught:
            self.ask(address)
        return caught.value.incident


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_answers_are_kept_as_long_as_each_kind_may() -> None:
    bench = Bench()
    assert bench.kept.glance("ada@x") is UNSURE
    assert bench.ask("ada@x") == bench.ask("ada@x") == Known()
    assert bench.ask("eve@x") is None
    assert (bench.kept.glance("ada@x"), bench.kept.glance("eve@x")) == (Known(), None)
    bench.now = 61
    assert (bench.ask("eve@x"), bench.ask("ada@x")) == (None, Known())
    assert bench.source.asked == ["ada@x", "eve@x", "eve@x"]
    bench.now = 301
    bench.source.known = {"eve@x": Known()}
    assert (bench.ask("ada@x"), bench.ask("eve@x")) == (None, Known())


def test_whoever_tries_many_names_drives_out_none_that_exists() -> None:
    bench = Bench()
    bench.ask("ada@x")
    for number in range(20):
        bench.ask(f"eve{number}@x")
    assert bench.kept.glance("ada@x") == Known()
    assert bench.kept.glance("eve0@x") is UNSURE
    assert len(bench.kept._unknown) == 3


def test_in_trouble_a_known_address_is_believed_and_an_unknown_one_waits() -> None:
    bench = Bench()
    bench.ask("ada@x")
    bench.ask("eve@x")
    bench.now, bench.source.error = 400, OSError("down")
    assert bench.ask("ada@x") == Known()
    assert bench.trouble("eve@x") == "I1"
    assert bench.told == ["down"]
    bench.now = 1001
    assert bench.trouble("ada@x") == "I2"  # the trouble has been there for long
    bench.now, bench.source.error = 1100, None
    assert bench.ask("ada@x") == Known()
    assert bench.told[-1] == ""


def test_a_roster_that_failed_is_left_alone_for_a_while_and_has_one_incident() -> None:
    bench = Bench()
    bench.source.error = ValueError("nonsense")
    assert bench.trouble("ada@x") == "I1"
    assert bench.trouble("ada@x") == "I1"
    assert bench.source.asked == ["ada@x"]
    for bench.now in (1.1, 3.2, 7.3):
        assert bench.trouble("ada@x") == "I1"
    assert len(bench.source.asked) == 4
    bench.now = 700
    assert bench.trouble("ada@x") == "I2"
    assert [str(error) for error in bench.incidents] == ["nonsense"] * 2


def test_equal_questions_are_one_and_others_wait_for_their_turn() -> None:
    bench = Bench()

    async def main() -> list[Answer]:
        gate = bench.source.gate = asyncio.Event()
        names = ["ada@x", "ada@x", "b@x", "c@x", "ada@x", "d@x"]
        asking = asyncio.gather(*map(bench.kept.ask, names))
        await bench.source.crowded.wait()
        gate.set()
        return list(await asking)

    assert run(main()) == [Known(), Known(), None, None, Known(), None]
    assert sorted(bench.source.asked) == ["ada@x", "b@x", "c@x", "d@x"]
    assert bench.source.most == 2


def test_one_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    bench = Bench()

    async def main() -> Answer:
        gate = bench.source.gate = asyncio.Event()
        first = asyncio.create_task(bench.kept.ask("ada@x"))
        second = asyncio.create_task(bench.kept.ask("ada@x"))
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        return await second

    assert run(main()) == Known()


def test_a_question_that_takes_too_long_is_trouble() -> None:
    bench = Bench()

    async def main() -> None:
        bench.source.gate = asyncio.Event()
        await bench.kept.ask("ada@x")

    with pytest.raises(RosterError) as caught:
        run(main())
    assert caught.value.incident == "I1"
    assert str(bench.incidents[0]) == "no answer within 0.2 seconds"
