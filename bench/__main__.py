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

from bench import (
    authentication,
    cluster,
    deferred,
    explaining,
    figures,
    leases,
    silent,
    viewers,
    web,
)
from bench.peers import PEERS, installed

# What needs no other server.
_IN_PROCESS = {
    "authentication": authentication.rows,
    "explaining": explaining.rows,
    "web": web.rows,
}
_OF_ULAK = {"viewers": viewers.rows}
_WITH_MAIL = {
    "deferred": deferred.deferred,
    "silent": silent.silent,
    "latency": deferred.latency,
    "postgres-accept": cluster.accept,
    "postgres-relay": cluster.relay,
    "nodes": cluster.nodes,
    "leases": leases.leases,
}
_NEEDED = ("/usr/sbin/smtp-source", "/usr/sbin/smtp-sink")


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("work", nargs="*", default=["accept", "relay"])
    parser.add_argument("--peers", default=",".join(PEERS), help="default: all that are there")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--waiting", type=int, default=1_000_000, help="messages of `deferred`")
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--folder", type=Path, default=None, help="on a real disk, not tmpfs")
    parser.add_argument("--postgres", type=Path, help="as /usr/lib/postgresql/15; else the wheel's")
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
            elif work in _WITH_MAIL:
                _print(work, _WITH_MAIL[work](base / f"{work}-{time.time_ns()}", asked))
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
    middles = {name: statistics.median(run.rate for run in runs[name]) for name in peers}
    for name in peers:
        rates = [run.rate for run in runs[name]]
        middle = middles[name]
        cpu = statistics.median(run.cpu for run in runs[name])
        pss = statistics.median(run.pss for run in runs[name])
        sys.stdout.write(
            f"{name:10} {middle:12.0f} {min(rates):8.0f} {max(rates):8.0f} {cpu:16.3f}"
            f" {pss:9.1f} {middles[peers[0]] / middle:6.2f}x\n"
        )
    if len(peers) > 1:
        best = max(peers[1:], key=middles.__getitem__)
        ahead = middles[peers[0]] / middles[best]
        sys.stdout.write(f"{peers[0]} : {best}, the fastest of the others: {ahead:.2f}x\n")


if __name__ == "__main__":
    sys.exit(main())
