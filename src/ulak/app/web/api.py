"""The API, made of what the process has."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from ulak.accounts.access import AccessToken, hashed
from ulak.accounts.sqlite import SqliteAccessTokens
from ulak.app.suppressing import suppressions_of
from ulak.app.web.following import JournalEvents
from ulak.app.web.parts import WebParts
from ulak.app.web.post import WorkersPost
from ulak.web import api
from ulak.web.application import Piece
from ulak.web.rate import Rate

_A_MINUTE = 300  # requests of one client


class Tokens:
    """Looks tokens up in the file, where they may be made and removed while the server runs."""

    def __init__(self, file: SqliteAccessTokens) -> None:
        self._file = file

    async def find(self, token: str) -> AccessToken | None:
        """Give what is known of a token; None for one that there is not."""
        return await asyncio.to_thread(self._file.find, hashed(token))

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.to_thread(self._file.close)


def api_of(parts: WebParts) -> Piece:
    """Make the API."""
    tokens = Tokens(SqliteAccessTokens(parts.places.access))
    parts.closing.append(tokens.close)
    ports = api.Ports(parts.clock, Rate(_A_MINUTE, 60.0, time.monotonic).count, tokens)
    if parts.web.console:  # who wants no operator at the pages wants no program there, either
        suppressions = suppressions_of(parts.config) if parts.config.suppression.on else None
        ports = replace(
            ports,
            server=parts.operation,
            suppressions=suppressions,
            events=JournalEvents(parts.places),
            post=WorkersPost(parts.config, parts.places, parts.clock),
        )
    refusals = api.refusals(parts.why) if parts.why is not None else ()
    return api.piece(ports, parts.incident, (*api.checking(parts.bench), *refusals))
