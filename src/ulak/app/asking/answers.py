"""What this member answers when another asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ulak.app.asking import journals
from ulak.app.control import Request
from ulak.app.places import Places
from ulak.app.telling import tell
from ulak.journal import figures, tally
from ulak.journal.deed import By
from ulak.journal.figures import Span
from ulak.journal.reader import JournalReader
from ulak.questions.question import ERROR, Answer, Question

WORKERS = frozenset({"now", "sessions", "destinations", "sites", "blocklists"})
"""What is asked of workers, and answered by all of them."""

_TELLING = 2.0  # seconds that a worker has
_LONGEST = 320  # characters of a name
_JOURNALS = frozenset({journals.HOLDING, journals.REFUSED, journals.RECENT})

Incident = Callable[[BaseException], str]


class Answers:
    """Answers from the journals and the workers of this server.

    It looks and changes nothing, but that a site may be sent to again. What it does not know, a
    newer member has asked.
    """

    def __init__(self, places: Places, expected: int, incident: Incident) -> None:
        self._places = places
        self._expected = expected
        self._incident = incident

    async def __call__(self, question: Question, /) -> Answer:
        """Answer; `error` where that is not possible."""
        try:
            return await self._answer(question.verb, question.arguments)
        except ValueError:
            return {ERROR: "not-understood"}
        except Exception as error:  # noqa: BLE001 -- whoever asked is told, and does not wait
            return {ERROR: "incident", "incident": self._incident(error)}

    async def _answer(self, verb: str, given: Mapping[str, Any]) -> Answer:
        if verb in _JOURNALS:
            reader = JournalReader(self._places.journals())
            return await asyncio.to_thread(journals.told, reader, verb, given)
        if verb == "figures":
            span, now = Span(given.get("span", "")), given.get("now")
            if type(now) not in (int, float):
                raise ValueError(verb)
            seen = float(str(now))
            return figures.told(
                await asyncio.to_thread(tally.figures, self._places.journals(), span, seen)
            )
        if verb == "resume-site":
            return await self._resume(given)
        if verb in WORKERS:
            limit = given.get("limit", 0)
            if type(limit) is not int or limit < 0:
                raise ValueError(verb)
            found = await tell(self._places, Request(verb, limit=limit), _TELLING)
            return {"workers": found, "expected": self._expected}
        raise ValueError(verb)

    async def _resume(self, given: Mapping[str, Any]) -> Answer:
        """Send to a site again, for an operator at another server."""
        site, by = given.get("site"), given.get("by")
        if not isinstance(site, str) or not isinstance(by, dict):
            raise ValueError(site)  # noqa: TRY004 -- one kind of error for all that is no question
        who, via, ip = (str(by.get(name, ""))[:_LONGEST] for name in ("who", "via", "ip"))
        request = Request("resume-site", by=By(who, via, ip), site=site[:_LONGEST])
        found = await tell(self._places, request, _TELLING)
        counts = [answer.get("count") for answer in found]
        return {"count": sum(count for count in counts if isinstance(count, int))}
