"""The console, made of what the process has."""

from __future__ import annotations

import asyncio
import os

from ulak.accounts.sqlite import SqliteVisits
from ulak.accounts.visits import Visits
from ulak.app.accounts import accounts_of, doorkeeper_of
from ulak.app.web.parts import WebParts
from ulak.web.application import Piece
from ulak.web.console.desk import Desk
from ulak.web.console.piece import piece


def console_of(parts: WebParts) -> Piece | None:
    """Make the console, unless the configuration wants none."""
    if not parts.web.console:
        return None
    chosen = parts.config
    accounts = accounts_of(chosen)
    visits = Visits(
        SqliteVisits(parts.places.visits), accounts, clock=parts.clock, chance=os.urandom
    )
    doorkeeper = doorkeeper_of(chosen, parts.clock, parts.log)

    async def close() -> None:
        await doorkeeper.close()
        await asyncio.to_thread(visits.close)
        await asyncio.to_thread(accounts.close)

    parts.closing.append(close)
    return piece(
        Desk(
            parts.operation,
            doorkeeper,
            visits,
            accounts.operators,
            parts.clock,
            os.urandom,
            parts.log,
        )
    )
