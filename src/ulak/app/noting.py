"""What a command has done beside the queue, noted where the audit finds it.

A journal has one writer: where a server runs that is one of its workers, and the command asks it;
else the command opens a journal for the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from ulak import config as settings
from ulak.app.control import ControlError, Request, ask
from ulak.app.places import Places
from ulak.app.record import journal_of
from ulak.app.supervisor import running
from ulak.journal.deed import By, operated
from ulak.journal.entry import Entry

_FACTS = ("recipient", "for")  # what an entry may say of such a deed


def note(chosen: settings.Config, verb: str, by: By, now: float, facts: Mapping[str, str]) -> None:
    """Note a deed, `now` in seconds since the epoch. Raises ControlError, JournalError."""
    places = Places(chosen.data)
    request = Request(verb, by=by, facts=facts)
    if running(places.data):
        _have_noted(places, request)
        return
    with closing(journal_of(chosen, 0)) as journal:
        journal.write(noted(now, request))


def _have_noted(places: Places, request: Request) -> None:
    """Ask one worker after the other until one has noted it."""
    problem = ControlError("No worker of the running server can be asked.")
    for path in places.controls():
        try:
            ask(path, request)
        except ControlError as error:  # it may just be started again
            problem = error
        else:
            return
    raise problem


def noted(now: float, request: Request) -> Entry:
    """Give the entry of such a deed."""
    facts = {name: request.facts[name] for name in _FACTS if request.facts.get(name)}
    return operated(now, request.verb, request.by, **facts)
