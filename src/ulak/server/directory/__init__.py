"""Whose mail is ours: local domains, their mailboxes and aliases (RFC 5321 §3.9)."""

from ulak.server.directory.directory import Directory
from ulak.server.directory.found import (
    Foreign,
    Found,
    How,
    Moved,
    Result,
    Returned,
    Trouble,
    Unknown,
)
from ulak.server.directory.local import Domain

__all__ = [
    "Directory",
    "Domain",
    "Foreign",
    "Found",
    "How",
    "Moved",
    "Result",
    "Returned",
    "Trouble",
    "Unknown",
]
