"""A backlog: one thread never waits, the other writes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ulak.log.backlog import Backlog


class Paper:
    """Takes batches; `answer` decides what becomes of each."""

    def __init__(self, answer: Callable[[list[int]], bool] = lambda _batch: True) -> None:
        self.answer = answer
        self.batches: list[list[int]] = []
        self.lost = 0
        self.came = threading.Event()

    def flush(self, batch: list[int], lost: int) -> bool:
        self.batches.append(batch)
        self.came.set()
        written = self.answer(batch)
        if written:
            self.lost += lost
        return written

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


def backlog(paper: Paper, most: int = 100, interval: float = 0.0) -> Backlog[int]:
    return Backlog(paper.flush, most=most, interval=interval, name="test")


def test_what_is_put_is_written_without_anybody_asking_again_and_again() -> None:
    paper = Paper()
    waiting = backlog(paper)
    for number in range(5):
        paper.came.clear()
        waiting.put(number)
        assert paper.came.wait(20)
        assert waiting.flush(20)
    assert paper.numbers == list(range(5))
    waiting.close(20)


def test_a_backlog_with_nothing_in_it_sleeps() -> None:
    paper = Paper()
    waiting = backlog(paper)
    waiting.put(1)
    assert waiting.flush(20)
    paper.came.clear()
    paper.came.wait(0.05)  # the round that a late wake-up may still cause
    paper.came.clear()
    assert not paper.came.wait(0.3)
    waiting.close(20)


def test_what_comes_together_is_written_together_and_in_order() -> None:
    paper = Paper()
    waiting = backlog(paper, interval=30.0)
    for number in range(50):
        waiting.put(number)
    waiting.close(20)  # does not wait for the interval
    assert paper.batches[0] == list(range(50))


def test_a_batch_that_could_not_be_written_comes_again_with_what_came_since() -> None:
    paper = Paper(lambda batch: len(batch) > 1)
    waiting = backlog(paper)
    waiting.put(1)
    assert paper.came.wait(20)
    waiting.put(2)
    assert waiting.flush(20)
    assert paper.batches[-1] != [1]
    assert [1, 2] in paper.batches
    waiting.close(20)


def test_a_writer_that_raises_costs_its_batch_which_is_counted() -> None:
    def raising(batch: list[int]) -> bool:
        if 1 in batch:
            raise ZeroDivisionError
        return True

    paper = Paper(raising)
    waiting = backlog(paper)
    waiting.put(1)
    assert waiting.flush(20)
    waiting.put(2)
    assert waiting.flush(20)
    assert (paper.batches[-1] or [2], paper.lost) == ([2], 1)
    waiting.close(20)


def test_what_is_beyond_the_bound_is_dropped_and_counted_once() -> None:
    gate = threading.Event()
    paper = Paper(lambda _batch: gate.wait(20))
    waiting = backlog(paper, most=10)
    waiting.put(0)
    assert paper.came.wait(20)  # the writer is stuck in its first batch
    for number in range(1, 30):
        waiting.put(number)
    gate.set()
    assert waiting.flush(20)
    assert waiting.flush(20)
    assert paper.numbers == list(range(10))
    assert paper.lost == 20
    waiting.close(20)


def test_an_end_is_not_held_up_by_a_writer_that_is_stuck() -> None:
    gate = threading.Event()
    paper = Paper(lambda _batch: gate.wait(20))
    waiting = backlog(paper)
    waiting.put(1)
    assert paper.came.wait(20)
    assert not waiting.close(0.05)
    assert not waiting.flush(0.05)
    gate.set()
    assert waiting.close(20)
    waiting.put(2)
    assert paper.numbers == [1]
