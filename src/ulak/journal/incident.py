"""Incidents: an error inside becomes a short id for the peer, and its traceback ours to read."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from ulak.journal.entry import Entry, Journal, Kind
from ulak.log import Event, Log

_LONGEST = 16_000  # characters of a traceback


def incident(
    error: BaseException,
    *,
    new_id: Callable[[], str],
    journal: Journal,
    log: Log,
    clock: Callable[[], float],
    session: str = "",
    message: str = "",
) -> str:
    """Note an error with its traceback in the log and the journal; give its id.

    The id is all that a peer may see of it. The facts of the entry: `type`, `place` (file, line
    and function of ours where it arose), `problem` (its own words) and `traceback`.
    """
    identifier = new_id()
    facts = {
        "type": type(error).__qualname__,
        "place": _place(error),
        "problem": _words(error),
        "traceback": _traceback(error),
    }
    journal.write(
        Entry(
            clock(),
            Kind.INCIDENT,
            session=session,
            message=message,
            incident=identifier,
            facts=facts,
        )
    )
    known = {"session": session, "message": message}
    log.emit(Event.INCIDENT, id=identifier, **{k: v for k, v in known.items() if v}, **facts)
    return identifier


def _words(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:  # noqa: BLE001 -- an error that cannot be told is still an incident
        return ""


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 -- as above
        return ""
    # The end says what happened: of a long one (a recursion), the middle goes.
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}\n…\n{text[-half:]}"


def _place(error: BaseException) -> str:
    walk = traceback.walk_tb(error.__traceback__)
    frames = traceback.StackSummary.extract(walk, lookup_lines=False)
    if not frames:
        return ""
    ours = [frame for frame in frames if "ulak" in Path(frame.filename).parts]
    frame = (ours or frames)[-1]
    parts = Path(frame.filename).parts
    if ours:
        last = len(parts) - 1 - parts[::-1].index("ulak")
        parts = parts[last:]
    else:
        parts = parts[-1:]
    return f"{'/'.join(parts)}:{frame.lineno} in {frame.name}"
