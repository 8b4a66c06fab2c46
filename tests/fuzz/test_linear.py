"""So many times the input is so many times the work and the memory, whatever it is (no clock).

What runs inside of C in one step is weighed by the clock, in `make fuzz`.
"""

from __future__ import annotations

import pytest
from tests.fuzz.cost import cost
from tests.fuzz.shapes import SHAPES

_SIZE = 1_000
_TIMES = 4
_BOUND = 1.5 * _TIMES  # quadratic work would be at 16
_NOISE = 20_000  # octets that a call allocates whatever its input
_FREE = 200_000  # octets that Python may have had in store, or not


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_as_its_input(shape: str) -> None:
    make = SHAPES[shape]
    make(_SIZE)()  # what is made once is made
    once, often = cost(make(_SIZE)), cost(make(_TIMES * _SIZE))
    assert often.lines <= _BOUND * once.lines + _NOISE / 20
    assert often.allocated <= _BOUND * once.allocated + _NOISE
    assert often.held <= _BOUND * once.held + _FREE


def test_copying_for_every_octet_would_be_seen() -> None:
    def work(size: int) -> None:
        buffer = b""
        for _ in range(size):
            buffer = buffer + b"x"

    once, often = cost(lambda: work(_SIZE)), cost(lambda: work(_TIMES * _SIZE))
    assert often.lines <= _BOUND * once.lines
    assert often.allocated > 2 * _BOUND * once.allocated
