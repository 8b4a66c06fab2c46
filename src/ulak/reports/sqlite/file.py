"""The file `reports.db`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ulak.database.shared import SharedFile
from ulak.reports.store import ReportsError

_VERSION = 2


def opened(path: Path) -> SharedFile:
    """Give the file, which is made when something is first written."""
    return SharedFile(
        path, files(__package__) / "sql" / "reports", _VERSION, error=ReportsError, durable=True
    )
