"""What PostgreSQL's errors mean for who asked."""

from __future__ import annotations

import psycopg
from psycopg import errors

from ulak.database.bounded import LostError
from ulak.queue.store import StorageError, StorageFullError

__all__ = [
    "AGAIN",
    "AWAY",
    "FencedError",
    "LostError",
    "UndurableError",
    "is_lost",
    "storage_error",
]

AWAY = "The database of the queue cannot be reached at present."


class UndurableError(Exception):
    """It happened where it was asked, and may be lost: the standby has not confirmed it."""


class FencedError(Exception):
    """The other nodes hold this one for dead: its leases are not its own any more."""


# What a transaction that comes again may well get through.
AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)

# The server is going, or is no longer the one that writes.
_GOING = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.DatabaseDropped,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,
)


def is_lost(error: BaseException, *, closed: bool) -> bool:
    """Whether the connection is of no more use."""
    return isinstance(error, _GOING) or (isinstance(error, psycopg.Error) and closed)


def storage_error(error: Exception) -> Exception:
    """Say what a failure means for who asked; what a programmer did stays what it is."""
    match error:
        case StorageError():
            return error
        case LostError() | OSError():
            return StorageError(AWAY)
        case UndurableError():
            return StorageError("The standby of the queue's database has not confirmed a commit.")
        case FencedError():
            return StorageError("This node was held for dead; it begins again.")
        case errors.DiskFull():
            return StorageFullError("The disk of the queue's database is full.")
        case errors.IntegrityError() | errors.DataError():
            return ValueError(f"nothing that can be queued (or queued already): {_said(error)}")
        case psycopg.Error():
            return StorageError(f"The queue could not be written: {_said(error)}.")
        case _:
            return error


def _said(error: psycopg.Error) -> str:
    """Give the first line of what the server said: the others may show mail."""
    return (error.diag.message_primary or str(error).partition("\n")[0]).rstrip(".")
