"""What need not wait is done at once, and what has to is done as `asyncio` would do it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import uvloop

from ulak.server.eager import begin, by, let_go, together, within

T = TypeVar("T")
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [
    asyncio.new_event_loop,
    uvloop.new_event_loop,
]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, T]], T]:
    def run(main: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main)

    return run


Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def at_once(value: int) -> int:
    return value


async def later(value: int, times: int = 2) -> int:
    for _ in range(times):
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    return value


async def fails(wait: float = -1) -> int:
    if wait >= 0:
        await asyncio.sleep(wait)
    message = "no"
    raise LookupError(message)


async def never(ended: list[str]) -> int:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return 0


def tasks() -> int:
    return len(asyncio.all_tasks())


@pytest.mark.parametrize(
    "waiting",
    [(), (at_once,), (later,), (at_once, later, at_once), (later, later), (later, at_once, later)],
)
def test_the_results_are_in_the_order_of_the_questions(
    run: Run, waiting: tuple[Callable[[int], Awaitable[int]], ...]
) -> None:
    async def main() -> list[int]:
        return list(await together(*(one(number) for number, one in enumerate(waiting))))

    assert run(main()) == list(range(len(waiting)))


def test_what_need_not_wait_gets_no_task_and_gives_nobody_a_turn(run: Run) -> None:
    async def main() -> list[int]:
        seen = [tasks()]
        asyncio.get_running_loop().call_soon(seen.append, -1)
        await together(at_once(1), at_once(2))
        assert await within(0.0, at_once(3), lambda: 0) == 3
        assert begin(at_once(4)).result() == 4
        return [*seen, tasks()]

    assert run(main()) == [1, 1]


@pytest.mark.parametrize("waits", [-1, 0.001])
def test_an_error_comes_up_and_leaves_nothing_behind(run: Run, waits: float) -> None:
    async def main() -> int:
        with pytest.raises(LookupError):
            await together(later(1), fails(waits), later(2))
        await asyncio.sleep(0.01)
        with pytest.raises(LookupError):
            await within(1e12, fails(waits), lambda: 0)
        failed = begin(fails(waits))
        await asyncio.sleep(0.01)
        with pytest.raises(LookupError):
            await by(1e12, failed, lambda: 0)
        let_go(begin(fails(waits)))
        await asyncio.sleep(0.001)
        return tasks()

    assert run(main()) == 1


def test_what_is_late_is_given_up(run: Run) -> None:
    ended: list[str] = []

    async def main() -> int:
        soon = asyncio.get_running_loop().time() + 0.01
        assert await within(soon, never(ended), lambda: 7) == 7
        assert await by(soon, begin(never(ended)), lambda: 8) == 8
        assert await within(soon, later(1, 0), lambda: 9) in (1, 9)
        coming = begin(never(ended))
        await asyncio.sleep(0)
        let_go(coming)
        await asyncio.sleep(0)
        assert coming.cancelled()
        let_go(coming)
        return tasks()

    assert run(main()) == 1
    assert ended == ["cancelled"] * 3


def test_who_is_cancelled_cancels_what_it_waits_for(run: Run) -> None:
    ended: list[str] = []

    async def main() -> int:
        for waiting in ((never(ended),), (never(ended), never(ended))):
            task = asyncio.ensure_future(_as_task(together(*waiting)))
            await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return tasks()

    assert run(main()) == 1
    assert ended == ["cancelled"] * 3


async def _as_task(work: Awaitable[Any]) -> Any:
    return await work
