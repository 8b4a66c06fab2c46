"""What it costs to explain replies: `python -m bench explaining`.

The replies are the samples of all rules, each explained as often. The command is timed whole, with
its start; its start is set against that of Python with the library that it reads its options with.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from bench.figures import Row
from ulak.replies.explain import explain
from ulak.replies.patterns.source import tables

_ROUNDS, _STARTS, _LINES = 5, 15, 20_000
_ULAK = (sys.executable, "-m", "ulak", "explain")
_CLICK = (sys.executable, "-c", "import click")


def rows() -> list[Row]:
    """Measure everything once."""
    replies = _replies()
    lines = "".join(
        replies[number % len(replies)].replace("\n", r"\n") + "\n" for number in range(_LINES)
    )
    times = [_explained(replies) for _ in range(_ROUNDS)]
    with tempfile.TemporaryDirectory() as folder:
        environ = _installed(folder)
        _run((*_ULAK, "550 x"), "", environ)  # writes the bytecode
        streams = [_run((*_ULAK, "--stdin"), lines, environ) for _ in range(_ROUNDS)]
        starts, bare = [], []
        for _ in range(_STARTS):
            bare.append(_run(_CLICK, "", environ))
            starts.append(_run((*_ULAK, "550 5.7.1 Service unavailable"), "", environ))
    wall, cpu = (min(times) for times in zip(*streams, strict=True))
    start, start_cpu = (statistics.median(times) for times in zip(*starts, strict=True))
    ratio = start_cpu / statistics.median(cpu for _, cpu in bare)
    return [
        ("rules' samples", str(len(replies))),
        ("explained to JSON in one process", f"{1 / min(times):.0f}/s"),
        ("`ulak explain --stdin` by the clock", f"{_LINES / wall:.0f}/s"),
        ("`ulak explain --stdin` by its CPU", f"{_LINES / cpu:.0f}/s"),
        ("start of `ulak explain`", f"{start * 1000:.0f} ms, {ratio:.2f} x CPU of import click"),
    ]


def _installed(folder: str) -> dict[str, str]:
    """Give the environment of a command as it is installed: with bytecode, which is put aside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": folder}


def _replies() -> list[str]:
    return [sample for table in tables().values() for sample in table["samples"]]


def _explained(replies: Sequence[str]) -> float:
    """Give the seconds for one reply."""
    begin = time.process_time()
    for reply in replies:
        json.dumps(explain(reply).to_json(), ensure_ascii=False)
    return (time.process_time() - begin) / len(replies)


def _run(command: Sequence[str], stdin: str, environ: Mapping[str, str]) -> tuple[float, float]:
    """Give the seconds of a command by the clock, and of CPU."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, input=stdin.encode(), env=environ, stdout=subprocess.DEVNULL, check=True
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
