"""What happens to mail, read from the journals: `ulak.web.api.ports.Events`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ulak.app.places import Places
from ulak.events.event import Event, event_of
from ulak.journal.tail import Place, Tail, read


class JournalEvents:
    """Looks into the journals of the workers, whoever writes them: the workers notice nothing."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def begin(self, place: str) -> str | None:
        """Give the place to begin at: the one that was given, or the end; None for nonsense."""
        if place:
            return place if read(place) is not None else None
        return str(await asyncio.to_thread(self._tail.end))

    async def after(self, place: str) -> Sequence[tuple[str, Event | None]]:
        """Give what lies behind a place, each with its own."""
        where = read(place) or Place({})
        found = await asyncio.to_thread(lambda: self._tail.after(where))
        return [(str(here), event_of(entry)) for here, entry in found]

    async def lost(self, place: str) -> bool:
        """Whether something behind a place is kept no more."""
        where = read(place) or Place({})
        return await asyncio.to_thread(lambda: self._tail.lost(where))

    @property
    def _tail(self) -> Tail:
        return Tail(self._places.journals())
