"""Checks under way: how many there are, who watches, and when they are given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest
from tests.web.tools.world import Clock

from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.web.tools.runs import BusyError, Run, Runs, Seen, Tell

MADE = Diagnosis("ip", "192.0.2.1", (), ())


class Work:
    """A diagnosis that tells as many checks as it is let, and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.more: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, tell: Tell) -> Diagnosis:
        self.begun += 1
        try:
            while await self.more.get() == "check":
                tell(Seen(Check("spf", "d.example", "pass", good=True)))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return MADE


def runs(clock: Clock | None = None, **limits: float) -> Runs:
    numbers = iter(range(10_000))
    seen: list[BaseException] = []

    def incident(error: BaseException) -> str:
        seen.append(error)
        return "INC1"

    return Runs(clock or Clock(), lambda: f"id{next(numbers)}", incident, **limits)  # type: ignore[arg-type] # whole numbers among them


def asynchronous(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def begun(table: Runs, run: Run) -> asyncio.Task[Run]:
    task = asyncio.create_task(table.finished(run))
    await settled()
    return task


@asynchronous
async def test_nothing_begins_before_somebody_watches() -> None:
    table, work = runs(), Work()
    run = table.enter("k", "v", work)
    await settled()
    assert work.begun == 0
    task = await begun(table, run)
    assert work.begun == 1
    work.more.put_nowait("end")
    assert (await task).result is MADE


@asynchronous
async def test_every_watcher_hears_all_of_it() -> None:
    table, work = runs(), Work()
    run = table.enter("k", "v", work)
    first = await begun(table, run)
    work.more.put_nowait("check")
    await settled()
    heard: list[int] = []

    async def listen() -> None:
        async with aclosing(table.watch(run)) as watching:
            async for number, seen in watching:
                if seen is not None:
                    heard.append(number)

    second = asyncio.create_task(listen())
    await settled()
    work.more.put_nowait("check")
    work.more.put_nowait("end")
    await asyncio.gather(first, second)
    assert heard == [1, 2]
    assert work.begun == 1


@asynchronous
async def test_it_is_cancelled_when_the_last_watcher_leaves() -> None:
    table, work = runs(), Work()
    run = table.enter("k", "v", work)
    first, second = await begun(table, run), await begun(table, run)
    first.cancel()
    await settled()
    assert work.cancelled == 0
    second.cancel()
    await settled()
    assert work.cancelled == 1
    assert table.known("k") is None
    assert table.find(run.id) is None
    assert (await table.finished(run)).problem == "left"  # who comes too late does not wait


@asynchronous
async def test_the_same_is_not_asked_twice_within_a_minute() -> None:
    clock = Clock()
    table, work = runs(clock), Work()
    run = table.enter("k", "v", work)
    work.more.put_nowait("end")
    await table.finished(run)
    assert table.enter("k", "w", work) is run
    clock.now += 61
    assert table.enter("k", "w", work) is not run
    assert table.find(run.id) is None


@asynchronous
async def test_only_so_many_go_on_at_once_and_some_wait() -> None:
    table = runs(at_once=2, waiting=1, per_visitor=9)
    works = [Work() for _ in range(4)]
    entered = [table.enter(str(n), f"v{n}", work) for n, work in enumerate(works)]
    tasks = [await begun(table, run) for run in entered[:3]]
    assert [work.begun for work in works] == [1, 1, 0, 0]
    assert not entered[2].begun
    with pytest.raises(BusyError) as busy:
        await table.finished(entered[3])
    assert not busy.value.theirs
    works[0].more.put_nowait("end")
    await tasks[0]
    await settled()
    assert works[2].begun == 1
    await begun(table, entered[3])
    for work in works[1:]:
        work.more.put_nowait("end")
    await asyncio.gather(*tasks)


@asynchronous
async def test_a_visitor_may_not_take_all_places() -> None:
    table, works = runs(per_visitor=2), [Work() for _ in range(4)]
    entered = [table.enter(str(n), "same", work) for n, work in enumerate(works[:3])]
    tasks = [await begun(table, run) for run in entered[:2]]
    with pytest.raises(BusyError) as busy:
        await table.finished(entered[2])
    assert busy.value.theirs
    other = await begun(table, table.enter("x", "other", works[3]))
    assert works[3].begun == 1
    for work in works:
        work.more.put_nowait("end")
    await asyncio.gather(*tasks, other)
    works[2].more.put_nowait("end")
    assert (await table.finished(entered[2])).result is MADE


@asynchronous
async def test_who_waits_for_a_place_and_leaves_gives_it_up() -> None:
    table, works = runs(at_once=1), [Work() for _ in range(3)]
    entered = [table.enter(str(n), f"v{n}", work) for n, work in enumerate(works)]
    tasks = [await begun(table, run) for run in entered]
    tasks[1].cancel()
    await settled()
    works[0].more.put_nowait("end")
    works[2].more.put_nowait("end")
    await asyncio.gather(tasks[0], tasks[2])
    assert works[1].begun == 0


@asynchronous
async def test_it_is_given_up_when_it_takes_too_long() -> None:
    table, work = runs(patience=0.01), Work()
    run = await table.finished(table.enter("k", "v", work))
    assert (run.problem, run.result) == ("too-late", None)
    assert work.cancelled == 1


@asynchronous
async def test_who_gets_no_place_for_too_long_is_told_so() -> None:
    table, works = runs(at_once=1, patience=0.02), [Work(), Work()]
    first, second = (table.enter(str(n), f"v{n}", work) for n, work in enumerate(works))
    async with asyncio.timeout(60):
        begun_first = await begun(table, first)
        run = await table.finished(second)
        await begun_first
    assert first.problem == "too-late"
    assert (run.problem, works[1].begun) in {("busy", 0), ("too-late", 1)}


@asynchronous
async def test_an_error_inside_is_noted_and_ends_it() -> None:
    async def broken(_: Tell) -> Diagnosis:
        raise RuntimeError

    table = runs()
    run = await table.finished(table.enter("k", "v", broken))
    assert (run.problem, run.incident) == ("failed", "INC1")


@asynchronous
async def test_what_is_held_is_bounded() -> None:
    table = runs()
    for number in range(1000):
        table.enter(str(number), "v", Work(), octets=1000)
    assert sum(table.known(str(number)) is not None for number in range(1000)) == 200
    for number in range(20):
        table.enter(f"large{number}", "v", Work(), octets=10_000_000)
    held = [table.known(f"large{number}") for number in range(20)]
    assert sum(run.octets for run in held if run is not None) <= 64_000_000
    assert held[-1] is not None


@asynchronous
async def test_what_nobody_comes_for_is_forgotten() -> None:
    clock = Clock()
    table = runs(clock)
    run = table.enter("k", "v", Work())
    clock.now += 301
    assert table.find(run.id) is None
