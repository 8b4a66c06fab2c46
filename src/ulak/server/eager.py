"""Waiting only where there is something to wait for.

Most questions to DNS are answered from memory, so that who asks them need not give way to others.
A task for each of them would cost more than the answer. Here a coroutine is run as far as it comes
by itself, and only what then has to wait is given to the event loop.

What is run so must not ask for its own task in the first step (`asyncio.timeout` does).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Rest(Generic[T]):
    """What is left of a coroutine that waits for something: to be awaited, once."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: object) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, waits_for = self._coroutine, self._waits_for
        while True:
            step: Callable[[Any], object]
            value: Any
            try:
                value = yield waits_for
                step = coroutine.send
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 -- the coroutine is to deal with it
                step, value = coroutine.throw, error
            try:
                waits_for = step(value)
            except StopIteration as end:
                result: T = end.value
                return result

    def close(self) -> None:
        """Give it up."""
        self._coroutine.close()


async def _whole(rest: _Rest[T]) -> T:
    return await rest


async def together(*waiting: Awaitable[T]) -> Sequence[T]:
    """Do several things side by side, as `asyncio.gather` does; fits `checks.gather.Gather`."""
    results: list[Any] = [None] * len(waiting)
    rests: list[tuple[int, _Rest[T]]] = []
    for place, one in enumerate(waiting):
        assert isinstance(one, Coroutine)  # noqa: S101 -- nobody here has anything else
        try:
            rests.append((place, _Rest(one, one.send(None))))
        except StopIteration as end:
            results[place] = end.value
        except BaseException:
            for _, rest in rests:
                rest.close()
            for other in waiting[place + 1 :]:
                assert isinstance(other, Coroutine)  # noqa: S101 -- as above
                other.close()
            raise
    if len(rests) == 1:
        place, rest = rests[0]
        results[place] = await rest
    elif rests:
        ends = await asyncio.gather(*(_whole(rest) for _, rest in rests))
        for (place, _), found in zip(rests, ends, strict=True):
            results[place] = found
    return results


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """Begin with something at once; give what will come of it."""
    loop = asyncio.get_running_loop()
    try:
        rest = _Rest(work, work.send(None))
    except StopIteration as end:
        done: asyncio.Future[T] = loop.create_future()
        done.set_result(end.value)
        return done
    except Exception as error:  # noqa: BLE001 -- it is for who waits
        failed: asyncio.Future[T] = loop.create_future()
        failed.set_exception(error)
        return failed
    return loop.create_task(_whole(rest))


async def within(deadline: float, work: Coroutine[Any, Any, T], late: Callable[[], T]) -> T:
    """Give what comes of work, or what stands for it when it is late; `deadline` in loop time."""
    try:
        rest = _Rest(work, work.send(None))
    except StopIteration as end:
        result: T = end.value
        return result
    try:
        async with asyncio.timeout_at(deadline):
            return await rest
    except TimeoutError:
        return late()


async def by(deadline: float, coming: asyncio.Future[T], late: Callable[[], T]) -> T:
    """Give likewise what comes of what was begun; it is given up when it is late."""
    if coming.done():
        return coming.result()
    try:
        async with asyncio.timeout_at(deadline):
            return await coming
    except TimeoutError:
        return late()


def let_go(coming: asyncio.Future[T]) -> None:
    """Give up what was begun, or take notice of how it ended."""
    if not coming.cancel() and not coming.cancelled():
        coming.exception()
