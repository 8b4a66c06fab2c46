"""A whole session of the server, its directory and its messages: only replies come of it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.fuzz.octets import Octets, pieces, sound
from tests.server.dialogue import Client, configured, kept

_SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"line": "200", "threshold": "40", "errors": "8", "cheap": "5"},
    {"vrfy": "verify", "expn": "expand", "relay": "192.0.2.0/24", "recipients": "2"},
    {"kind": "submission", "login": "all", "clear": "yes", "needs": "login", "hourly": "3"},
    {"kind": "submission", "login": "all", "hold": "100", "by": "10", "from": "own"},
    {"kind": "lmtp", "xclient": "192.0.2.0/24"},
    {"vrfy": "refuse", "expn": "refuse", "admit": "listed"},
)
_REPLY = re.compile(
    r"[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3} )?[\x20-\x7e\xa0-\U0010ffff]+|3[35]4 .*"
)
_ID = re.compile(r"Message id\d+")


def outcome(
    parts: list[bytes], settings: dict[str, str], *, hasty: bool = False
) -> tuple[list[str], list[bytes]]:
    """Give what the client heard and what was kept."""
    with tempfile.TemporaryDirectory() as folder:
        server = configured(Path(folder), settings)

        async def talk(client: Client) -> list[str]:
            await client.send(*parts, hasty=hasty)
            return client.take()

        lines = server.play(talk)
        assert not server.site.connections
        assert not server.site.held
        assert not server.incidents
        # Over LMTP every recipient hears of it.
        queued = {name for line in lines if "safely queued" in line for name in _ID.findall(line)}
        assert len(queued) == len(server.store.messages)
        return [_ID.sub("Message", line) for line in lines], kept(server)


def one(data: bytes) -> None:
    given = Octets(data)
    settings = dict(given.choice(_SETTINGS))
    places = given.places()
    hasty = given.flag()
    sent = given.rest()
    whole = outcome([sent], settings)
    assert outcome(pieces(sent, places), settings, hasty=hasty) == whole

    lines, messages = whole
    assert "CLOSED" not in lines[:-1]
    for line in lines:
        assert line == "CLOSED" or _REPLY.fullmatch(line)
        assert len(line.encode()) <= 510
    if b"BINARYMIME" not in sent.upper():
        assert all(sound(message) and b"\0" not in message for message in messages)
