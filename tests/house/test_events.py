"""Every event of the list is logged somewhere: nobody waits for a line that never comes."""

from __future__ import annotations

from ulak.log import Event

from .repository import SOURCE, modules


def test_every_event_is_logged_somewhere() -> None:
    listed = SOURCE / "log" / "events.py"
    code = "".join(module.read_text("utf-8") for module in modules() if module != listed)
    # The supervisor hands its events on by their words.
    never = [e for e in Event if f"Event.{e.name}" not in code and f'_note("{e.word}"' not in code]
    assert not never
