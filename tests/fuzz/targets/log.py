"""A line of the log: whatever a fact holds, it is one line, and JSON is JSON."""

from __future__ import annotations

import json

from tests.fuzz.octets import Octets

from ulak.log.events import Event, Level
from ulak.log.lines import to_json, to_pretty

_EVENT = next(iter(Event))


def one(data: bytes) -> None:
    given = Octets(data)
    name = given.choice(("ip", "reply", "time", "traceback", "a b", "sürüm"))
    octets = given.rest()
    text = octets.decode("utf-8", "surrogateescape")
    for value in (text, octets, [text], {text: 1}):
        line = to_json(0.0, Level.INFO, _EVENT, {name: value})
        assert line.isprintable()
        read = json.loads(line)
        if value is text and len(text) <= 2000 and name not in ("time", "traceback"):
            assert read[name].encode("utf-8", "surrogatepass") == text.encode(
                "utf-8", "surrogatepass"
            )
        assert to_pretty(0.0, Level.INFO, _EVENT, {name: value}).isprintable()
