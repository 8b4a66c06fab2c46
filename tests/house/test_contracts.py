"""The import contracts hold, and they bite: violations planted in a copy turn them red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.house.repository import ROOT, SOURCE

LAYERS = "Imports point down the page"
PURE = "The pure rooms wait for nobody, read no clock, draw no lots and touch no disk"
ROOT_ONLY = "Only the composition root knows a database or a resolver by its name"


@dataclass(frozen=True)
class Judged:
    """What import-linter said: each contract and whether it was kept."""

    code: int
    kept: dict[str, bool]
    text: str


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a folder with a copy of the package and of the contracts."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, tmp_path / "src" / "ulak", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def judge(folder: Path) -> Judged:
    """Run import-linter in a folder, over the package that lies there."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode() + done.stderr.decode()
    kept: dict[str, bool] = {}
    for line in text.split("\n"):
        name, _, verdict = line.rstrip().rpartition(" ")
        if verdict in ("KEPT", "BROKEN"):
            kept[name] = verdict == "KEPT"
    return Judged(done.returncode, kept, text)


def plant(folder: Path, module: str, line: str) -> None:
    """Add a line to a module of the copy."""
    file = folder / "src" / "ulak" / module
    file.write_text(file.read_text("utf-8") + line + "\n", "utf-8")


def test_the_package_as_it_is_keeps_every_contract(copy: Path) -> None:
    judged = judge(copy)
    assert judged.code == 0, judged.text
    assert judged.kept == {LAYERS: True, PURE: True, ROOT_ONLY: True}


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("mail/envelope.py", "from ulak.app import supervisor", LAYERS),
        ("queue/item.py", "from ulak.journal import entry", LAYERS),
        ("smtp/grammar.py", "from ulak.queue.store import QueueStore", LAYERS),
        ("config/values.py", "from ulak.cli import main", LAYERS),
        ("smtp/grammar.py", "import asyncio", PURE),
        ("bounce/report.py", "import random", PURE),
        ("mail/address.py", "from time import time", PURE),
        ("replies/catalog.py", "import logging", PURE),
        ("server/session.py", "from ulak.queue.sqlite import SqliteStore", ROOT_ONLY),
        ("cli/output.py", "import ulak.journal.sqlite", ROOT_ONLY),
        ("delivery/route.py", "import ulak.dns.resolver", ROOT_ONLY),
    ],
)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, module: str, line: str, broken: str
) -> None:
    plant(copy, module, line)
    judged = judge(copy)
    assert judged.code == 1
    assert judged.kept == {name: name != broken for name in (LAYERS, PURE, ROOT_ONLY)}


def test_a_module_without_a_place_breaks_the_layers(copy: Path) -> None:
    (copy / "src" / "ulak" / "stray.py").write_text('"""Nobody gave it a place."""\n', "utf-8")
    judged = judge(copy)
    assert judged.kept[LAYERS] is False
    assert "ulak.stray" in judged.text
