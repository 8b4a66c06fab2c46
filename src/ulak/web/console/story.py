"""The story of a message, a session or an incident: what happened, why, and what to do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from ulak.journal.entry import Entry, Kind
from ulak.journal.standing import named_in
from ulak.journal.story import Happening, Story, tell
from ulak.journal.trace import SHORTEST, JournalError, Trace, What
from ulak.journal.words import say as say_journal
from ulak.queue.item import Message, Selection
from ulak.replies.texts import safe
from ulak.web.console.desk import Here
from ulak.web.console.explained import explained
from ulak.web.console.queue.choice import MEANT
from ulak.web.console.table import Place
from ulak.web.pictures import timeline

_ROWS = 100  # recipients of one message that are shown one by one
_HEADER = 16_384  # octets
_LONGEST_ID = 200  # characters
# Facts that the sentences tell in another shape, or that are shown apart.
_QUIET = frozenset(
    {"due", "traceback", "remote", "action", "unreported", "denied", "reasons", "site-until"}
)
_TONES = {
    Kind.REFUSED: "bad",
    Kind.FAILED: "bad",
    Kind.INCIDENT: "bad",
    Kind.LOST: "bad",
    Kind.DEFERRED: "warn",
    Kind.ACCEPTED: "good",
    Kind.DELIVERED: "good",
    Kind.OPERATED: "info",
    Kind.SITE: "info",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A happening, with what the sentence does not say of its facts, and how it looks."""

    happening: Happening
    facts: tuple[tuple[str, str], ...]
    tone: str
    traceback: str

    @property
    def entry(self) -> Entry:
        """What the journal has."""
        return self.happening.entry


def _page(what: What) -> Place:
    """Make the page of stories of one kind; others are led to theirs."""

    async def show(here: Here) -> Response:
        identifier = str(here.request.path_params["identifier"])
        found = await here.operation.story(identifier) if len(identifier) <= _LONGEST_ID else None
        if found is None:
            return missing(here, identifier)
        if found.what is not what or found.id != identifier:
            return here.lead(f"/{found.what.value}/{found.id}")
        return await _shown(here, found)

    return Place(f"/{what.value}/{{identifier}}", show=show)


def missing(here: Here, identifier: str) -> Response:
    """Say that there is nothing under an id, and why that may be."""
    name = "too-short" if len(identifier) < SHORTEST else "not-found"
    sentence = JournalError(name, id=safe(identifier, 60)).sentence(here.language)
    return here.page(
        "console/missing.html", title=here.say("console.story.missing"), means=sentence, status=404
    )


async def _shown(here: Here, found: Trace) -> Response:
    story = tell(found, here.language)
    message: Message | None = None
    rows = []
    total = 0
    if found.what is What.MESSAGE:
        listing = await here.operation.queue(Selection((found.id,)), 0, _ROWS)
        total = listing.total
        rows = [(row, explained(row.pending, here.language)) for row in listing.rows]
        if rows:
            message = await here.operation.message(found.id)
    return here.page(
        "console/story.html",
        title=say_journal(here.language, "what", found.what.value, {"id": found.id}),
        story=story,
        zone=say_journal(here.language, "what", "times", {"zone": "UTC"}),
        told=told(story),
        picture=timeline(story) if story.happenings else "",
        rows=rows,
        total=total,
        verbs=[
            verb
            for verb, state in MEANT.items()
            if state is None or any(row.pending.state is state for row, _ in rows)
        ],
        message=message,
        header=await asyncio.to_thread(_header, message) if message else "",
        links=_links(story),
    )


def told(story: Story) -> list[Told]:
    """Give what happened, each with the facts that nothing before has told."""
    seen: set[tuple[str, str, str]] = set()
    made = []
    for happening in story.happenings:
        entry = happening.entry
        facts = tuple(
            (key, value)
            for key, value in entry.facts.items()
            if key not in _QUIET
            and value
            and value not in happening.sentence
            and not (key == "recipients" and ", ".join(named_in(entry.facts)) in happening.sentence)
            and not (key == "check" and happening.reasons)
            and (entry.session, key, value) not in seen
        )
        seen.update((entry.session, key, value) for key, value in entry.facts.items())
        tone = _TONES.get(entry.kind, "bad" if happening.title else "")
        made.append(Told(happening, facts, tone, entry.facts.get("traceback", "")))
    return made


def _links(story: Story) -> list[tuple[str, str]]:
    """Give the ids that a story speaks of beside its own: kind and id, each once."""
    found: dict[tuple[str, str], None] = {}
    for happening in story.happenings:
        entry = happening.entry
        for what, identifier in (
            ("message", entry.message),
            ("session", entry.session),
            ("incident", entry.incident),
            ("message", entry.facts.get("report", "")),
            ("message", entry.facts.get("report-for", "")),
        ):
            if identifier and identifier != story.id:
                found[what, identifier] = None
    return list(found)


def _header(message: Message) -> str:
    """Give the header of a message that is in the queue; `""` where its file is gone by now."""
    body = message.body
    data = (body.data or b"")[:_HEADER]
    if body.path is not None:
        try:
            with body.path.open("rb") as file:
                data = file.read(_HEADER)
        except OSError:
            return ""
    return data.partition(b"\r\n\r\n")[0].decode("utf-8", "backslashreplace")


PLACES = tuple(_page(what) for what in What)
