"""A primary with a synchronous standby, and what is done when the primary is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psycopg
from tests.conftest import free_port
from tests.postgresql import PostgresServer

_PATIENCE = 60.0  # seconds


class Pair:
    """Two PostgreSQL servers; what one has committed lies on the other's disk, too.

    `address` makes the URL that a node is given from the name of a host: both servers are in it.
    `alone`: that server, and no standby.
    """

    def __init__(
        self, installed: Path | None = None, *, alone: PostgresServer | None = None
    ) -> None:
        self._installed = installed
        self._ports = (free_port(), free_port())
        self._alone = alone is not None
        self.promotions = 0
        self.standby: PostgresServer | None = None
        if alone is not None:
            self.primary = alone
            return
        self.primary = PostgresServer(
            installed=installed, port=self._ports[0], max_wal_senders="10", wal_keep_size="64MB"
        )
        self.copy()

    def address(self, host: str = "127.0.0.1") -> str:
        if self._alone:
            return self.primary.url
        hosts = ",".join(f"{host}:{port}" for port in self._ports)
        return f"postgresql://ulak@{hosts}/postgres?target_session_attrs=read-write"

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the primary."""
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def copy(self) -> None:
        """Give the primary a new standby, and let it wait for that one from then on."""
        port = next(each for each in self._ports if each != self.primary.port)
        self.standby = PostgresServer(
            copy_of=self.primary, installed=self._installed, port=port, max_wal_senders="10"
        )
        self.require(self.standby)

    def require(self, standby: PostgresServer | None) -> None:
        """Let the primary's commits wait for a standby, or for nobody."""
        name = f"FIRST 1 (standby_{standby.port})" if standby is not None else ""
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.ask("SELECT pg_reload_conf()")
        if standby is not None:
            self.synchronous()

    def synchronous(self) -> None:
        """Wait until the standby confirms commits."""
        self._until("SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'")

    def freeze_primary(self) -> None:
        """Have every process of the primary stand still."""
        for pid in (self.primary.pid, *self.primary.children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def kill_primary(self) -> PostgresServer:
        """Kill every process of the primary, and promote the standby; give the dead one."""
        dead, standby = self.primary, self.standby
        assert standby is not None
        dead.crash()
        self.primary, self.standby = standby, None
        self.ask("SELECT pg_promote(TRUE, 60)")
        self._until("SELECT NOT pg_is_in_recovery()")
        # The promoted one has the settings of the dead one, and would wait for itself.
        self.require(None)
        self.promotions += 1
        return dead

    def stop(self) -> None:
        for server in (self.primary, self.standby):
            if server is not None:
                server.stop()

    def _until(self, question: str) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                if self.ask(question)[0][0]:
                    return
            if time.monotonic() > end:
                message = f"waited in vain for: {question}"
                raise TimeoutError(message)
            time.sleep(0.05)
