"""Waiting for PostgreSQL, and not for ever.

Nothing that waits for a statement is cancelled: psycopg would ask the server to end it, which may
be what hangs. The socket is shut down under it instead, and libpq understands that at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

T = TypeVar("T")


class LostError(Exception):
    """The connection went in the middle: what was asked for may have happened, or not.

    `hung`: nobody answered in time.
    """

    def __init__(self, *, hung: bool = False) -> None:
        super().__init__()
        self.hung = hung


async def bounded(connection: AsyncConnection[TupleRow], work: Awaitable[T], patience: float) -> T:
    """Wait so many seconds for something on a connection; else cut it and raise LostError."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=patience)
    except asyncio.CancelledError:
        await _cut(connection, task)
        raise
    if not task.done():
        await _cut(connection, task)
        raise LostError(hung=True)
    return task.result()


async def _cut(connection: AsyncConnection[TupleRow], task: asyncio.Future[Any]) -> None:
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as other,
    ):
        other.shutdown(socket.SHUT_RDWR)
    await asyncio.wait({task}, timeout=1.0)
    if not task.done():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()
