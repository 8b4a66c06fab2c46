"""Whole servers whose queue lies in PostgreSQL, with mail from smtp-source.

`postgres-accept` and `postgres-relay` run one server over it, and beside it in turns one over
SQLite and Postfix. `nodes` runs one, two and four servers, each with one worker, on one database.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.database import Database, Used
from bench.figures import Row, Sink, settle, source
from bench.peers import PEERS, installed, ulak
from bench.processes import Server, free_port, wait_for_port

_WARM = 100  # messages for each server before those that count
_NOTHING = Used(0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Run:
    """One round: messages a second, and for one of them CPU in ms, octets of log and syncs of it.

    `cpu` is the servers', and `base` the database's.
    """

    rate: float
    cpu: float
    base: float = 0.0
    wal: float = 0.0
    syncs: float = 0.0


class _Bed:
    """Some servers that are alike; over the same queue where that is in a database."""

    def __init__(
        self, name: str, folder: Path, asked: argparse.Namespace, *, relay: bool, nodes: int = 1
    ) -> None:
        self._asked = asked
        self._database: Database | None = asked.database if name == "postgres" else None
        self._sink = Sink(sink_port := free_port()) if relay else None
        url = self._database.fresh() if self._database else "sqlite"
        self._ports, self._servers = [], []
        for number in range(nodes):
            own = folder / str(number)
            own.mkdir(parents=True)
            port = free_port()
            if name == "postfix":
                command = list(PEERS[name](own, port, sink_port if relay else 1, relay=relay))
            else:
                workers = asked.workers if nodes == asked.most == 1 else "1"
                command = ulak(
                    own, port, sink_port if relay else 1, relay=relay, workers=workers, store=url
                )
            self._ports.append(port)
            self._servers.append(Server(command, own / "log"))

    def run(self) -> Run:
        """Send messages; with a sink the clock stops when it has the last one."""
        for port in self._ports:
            wait_for_port(port)
        self._send(_WARM)
        if self._database:
            self._database.tidy()
        count = self._asked.messages // len(self._ports)
        before, cpu = self._used()
        begun = time.monotonic()
        self._send(count)
        took = time.monotonic() - begun
        after, cpu_after = self._used()
        count *= len(self._ports)
        used = after - before
        return Run(
            count / took,
            1000 * (cpu_after - cpu) / count,
            1000 * used.cpu / count,
            used.wal / count,
            used.syncs / count,
        )

    def _used(self) -> tuple[Used, float]:
        base = self._database.used() if self._database else _NOTHING
        return base, sum(server.cpu() for server in self._servers)

    def _send(self, each: int) -> None:
        before = self._sink.taken if self._sink else 0
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda port: source(port, each, self._asked), self._ports))
        settle(self._sink, before + each * len(self._ports))

    def stop(self) -> None:
        """End all of it."""
        for server in self._servers:
            server.stop()
        if self._sink:
            self._sink.stop()


@contextmanager
def _database(asked: argparse.Namespace) -> Iterator[None]:
    asked.database = Database(asked.postgres)
    sys.stdout.write(f"\n{asked.database.told()}\n")
    try:
        yield
    finally:
        asked.database.stop()


def _once(
    name: str, folder: Path, asked: argparse.Namespace, *, relay: bool, nodes: int = 1
) -> Run:
    bed = _Bed(name, folder, asked, relay=relay, nodes=nodes)
    try:
        return bed.run()
    finally:
        bed.stop()


def _rows(runs: dict[str, list[Run]]) -> list[Row]:
    """Tell medians, and ratios of runs of the same round to the first."""
    first = next(iter(runs))
    rows = []
    for name, some in runs.items():
        rates = [run.rate for run in some]
        cpu, base, wal, syncs = (
            statistics.median(getattr(run, what) for run in some)
            for what in ("cpu", "base", "wal", "syncs")
        )
        told = f"{statistics.median(rates):.0f}/s ({min(rates):.0f}-{max(rates):.0f})"
        told += f", CPU {cpu:.3f} ms"
        if base:
            told += (
                f" and {base:.3f} ms of the database, {wal:,.0f} octets of log, {syncs:.3f} syncs"
            )
        rows.append((name, told))
        if name != first:
            pairs = list(zip(some, runs[first], strict=True))
            rate = statistics.median(run.rate / other.rate for run, other in pairs)
            both = statistics.median(
                (run.cpu + run.base) / (other.cpu + other.base) for run, other in pairs
            )
            rows.append((f"{name} : {first}", f"rate {rate:.2f}, all CPU for a message {both:.2f}"))
    return rows


def _turns(
    what: Sequence[tuple[str, str, int]], folder: Path, asked: argparse.Namespace, *, relay: bool
) -> list[Row]:
    """Run all of it in turns; each has a name, which server it is, and how many."""
    asked.most = max(nodes for _, _, nodes in what)
    runs: dict[str, list[Run]] = {name: [] for name, _, _ in what}
    with _database(asked):
        for number in range(asked.rounds):
            for name, kind, nodes in what:
                # Short: Postfix has sockets in it.
                own = folder.with_name(f"{folder.name[-5:]}-{number}-{kind}-{nodes}")
                runs[name].append(_once(kind, own, asked, relay=relay, nodes=nodes))
    return _rows(runs)


def _beside() -> list[tuple[str, str, int]]:
    some = [("Ulak over PostgreSQL", "postgres", 1), ("Ulak over SQLite", "sqlite", 1)]
    return [*some, ("Postfix", "postfix", 1)] if installed("postfix") else some


def accept(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure what one server takes."""
    return _turns(_beside(), folder, asked, relay=False)


def relay(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure what one server takes and delivers to a sink."""
    return _turns(_beside(), folder, asked, relay=True)


def nodes(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure what several servers take and deliver together."""
    some = [(f"{count} server{'s'[: count > 1]}", "postgres", count) for count in (1, 2, 4)]
    return _turns(some, folder, asked, relay=True)
