"""Who is connected, and where mail goes: the pages Sessions and Destinations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from ulak.journal.secured import secured
from ulak.replies import catalog, texts
from ulak.replies.explain import Explanation, explain
from ulak.web.console.absent import absent
from ulak.web.console.desk import Here
from ulak.web.console.now import SCRIPTS, live, title
from ulak.web.console.ports import Destination, Operation, Said, Stopped
from ulak.web.console.queue.choice import fits
from ulak.web.console.table import Place
from ulak.web.console.times import Times
from ulak.web.console.watch import EVERY, Make
from ulak.web.page import part
from ulak.web.pictures.words import number
from ulak.web.words import say

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
class Stop:
    """That nothing is sent there from a source: why, in words."""

    source: str
    stopped: Stopped
    cause: str


@dataclass(frozen=True, slots=True)
class Line:
    """One destination, with what its last reply means; None where all went well."""

    place: Destination
    name: str
    domains: str  # as a filter of the queue has them, `""` where they are too many for one
    tone: str
    meaning: Meaning | None
    policy: str  # the one that decides about TLS, told
    stops: tuple[Stop, ...]


# -- the two lists, live --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that keeps itself fresh: its name, who writes it, and how long that lasts (s)."""

    name: str
    write: Callable[[Operation, str, Clock], Awaitable[str]]
    lasts: float = EVERY

    def parts(self, here: Here) -> dict[str, Make]:
        """Say how it is made, once for all who look."""
        make = partial(self.write, here.operation, here.language, here.desk.clock)
        key = (self.name, here.language)
        return {self.name: partial(here.desk.watch.shown, key, make, self.lasts)}

    async def page(self, here: Here) -> Response:
        """Show it in its page."""
        return here.page(
            f"console/{self.name}.html",
            title=here.say(f"watch.{self.name}.title"),
            section=self.name,
            scripts=SCRIPTS,
            shown=await self.parts(here)[self.name](),
        )

    async def live(self, here: Here) -> Response:
        """Send it again whenever it has changed."""
        return live(here, self.parts(here))

    @property
    def places(self) -> tuple[Place, Place]:
        """Its page, and what keeps that fresh."""
        path = f"/{self.name}"
        return Place(path, show=self.page, section=self.name), Place(f"{path}/live", show=self.live)


async def sessions(operation: Operation, language: str, clock: Clock) -> str:
    """Write who is connected."""
    found = await operation.sessions(_SHOWN)
    return part(
        language,
        "console/sessions-list.html",
        sessions=found.shown,
        total=number(found.total, language),
        more=found.total > len(found.shown),
        members=any(session.member for session in found.shown),
        absent=absent(operation.missing(), language),
        times=Times(language, clock()),
    )


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
        absent=absent(operation.missing(), language),
        times=Times(language, clock()),
    )


# -- destinations ---------------------------------------------------------------------------------


def line(place: Destination, language: str) -> Line:
    """Tell of one destination."""
    last = place.last
    tone = _TONES.get(last.result, "") if last is not None else ""
    meaning = None
    if last is not None and last.result != "delivered":
        meaning = meaning_of(last, language)
    stops = tuple(
        Stop(terms.source, terms.stopped, title(terms.stopped.cause, language))
        for terms in place.terms
        if terms.stopped is not None
    )
    policy = policy_of(place, language)
    return Line(place, name_of(place), fits(place.domains), tone, meaning, policy, stops)


def policy_of(place: Destination, language: str) -> str:
    """Tell which policy decides about TLS there; `""` where nothing has gone over a network."""
    last = place.last
    if place.way == "maildir" or last is None:
        return ""
    facts = {name.replace("-", "_"): value for name, value in last.policy.items()}
    told = secured(language, {**facts, "tls": last.tls}).strip()
    return told or (say(language, "watch.destinations.opportunistic") if last.remote else "")


def name_of(place: Destination) -> str:
    """Name a destination: by its hosts, where it has any."""
    if place.way == "maildir":
        return ""
    kind, colon, rest = place.key.partition(":")
    name = rest if colon and kind in ("mx", "smtp", "lmtp", "refused") else place.key
    return name.replace(",", ", ")


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
    *Listed("sessions", sessions).places,
    *Listed("destinations", destinations, 5.0).places,
)
