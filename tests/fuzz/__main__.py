"""Every target for a while: `python -m tests.fuzz [--seconds 60] [--jobs 2] [--seed N] [--keep]
[NAME …]`.

What was found lies in `.fuzz/`, and the next run goes on from there. `--keep` merges what of it
reaches new places into the kept corpus. `--seed` makes a run repeatable: the same code is given
the same inputs in the same order, and a faster machine comes further. Behind all targets the clock
is asked whether the work grows as the input does. The exit code is 1 where something fell; the
input with which it did is printed as a line for its corpus file.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import kept
from tests.fuzz.clock import steep

_FOLDER = Path(".fuzz")
_LONGEST = 4096  # octets of an input
_KEPT = 400  # octets of one that is kept
_DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)")
_PATIENCE = 20  # seconds for one input on a busy machine: linear work takes milliseconds
_MEMORY = 1024  # MiB
_SHOWN = 4000  # octets of a finding that are printed as a line


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    name: str
    seconds: float
    runs: int = 0
    coverage: int = 0
    features: int = 0
    inputs: int = 0
    finding: bytes | None = None
    problem: str = ""

    def __str__(self) -> str:
        state = self.problem or "sound"
        return (
            f"{self.name:10} {self.seconds:6.0f} s {self.runs:10,} runs {self.coverage:6} places "
            f"{self.features:6} features {self.inputs:5} inputs  {state}"
        )


def fuzz(name: str, seconds: int, seed: int) -> Outcome:
    """Run one target in a process of its own."""
    folder = _FOLDER / name
    found, known = folder / "found", folder / "kept"
    shutil.rmtree(known, ignore_errors=True)
    found.mkdir(parents=True, exist_ok=True)
    known.mkdir()
    for number, octets in enumerate(kept.inputs(name)):
        (known / str(number)).write_bytes(octets)
    for old in folder.glob("finding-*"):
        old.unlink()
    begun = time.monotonic()
    log = folder / "log"
    with log.open("wb") as out:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.run", name),
                *(f"-max_total_time={seconds}", f"-timeout={_PATIENCE}", f"-max_len={_LONGEST}"),
                *(f"-rss_limit_mb={_MEMORY}", f"-artifact_prefix={folder}/finding-"),
                *(f"-dict={kept.DICTIONARY}", "-report_slow_units=5", f"-seed={seed}"),
                *(str(found), str(known)),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | ({"PYTHONHASHSEED": str(seed)} if seed else {}),
            check=False,
        )
    took = time.monotonic() - begun
    told = log.read_text("utf-8", "replace")
    numbers = _DONE.search(told)
    runs, coverage, features, inputs = map(int, numbers.groups()) if numbers else (0, 0, 0, 0)
    problem, finding = "", None
    for file in sorted(folder.glob("finding-*")):
        problem, finding = file.name.removeprefix("finding-").partition("-")[0], file.read_bytes()
    if done.returncode or not numbers:
        problem = problem or f"exit code {done.returncode}"
    return Outcome(name, took, runs, coverage, features, inputs, finding, problem)


def tell(outcome: Outcome) -> None:
    """Print what came of a target, and of a fall what is needed to look into it."""
    print(outcome, flush=True)
    if not outcome.problem:
        return
    log = (_FOLDER / outcome.name / "log").read_text("utf-8", "replace")
    at = log.find("=== Uncaught Python exception")
    print(log[at:][:3000] if at >= 0 else log[-3000:])
    if outcome.finding is not None:
        print(f"Its line for tests/fuzz/corpus/{outcome.name}.txt:")
        print(kept.to_line(outcome.finding[:_SHOWN]), flush=True)


def keep(name: str) -> None:
    """Merge what was found into the kept corpus: as few and as short inputs as reach all places."""
    folder = _FOLDER / name
    merged, short = folder / "merged", folder / "short"
    for made in (merged, short):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
    for file in (*(folder / "kept").iterdir(), *(folder / "found").iterdir()):
        if file.stat().st_size <= _KEPT:
            shutil.copy(file, short)
    subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", name, "-merge=1", str(merged), str(short)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    kept.write(name, [file.read_bytes() for file in merged.iterdir()])


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--seed", type=int, default=0, help="repeatable; 0: another run each time")
    parser.add_argument("--keep", action="store_true", help="merge into the kept corpus")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a target; default: all")
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no wheel for this Python or machine: see docs/fuzzing.md")
        return 2
    fell = False
    with ThreadPoolExecutor(asked.jobs) as pool:
        names = asked.names or kept.names()
        for outcome in pool.map(lambda n: fuzz(n, asked.seconds, asked.seed), names):
            tell(outcome)
            fell = fell or bool(outcome.problem)
            if asked.keep and not outcome.problem:
                keep(outcome.name)
    if not asked.names:
        for shape in steep():
            fell = True
            print(f"not linear: {shape}")
    return int(fell)


if __name__ == "__main__":
    sys.exit(main())
