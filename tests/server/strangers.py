"""Greylisting for the server of a dialogue: its time is the loop's, its store is memory."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

from ulak.clients.greylist import Rules
from ulak.clients.keeper import Keeper, Settings
from ulak.clients.memory import MemoryStore
from ulak.clients.store import Store
from ulak.server.newcomers import Newcomers

WEEK = 604_800.0


def newcomers(delay: str, store: Store | None = None) -> Newcomers:
    """Make who puts strangers off for so many seconds, but those of 203.0.113.0/24."""
    keeper = Keeper(
        store or MemoryStore(),
        Settings(Rules(float(delay), 3600.0, WEEK), WEEK),
        clock=lambda: 1_000_000_000.0 + asyncio.get_running_loop().time(),
    )
    return Newcomers(keeper, (ip_network("203.0.113.0/24"),))
