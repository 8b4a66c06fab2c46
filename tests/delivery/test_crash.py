"""A process that is killed again and again loses nothing and delivers nothing twice."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

CRASHING = Path(__file__).parent / "crashing.py"
COUNT = 100


def start(folder: Path, first: int, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CRASHING), str(folder), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@pytest.mark.slow
def test_killed_at_any_moment_every_message_is_in_each_maildir_and_told_once(
    tmp_path: Path,
) -> None:
    lots = random.Random(5321)
    taken: set[int] = set()
    for round_ in range(25):
        with start(tmp_path, round_ * COUNT, COUNT) as process:
            assert process.stdout is not None
            said = itertools.islice(process.stdout, lots.randrange(1, COUNT))
            taken.update(int(line) for line in said)
            process.kill()
            taken.update(int(line) for line in process.stdout if line.endswith(b"\n"))
    with start(tmp_path, 1_000_000, 10) as process:
        assert process.wait(60) == 0
    taken.update(range(1_000_000, 1_000_010))
    assert len(taken) > 25 * COUNT / 4  # else the kills came before there was anything to lose
    for box in ("example.org/ada", "example.net/bob"):
        files = list((tmp_path / "mail" / box / "new").iterdir())
        found = Counter(
            int(line.split()[1])
            for path in files
            for line in path.read_bytes().split(b"\n")
            if line.startswith(b"Subject: ")
        )
        assert taken - found.keys() == set()
        assert [number for number, times in found.items() if times > 1] == []
        if box == "example.org/ada":
            delivered = set(found)
    told = Counter(
        int(line.rpartition(b" ")[2])
        for path in (tmp_path / "mail/example.com/grace/new").iterdir()
        for line in path.read_bytes().split(b"\n")
        if line.startswith(b"Subject: Delivered: ")
    )
    assert told == dict.fromkeys((number for number in delivered if number % 2), 1)
