"""The way to the database: connections that are bounded in time, and a circuit for all of them.

A verb never waits for a database that is away. The first one that meets it is told after
`_PATIENCE` at most; from then on the circuit is open and all are told at once, until a probe has
written something and had it committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import psycopg
from psycopg import errors

from ulak.database import bounded as waiting
from ulak.database.connecting import TROUBLE, Connection, connected, where_is
from ulak.queue.postgres.trouble import AGAIN, AWAY, LostError, UndurableError, is_lost
from ulak.queue.store import StorageAwayError, StorageError

T = TypeVar("T")
Step: TypeAlias = Callable[[Connection], Awaitable[T]]

_PATIENCE = 5.0  # seconds for one transaction
_PROBE = 0.5  # seconds between two probes
_TRIES = 5  # of a transaction that was in the way of another

# Some keep to indexes whatever the statistics say: a queue that was empty a moment ago is none that
# a plan should be made for. In one that is believed to be empty, going through a whole index costs
# no more than to look up a key: who has keys alone uses bitmaps, which are made of keys. A plan
# without an index then seems to cost so much that PostgreSQL would compile each statement, for a
# second: it is not to (`jit`).
_SESSION = """
SELECT set_config('search_path', %(schema)s, FALSE),
    set_config('statement_timeout', '10s', FALSE),
    set_config('lock_timeout', '5s', FALSE),
    set_config('idle_in_transaction_session_timeout', '30s', FALSE),
    set_config('enable_seqscan', %(scan)s, FALSE),
    set_config('enable_hashjoin', %(scan)s, FALSE),
    set_config('enable_mergejoin', %(scan)s, FALSE),
    set_config('enable_indexscan', %(walk)s, FALSE),
    set_config('enable_indexonlyscan', %(walk)s, FALSE),
    set_config('jit', 'off', FALSE),
    set_config('synchronous_commit', CASE
        WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN 'on'
        ELSE current_setting('synchronous_commit') END, FALSE)
"""


class Way:
    """Where the database is, and whether it is there. `probe` does something durable."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self.schema = schema
        self._probe: Callable[[], Awaitable[None]] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._closed = False

    def probe_by(self, probe: Callable[[], Awaitable[None]]) -> None:
        """Say how it is found out that the database is back."""
        self._probe = probe

    @property
    def open(self) -> bool:
        """Whether verbs are to be told at once that the database is away."""
        return self._probing is not None

    def lost(self) -> None:
        """Note that the database is away; it is probed from now on."""
        if self._probing is None and self._probe is not None and not self._closed:
            self._probing = asyncio.get_running_loop().create_task(self._until_back(self._probe))

    async def close(self) -> None:
        """Stop probing."""
        self._closed = True
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _until_back(self, probe: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await probe()
            except (StorageError, LostError, UndurableError, psycopg.Error):
                await asyncio.sleep(_PROBE)
            else:
                self._probing = None
                return

    async def connect(self, name: str, *, scan: bool = False, by_keys: bool = False) -> Connection:
        """Open a connection to who writes. Raises StorageError.

        `scan`: for who looks at everything; `by_keys`: for who looks up rows by their keys alone.
        """
        settings = {
            "schema": self.schema,
            "scan": "on" if scan else "off",
            "walk": "off" if by_keys else "on",
        }
        where = where_is(self._url, name, _PATIENCE)
        try:
            return await connected(where, _PATIENCE, _SESSION, settings)
        except TROUBLE as error:
            raise StorageAwayError(AWAY) from error


class Link:
    """One connection that is opened when it is needed, and again when it was lost."""

    def __init__(self, way: Way, name: str, *, scan: bool = False, by_keys: bool = False) -> None:
        self._way = way
        self._name = name
        self._scan = scan
        self._by_keys = by_keys
        self._connection: Connection | None = None
        self._warned = False
        self._lock = asyncio.Lock()  # one step at a time: some are transactions

    async def close(self) -> None:
        """Let go of the connection, when the step that is under way has ended."""
        async with self._lock:
            if self._connection is not None:
                await self._drop(self._connection)

    async def do(
        self, step: Step[T], *, probing: bool = False, more: float = 0.0, twice: bool = False
    ) -> T:
        """Do a step, which commits what it changes; it may take some seconds `more`.

        `probing`: also while others are told that the database is away. `twice`: it does no harm
        when it is done again, and is where the connection goes in the middle.

        Raises LostError where its outcome is not known, UndurableError where the standby has not
        confirmed it, StorageAwayError where it was never begun, and what the step raises.
        """
        async with self._lock:
            try:
                return await self._do(step, probing=probing, more=more)
            except LostError as lost:
                if lost.hung or not twice:
                    raise
                return await self._do(step, probing=True, more=more)

    async def _do(self, step: Step[T], *, probing: bool, more: float) -> T:
        if self._way.open and not probing:
            raise StorageAwayError(AWAY)
        for tries in range(_TRIES):
            try:
                connection = await self._connected()
            except StorageError:
                self._way.lost()
                raise
            try:
                return await self._once(connection, step, more)
            except AGAIN:
                if tries == _TRIES - 1:
                    raise
        raise AssertionError  # the last try has returned or raised

    async def _once(self, connection: Connection, step: Step[T], more: float) -> T:
        self._warned = False
        try:
            result = await bounded(connection, step(connection), _PATIENCE + more)
        except LostError:
            self._way.lost()
            await self._drop(connection)
            raise
        except BaseException as error:
            # After a failure within a pipeline psycopg believes statements to be prepared that are
            # not: a connection on which anything has failed is not used again.
            lost = is_lost(error, closed=connection.closed)
            await self._drop(connection)
            if lost:
                raise LostError from error
            raise
        if self._warned:
            raise UndurableError
        return result

    async def _drop(self, connection: Connection) -> None:
        # The database is there still, as far as is known: the next one to connect will see.
        self._connection = None
        await connection.close()

    async def _connected(self) -> Connection:
        connection = self._connection
        if connection is None or connection.closed:
            connection = await self._way.connect(self._name, scan=self._scan, by_keys=self._by_keys)
            connection.add_notice_handler(self._note)
            self._connection = connection
        return connection

    def _note(self, notice: errors.Diagnostic) -> None:
        # A commit whose wait for the standby was cancelled comes back as done, with a warning.
        if notice.severity_nonlocalized == "WARNING":
            self._warned = True


async def bounded(connection: Connection, work: Awaitable[T], patience: float = _PATIENCE) -> T:
    """Wait for something on a connection, and not for ever; else LostError."""
    return await waiting.bounded(connection, work, patience)
