"""The files of the accounts, each with a schema of its own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ulak.accounts.store import AccountsError
from ulak.database.shared import SharedFile


def opened(path: Path, schema: str, version: int, *, durable: bool) -> SharedFile:
    """Give a file whose schema lies in a folder below `sql/`."""
    folder = files(__package__) / "sql" / schema
    return SharedFile(path, folder, version, error=AccountsError, durable=durable)
