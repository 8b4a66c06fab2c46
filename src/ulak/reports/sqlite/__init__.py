"""What is kept of reports, in a SQLite file that all workers and the command line share."""

from ulak.reports.sqlite.incoming import SqliteIncoming
from ulak.reports.sqlite.outgoing import SqliteOutgoing
from ulak.reports.sqlite.tls import SqliteTlsOutgoing

__all__ = ["SqliteIncoming", "SqliteOutgoing", "SqliteTlsOutgoing"]
