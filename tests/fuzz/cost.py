"""What work costs, without a clock: lines of Python that run, and octets that are allocated.

Copying a buffer for each octet that comes is quadratic and yet one line of Python: the octets
allocated on the way show it.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Lines that ran, octets allocated in all, and the most that were held at a time."""

    lines: int
    allocated: int
    held: int


def cost(work: Callable[[], object]) -> Cost:
    """Do a piece of work and say what it took."""
    lines = allocated = most = 0
    last = 0

    def account() -> None:
        nonlocal allocated, most, last
        now, peak = tracemalloc.get_traced_memory()
        allocated += peak - last
        most = max(most, peak)
        tracemalloc.reset_peak()
        last = now

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            account()
        return trace

    before = sys.gettrace()
    tracemalloc.start(1)
    start = last = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    sys.settrace(trace)
    try:
        result = work()
    finally:
        sys.settrace(before)
    account()
    tracemalloc.stop()
    del result
    return Cost(lines, allocated, most - start)
