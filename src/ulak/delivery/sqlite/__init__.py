"""What workers know of sites, in a SQLite file that they share."""

from ulak.delivery.sqlite.shared import SqliteShared

__all__ = ["SqliteShared"]
