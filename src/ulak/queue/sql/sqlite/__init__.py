"""The schema of the SQLite queue, one file a version; `PRAGMA user_version` says which is there."""

from __future__ import annotations

from importlib.resources import files

VERSION = 7


def migration(version: int) -> str:
    """Give the statements that lead from the version before to this one."""
    return files(__name__).joinpath(f"{version}.sql").read_text(encoding="utf-8")
