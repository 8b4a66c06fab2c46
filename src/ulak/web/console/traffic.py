"""Who is connected, and where mail goes: the pages Sessions and Destinations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from ulak.replies import catalog, texts
from ulak.replies.explain import Explanation, explain
from ulak.web.console.desk import Here
from ulak.web.console.now import SCRIPTS, live
from ulak.web.console.ports import Destination, Operation, Said
from ulak.web.console.table import Place
from ulak.web.console.times import Times
from ulak.web.console.watch import Make
from ulak.web.page import part
from ulak.web.pictures.words import number

Clock = Callable[[], float]

_SHOWN = 200
_TONES = {"delivered": "good", "deferred": "warn", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the last reply of a destination means: `cause` has a page of its own."""

    cause: str
    title: str
    means: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One destination, with what its last reply means; None where all went well."""

    place: Destination
    name: str
    tone: str
    meaning: Meaning | None


# -- sessions -------------------------------------------------------------------------------------


async def _sessions(here: Here) -> Response:
    return here.page(
        "console/sessions.html",
        title=here.say("watch.sessions.title"),
        section="sessions",
        scripts=SCRIPTS,
        shown=await _sessions_of(here)["sessions"](),
    )


async def _sessions_live(here: Here) -> Response:
    return live(here, _sessions_of(here))


def _sessions_of(here: Here) -> dict[str, Make]:
    make = partial(sessions, here.operation, here.language, here.desk.clock)
    return {"sessions": partial(here.desk.watch.shown, ("sessions", here.language), make)}


async def sessions(operation: Operation, language: str, clock: Clock) -> str:
    """Write who is connected."""
    found = await operation.sessions(_SHOWN)
    return part(
        language,
        "console/sessions-list.html",
        sessions=found.shown,
        total=number(found.total, language),
        more=found.total > len(found.shown),
        times=Times(language, clock()),
    )


# -- destinations ---------------------------------------------------------------------------------


async def _destinations(here: Here) -> Response:
    return here.page(
        "console/destinations.html",
        title=here.say("watch.destinations.title"),
        section="destinations",
        scripts=SCRIPTS,
        shown=await _destinations_of(here)["destinations"](),
    )


async def _destinations_live(here: Here) -> Response:
    return live(here, _destinations_of(here))


def _destinations_of(here: Here) -> dict[str, Make]:
    make = partial(destinations, here.operation, here.language, here.desk.clock)
    shown = here.desk.watch.shown
    return {"destinations": partial(shown, ("destinations", here.language), make, 5.0)}


async def destinations(operation: Operation, language: str, clock: Clock) -> str:
    """Write where mail goes."""
    found = await operation.destinations(_SHOWN)
    return part(
        language,
        "console/destinations-list.html",
        lines=[line(place, language) for place in found.shown],
        more=found.total > len(found.shown),
        total=number(found.total, language),
        count=partial(number, language=language),
        times=Times(language, clock()),
    )


def line(place: Destination, language: str) -> Line:
    """Tell of one destination."""
    last = place.last
    tone = _TONES.get(last.result, "") if last is not None else ""
    meaning = None
    if last is not None and last.result != "delivered":
        meaning = meaning_of(last, language)
    return Line(place, name_of(place), tone, meaning)


def name_of(place: Destination) -> str:
    """Name a destination: by its hosts, where it has any."""
    if place.way == "maildir":
        return ""
    kind, colon, rest = place.key.partition(":")
    return rest if colon and kind in ("mx", "smtp", "lmtp", "refused") else place.key


def meaning_of(last: Said, language: str) -> Meaning | None:
    """Explain what was said last: another server's words, or our own cause."""
    if last.remote and last.reply:
        return _theirs(explain(last.reply, language))
    try:
        text = texts.cause(last.cause, language)
    except KeyError:
        return None
    return Meaning(last.cause, text.title, text.means, text.fix_operator)


def _theirs(found: Explanation) -> Meaning:
    # Who runs this server is the sender of that mail.
    steps = tuple(fix.step for fix in found.fix if fix.who == "sender")
    known = found.cause if found.cause in catalog.CATALOG else ""
    return Meaning(known or "", found.title, found.means, steps)


PLACES = (
    Place("/sessions", show=_sessions, section="sessions"),
    Place("/sessions/live", show=_sessions_live),
    Place("/destinations", show=_destinations, section="destinations"),
    Place("/destinations/live", show=_destinations_live),
)
