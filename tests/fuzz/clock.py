"""What the shapes cost by the clock of the process: what C does in one step shows only there.

Not among the tests, which assert no time: `make fuzz` runs it, with bounds that only something
far from linear exceeds.
"""

from __future__ import annotations

import time

from tests.fuzz.shapes import SHAPES, Work

_SIZE = 40_000
_TIMES = 8
_BOUND = 3 * _TIMES  # quadratic work would be at 64
_NOISE = 0.02  # seconds


def seconds(work: Work) -> float:
    """Give the processor time of the fastest of three runs."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def steep() -> list[str]:
    """Measure every shape; give those whose time grows much faster than they do."""
    found = []
    for name, make in SHAPES.items():
        small, large = seconds(make(_SIZE)), seconds(make(_TIMES * _SIZE))
        if large > _BOUND * small + _NOISE:
            found.append(f"{name}: {small:.4f} s, {_TIMES} times as much in {large:.4f} s")
    return found


if __name__ == "__main__":
    for one in steep():
        print(one)
