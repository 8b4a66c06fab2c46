"""A simulated year is the same in every process, whatever the key of Python's hash is there."""

from __future__ import annotations

import os
import subprocess
import sys


def test_senders_are_counted_the_same_in_each_process() -> None:
    code = (
        "from tests.simulation.year import _without_a_key\n"
        "from ulak.queue.lanes import Crowd\n"
        "with _without_a_key():\n"
        "    crowd = Crowd()\n"
        "    crowd.enter('home.example', 1)\n"
        "    print(crowd._one.index(1), crowd._other.index(1))\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
