"""A day at a large provider: greylisting, then limits, then a bad name for two hours.

A whole server on the lab, told nothing about any of it, gets all its mail through.
`ulak demo --day` shows it, and says of each act whether it went as it should.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ulak.cli.demo.day import DAY, LETTERS

from .test_demo import left, ran

pytestmark = pytest.mark.slow


def test_all_mail_comes_through_a_day_at_a_large_provider(tmp_path: Path) -> None:
    done = ran(tmp_path, "--day", "--json", seconds=400)
    acts = {act["step"]: act for act in map(json.loads, done.stdout.splitlines())}
    wrong = [c for act in acts.values() for c in act["checks"] if not c["ok"]]
    assert (done.returncode, done.stderr, wrong) == (0, "", [])
    assert list(acts) == list(DAY)
    causes = [explained["cause"] for act in acts.values() for explained in act["explanations"]]
    assert causes == ["greylisted", "sending-too-fast", "low-reputation"]
    # By which rule nothing is sent for a while, as the operator reads it.
    assert "too-fast" in acts["limited"]["journal"][0]["sentence"]
    assert "user-complaints" in acts["blocked"]["journal"][0]["sentence"]
    came = {check["name"]: check["came"] for check in acts["evening"]["checks"]}
    assert (came["all"], came["once"], came["empty"]) == (str(LETTERS), str(LETTERS), "0")
    assert list(tmp_path.iterdir()) == []
    assert list(left(tmp_path)) == []
