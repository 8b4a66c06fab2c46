"""A PostgreSQL for measurements: what it is set to, and what it used.

All works over PostgreSQL run on one that is set alike, and that syncs as it should.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.postgresql import PostgresServer

_TOLD_BY_IO = 18  # the version since which `pg_stat_io` tells of the log
_TICK = os.sysconf("SC_CLK_TCK")

# What docs/postgres.md tells an operator to set, on a small machine; all else is as it comes.
SETTINGS: dict[str, Any] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "5s",
}
_WAL = "SELECT wal_bytes FROM pg_stat_wal"
_SYNCS = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
_SYNCS_BEFORE_18 = "SELECT wal_sync FROM pg_stat_wal"


@dataclass(frozen=True, slots=True)
class Used:
    """What a database had used at a moment: seconds of CPU, octets of log and syncs of it."""

    cpu: float
    wal: int
    syncs: int

    def __sub__(self, before: Used) -> Used:
        return Used(self.cpu - before.cpu, self.wal - before.wal, self.syncs - before.syncs)


class Database(PostgresServer):
    """A server whose use can be told. `installed`: which, else that of the wheel."""

    def __init__(self, installed: Path | None = None) -> None:
        super().__init__(installed=installed, **SETTINGS)
        with psycopg.connect(self.url) as connection:
            self.version = connection.info.server_version // 10_000

    def told(self) -> str:
        """Say what it is, for the head of a table."""
        settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
        return f"PostgreSQL {self.version} on the same machine: {settings}"

    def used(self) -> Used:
        """Tell what it has used so far."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            syncs = _SYNCS if self.version >= _TOLD_BY_IO else _SYNCS_BEFORE_18
            numbers = [connection.execute(one).fetchone() or (0,) for one in (_WAL, syncs)]
        return Used(self._cpu(), *(int(row[0] or 0) for row in numbers))

    def _cpu(self) -> float:
        """Seconds of CPU, with those of its processes that have ended."""
        total = 0
        for pid in (self.pid, *self.children):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += sum(map(int, fields[11:15] if pid == self.pid else fields[11:13]))
        return total / _TICK

    def tidy(self) -> None:
        """Write what lies in memory, so that nobody pays for what was before."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
