"""Work that holds the loop takes turns."""

from __future__ import annotations

import asyncio

from ulak.server.turns import Turns


def test_a_turn_does_so_much_and_no_more_in_the_order_of_arrival() -> None:
    async def main() -> tuple[list[int], list[int]]:
        turns, done, seen = Turns(3), list[int](), list[int]()
        for number in range(8):
            turns.take(lambda number=number: done.append(number))  # type: ignore[misc]
        seen.append(len(done))
        for _ in range(4):
            await asyncio.sleep(0)
            seen.append(len(done))
        turns.take(lambda: done.append(8))
        seen.append(len(done))
        return done, seen

    done, seen = asyncio.run(main())
    assert done == list(range(9))
    assert seen == [3, 6, 8, 8, 8, 9]


def test_who_comes_while_others_wait_waits_behind_them() -> None:
    async def main() -> list[str]:
        turns, done = Turns(1), list[str]()
        turns.take(lambda: done.append("first"))
        turns.take(lambda: done.append("second"))
        turns.take(lambda: turns.take(lambda: done.append("last")))
        turns.take(lambda: done.append("third"))
        for _ in range(6):
            await asyncio.sleep(0)
        return done

    assert asyncio.run(main()) == ["first", "second", "third", "last"]
