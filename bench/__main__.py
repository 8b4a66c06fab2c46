"""Measure: `python -m bench` prints a table of figures and of ratios to the peers installed.

Work is made by Postfix's smtp-source and taken by its smtp-sink (Debian's package `postfix`).
Every figure is a median over interleaved rounds: compare ratios of one run, not runs.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import authentication, explaining, figures, viewers, web
from bench.peers import PEERS, installed

# What needs no other server.
_IN_PROCESS = {
    "authentication": authentication.rows,
    "explaining": explaining.rows,
    "web": web.rows,
}
_OF_ULAK = {"viewers": viewers.rows}
_NEEDED = ("/usr/sbin/smtp-source", "/usr/sbin/smtp-sink")


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("work", nargs="*", default=["accept", "relay"])
    parser.add_argument("--peers", default="ulak,postfix")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--folder", type=Path, default=None, help="on a real disk, not tmpfs")
    asked = parser.parse_args()
    lacking = [tool for tool in _NEEDED if not Path(tool).exists()]
    if lacking and not _IN_PROCESS.keys() >= set(asked.work):
        sys.stderr.write(f"{lacking[0]} is missing: install Debian's package postfix.\n")
        return 2
    peers = [name for name in asked.peers.split(",") if name in PEERS and installed(name)]
    base = Path(tempfile.mkdtemp(prefix="ulak-bench-", dir=asked.folder or Path.cwd()))
    base.chmod(0o755)
    try:
        for work in asked.work:
            if work in ("accept", "relay"):
                _side_by_side(work, peers, asked, base)
            elif work in _OF_ULAK:
                _print(work, _OF_ULAK[work]())
            elif work in _IN_PROCESS:
                _print(work, _IN_PROCESS[work]())
            else:
                _print(work, getattr(figures, work)(base / f"{work}-{time.time_ns()}", asked))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 0


def _print(work: str, rows: list[figures.Row]) -> None:
    for name, value in rows:
        sys.stdout.write(f"{work:10} {name:52} {value}\n")


def _side_by_side(work: str, peers: list[str], asked: argparse.Namespace, base: Path) -> None:
    runs: dict[str, list[figures.Run]] = {name: [] for name in peers}
    for number in range(asked.rounds):
        for name in peers:
            folder = base / f"{work}-{name}-{number}"
            runs[name].append(figures.flow(name, folder, asked, relay=work == "relay"))
    sys.stdout.write(f"\n{work}: {asked.messages} messages of {asked.size} octets, ")
    sys.stdout.write(f"{asked.sessions} sessions, median of {asked.rounds}\n")
    sys.stdout.write(
        "peer        messages/s      min      max   CPU ms/message   PSS MiB   ratio\n"
    )
    first = statistics.median(run.rate for run in runs[peers[0]])
    for name in peers:
        rates = [run.rate for run in runs[name]]
        middle = statistics.median(rates)
        cpu = statistics.median(run.cpu for run in runs[name])
        pss = statistics.median(run.pss for run in runs[name])
        sys.stdout.write(
            f"{name:10} {middle:12.0f} {min(rates):8.0f} {max(rates):8.0f} {cpu:16.3f}"
            f" {pss:9.1f} {first / middle:6.2f}x\n"
        )


if __name__ == "__main__":
    sys.exit(main())
