"""The journals of all members as one: that of this server on its disk, the others by asking.

A message that one member took and another delivered is one story. What links its entries is
followed here, wherever they lie: a question for each link, a few for a story.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ulak.app.asking.others import FromThread
from ulak.journal.carried import at, carried, taken
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader
from ulak.journal.refusal import Refused, refused_in
from ulak.journal.trace import Found, JournalError, Trace, ids_of, trace
from ulak.questions.question import MOST, Answer, Heard, packed

HOLDING, REFUSED, RECENT = "holding", "refused", "recent"
"""What members ask of each other's journals."""

_MOST = 2_000  # entries of one answer
_ROOM = MOST - 100_000  # octets


class AllJournals:
    """The Reader over the journals of all members, for a thread.

    `troubles` says what could not be read, here and there, and who has not answered.
    """

    def __init__(self, own: JournalReader, others: FromThread) -> None:
        self._own = own
        self._others = others
        self._held: dict[str, list[Found]] = {}
        self._numbers: dict[str, int] = {}
        self._silent: dict[str, None] = {}
        self._away = False
        self._partial: dict[str, None] = {}

    @property
    def troubles(self) -> list[JournalError]:
        """What is missing, and why."""
        made = list(self._own.troubles)
        made += [JournalError("part-missing", member=member) for member in self._partial]
        made += [JournalError("silent", member=member) for member in self._silent]
        if self._away:
            made.append(JournalError("database-away"))
        return made

    @property
    def silent(self) -> tuple[str, ...]:
        """Which members have not answered."""
        return tuple(self._silent)

    def trace(self, identifier: str) -> Trace | None:
        """Find what an id, whole or shortened, names, with its entries at all members.

        Raises JournalError where there is no journal here and nobody else, either.
        """
        return trace(self, identifier)

    def recent(
        self, limit: int, kinds: Collection[Kind] = (), causes: Collection[str] = ()
    ) -> Sequence[Entry]:
        """Give the last entries of these kinds and causes, newest first."""
        given = {"limit": limit, "kinds": [str(kind) for kind in kinds], "causes": [*causes]}
        heard = self._ask(RECENT, given)
        found = [
            hit for member, answer in heard.answers.items() for hit in self._read(member, answer)
        ]
        entries = [hit.entry for hit in found]
        try:
            own = self._own.recent(limit, kinds, causes)
        except JournalError:
            if heard.alone:
                raise
            own = ()
        entries += (
            own if heard.alone else [at(Found((), entry), self._others.me).entry for entry in own]
        )
        return sorted(entries, key=lambda entry: entry.time, reverse=True)[:limit]

    def refused(self, identifier: str) -> Refused | None:
        """Find a refusal by the whole id that it carries; the others are asked where need be."""
        try:
            own = self._own.refused(identifier)
        except JournalError:  # nothing has been written here yet
            own = None
        if own is not None:
            return own
        heard = self._ask(REFUSED, {"id": identifier})
        for member, answer in heard.answers.items():
            entries = [found.entry for found in self._read(member, answer)]
            if (refused := refused_in(entries, identifier)) is not None:
                return refused
        return None

    def holding(self, text: str, *, whole: bool) -> Iterable[Found]:
        """Give entries with an id that is `text` or, not `whole`, begins with it."""
        if whole and text in self._held:
            return self._held[text]
        heard = self._ask(HOLDING, {"text": text, "whole": whole})
        there = [
            hit for member, answer in heard.answers.items() for hit in self._read(member, answer)
        ]
        here = self._here(text, whole=whole, alone=heard.alone)
        if not whole:
            return (hit for hits in (there, here) for hit in hits)
        self._held[text] = [*there, *here]
        return self._held[text]

    def _here(self, text: str, *, whole: bool, alone: bool) -> Iterable[Found]:
        try:
            for hit in self._own.holding(text, whole=whole):
                if alone:
                    yield hit
                elif _has(hit.entry, text, whole=whole):
                    yield at(Found((0, *hit.place), hit.entry), self._others.me)
        except JournalError:
            if alone:
                raise

    def _ask(self, verb: str, given: Answer) -> Heard:
        heard = self._others.ask(verb, given)
        self._silent |= dict.fromkeys(heard.silent)
        self._away = self._away or heard.away
        return heard

    def _read(self, member: str, answer: Mapping[str, Any]) -> list[Found]:
        if answer.get("partial"):
            self._partial[member] = None
        number = self._numbers.setdefault(member, len(self._numbers) + 1)
        return [
            Found((number, *hit.place), hit.entry) for hit in taken(answer.get("entries"), member)
        ]


def told(reader: JournalReader, verb: str, given: Mapping[str, Any]) -> Answer:
    """Answer such a question from the journals of this server. ValueError for what is none."""
    try:
        match verb:
            case "holding":
                text, whole = str(given["text"]), given["whole"] is True
                hits = reader.holding(text, whole=whole)
                return _answer(reader, (hit for hit in hits if _has(hit.entry, text, whole=whole)))
            case "refused":
                reader.troubles.clear()
                found = reader.refused(str(given["id"]))
                entries = () if found is None else (*found.checks, found.entry)
            case _:
                kinds = [kind for kind in Kind if kind.value in given["kinds"]]
                causes = [str(cause) for cause in given["causes"]]
                entries = tuple(reader.recent(_number(given["limit"]), kinds, causes))
    except JournalError:  # nothing has been written yet
        return {"entries": []}
    except (KeyError, TypeError) as error:
        raise ValueError(verb) from error
    return _answer(reader, (Found((n,), entry) for n, entry in enumerate(entries)))


def _answer(reader: JournalReader, hits: Iterable[Found]) -> Answer:
    """Put as much into an answer as fits."""
    rows: list[Answer] = []
    room = _ROOM
    cut = False
    for hit in hits:
        row = carried(hit)
        room -= len(packed(row)) + 1
        if room < 0 or len(rows) >= _MOST:
            cut = True
            break
        rows.append(row)
    return {"entries": rows, "partial": cut or bool(reader.troubles)}


def _has(entry: Entry, text: str, *, whole: bool) -> bool:
    return any(one == text or (not whole and one.startswith(text)) for one in ids_of(entry))


def _number(given: object) -> int:
    if type(given) is not int or given < 0:
        message = "a limit is a number"
        raise TypeError(message)
    return min(given, _MOST)
