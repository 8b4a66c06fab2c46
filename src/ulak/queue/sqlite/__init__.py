"""A queue in SQLite, durable by group commit: one store a process, nothing to install."""

from ulak.queue.sqlite.reader import Reader, open_reader
from ulak.queue.sqlite.store import SqliteStore

__all__ = ["Reader", "SqliteStore", "open_reader"]
