"""The API, made of what the process has."""

from __future__ import annotations

import asyncio

from ulak.accounts.access import AccessToken, hashed
from ulak.accounts.sqlite import SqliteAccessTokens
from ulak.app.web.parts import WebParts
from ulak.web import api
from ulak.web.application import Piece


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
    ports = api.Ports(parts.clock, lambda _ip, _costly: 0.0, tokens)
    return api.piece(ports, parts.incident)
