"""A queue in PostgreSQL, for many nodes: leases have an owner, and what is owned is fenced."""

from ulak.queue.postgres.reader import Reader, open_reader
from ulak.queue.postgres.store import PostgresStore, open_store

__all__ = ["PostgresStore", "Reader", "open_reader", "open_store"]
