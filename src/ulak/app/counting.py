"""Says when servers of a cluster cannot count together, and when they can again."""

from __future__ import annotations

from collections.abc import Callable

from ulak.log import Event, Log


def counting(log: Log | None, what: str) -> Callable[[str | None], None]:
    """Make who is told what is wrong, or that nothing is any more; `what` is counted."""

    def told(problem: str | None) -> None:
        if log is None:
            return
        if problem is None:
            log.emit(Event.COUNTS_TOGETHER, what=what)
        else:
            log.emit(Event.COUNTS_APART, what=what, problem=problem)

    return told
