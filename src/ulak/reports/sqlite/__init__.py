"""What is kept of reports, in a SQLite file that all workers and the command line share."""

from ulak.reports.sqlite.incoming import SqliteIncoming
from ulak.reports.sqlite.outgoing import SqliteOutgoing

__all__ = ["SqliteIncoming", "SqliteOutgoing"]
