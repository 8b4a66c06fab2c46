"""`ulak dkim …`: the keys with which outgoing mail is signed, from their making to their end."""

from __future__ import annotations

from ulak.cli.dkim.command import dkim

__all__ = ["dkim"]
