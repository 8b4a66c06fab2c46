"""The page Now: what happens, how much there was of it, and why mail is refused and put off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response, StreamingResponse

from ulak.journal.entry import Kind
from ulak.journal.figures import OTHER, Figures, Series, Span
from ulak.queue.item import State
from ulak.replies import texts
from ulak.web.console.absent import absent
from ulak.web.console.desk import Here
from ulak.web.console.ports import Operation
from ulak.web.console.table import Place
from ulak.web.console.times import Times
from ulak.web.console.watch import Make, Sample
from ulak.web.page import part
from ulak.web.pictures import chart
from ulak.web.pictures.counts import sparkline
from ulak.web.pictures.svg import Picture
from ulak.web.pictures.words import number
from ulak.web.words import say

SCRIPTS = ("vendor/htmx.js", "vendor/sse.js")
_CHARTS_EVERY = 30.0  # seconds
_CAUSES = 12  # in the table
_RATES = (
    ("accepted", "good"),
    ("refused", "bad"),
    ("delivered", "good"),
    ("deferred", "warn"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its name. `note` stands below it."""

    name: str
    value: str
    note: str = ""
    tone: str = ""
    line: Picture | None = None


@dataclass(frozen=True, slots=True)
class CauseRow:
    """How often a cause was given, and how mail fared by it."""

    cause: str
    title: str
    refused: int
    deferred: int
    failed: int


async def _now(here: Here) -> Response:
    span = _span(here)
    shown = _parts(here, span)
    return here.page(
        "console/now.html",
        title=here.say("watch.now.title"),
        section="now",
        scripts=SCRIPTS,
        span=span,
        spans=list(Span),
        **{name: await make() for name, make in shown.items()},
    )


async def _live(here: Here) -> Response:
    return live(here, _parts(here, _span(here)))


def live(here: Here, parts: Mapping[str, Make]) -> Response:
    """Answer with events, as long as somebody looks."""
    events = here.desk.watch.follow(parts, here.still)
    return StreamingResponse(
        events, media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


def _parts(here: Here, span: Span) -> dict[str, Make]:
    """Say how what is shown is made; each is made once for all who look."""
    watch, operation, language = here.desk.watch, here.operation, here.language

    async def tiles_of() -> str:
        return tiles(await watch.sample(operation), language)

    return {
        "tiles": partial(watch.shown, ("tiles", language), tiles_of),
        "charts": partial(
            watch.shown,
            ("charts", span, language),
            partial(charts, operation, span, language),
            _CHARTS_EVERY,
        ),
    }


def _span(here: Here) -> Span:
    try:
        return Span(here.request.query_params.get("span", Span.HOUR))
    except ValueError:
        return Span.HOUR


def tiles(sample: Sample, language: str) -> str:
    """Write what is shown of a sample."""
    now = sample.now
    made = [_rate(sample, kind, tone, language) for kind, tone in _RATES]
    counts = (
        ("connections", now.connections, "transfers", now.transfers),
        ("attempts", now.attempts, "outgoing", now.outgoing),
    )
    for name, value, also, count in counts:
        note = say(language, f"watch.tile.{also}", count=number(count, language))
        made.append(Tile(say(language, f"watch.tile.{name}"), number(value, language), note))
    made.append(_queue(sample, language))
    made.append(_age(sample, language))
    gone = absent(now.missing, language)
    return part(language, "console/now-tiles.html", now=now, tiles=made, absent=gone)


def _rate(sample: Sample, kind: str, tone: str, language: str) -> Tile:
    rate = sample.rate(kind)
    name = say(language, f"watch.tile.{kind}")
    value = (
        "–"
        if rate is None
        else say(language, "watch.per-second", count=number(round(rate, 1), language))
    )
    course = sample.course(kind)
    line = sparkline(name, course, language, tone=tone) if len(course) > 1 else None
    return Tile(name, value, tone=tone, line=line)


def _queue(sample: Sample, language: str) -> Tile:
    now = sample.now
    waiting = now.queued.get(State.READY, 0) + now.queued.get(State.LEASED, 0)
    held = now.queued.get(State.HELD, 0)
    note = say(
        language,
        "watch.tile.queue-note",
        due=number(now.due, language),
        held=number(held, language),
    )
    return Tile(say(language, "watch.tile.queue"), number(waiting + held, language), note)


def _age(sample: Sample, language: str) -> Tile:
    name, oldest = say(language, "watch.tile.oldest"), sample.now.oldest
    if oldest is None:
        return Tile(name, "–")
    return Tile(name, Times(language, sample.now.time).since(oldest))


async def charts(operation: Operation, span: Span, language: str) -> str:
    """Draw how much there was in a span."""
    figures = await operation.figures(span)
    return part(
        language,
        "console/now-charts.html",
        span=span,
        incoming=_drawn(figures, language, "in", (Kind.ACCEPTED, "good"), (Kind.REFUSED, "bad")),
        outgoing=_drawn(
            figures,
            language,
            "out",
            (Kind.DELIVERED, "good"),
            (Kind.DEFERRED, "warn"),
            (Kind.FAILED, "bad"),
        ),
        refused=_by_cause(figures, language),
        rows=_rows(figures, language),
        total=lambda kind: number(figures.total(Kind(kind)), language),
        count=lambda value: number(value, language),
    )


def _drawn(figures: Figures, language: str, name: str, *kinds: tuple[Kind, str]) -> Picture:
    series = [
        chart.Series(
            say(language, f"watch.kind.{kind.value}"),
            tuple(map(float, figures.counts(kind))),
            tone,
        )
        for kind, tone in kinds
    ]
    return _stacked(figures, say(language, f"watch.chart.{name}"), series, language)


def _by_cause(figures: Figures, language: str) -> Picture | None:
    refused = figures.of(Kind.REFUSED)
    if not refused:
        return None
    series = [
        chart.Series(title(one.cause, language), tuple(map(float, one.counts))) for one in refused
    ]
    return _stacked(figures, say(language, "watch.chart.refused"), series, language)


def _stacked(figures: Figures, name: str, series: Sequence[chart.Series], language: str) -> Picture:
    drawn = chart.Chart(name, float(figures.begin), float(figures.step), tuple(series))
    return chart.stacked(drawn, language)


def _rows(figures: Figures, language: str) -> list[CauseRow]:
    """Give the causes with most, whatever came of them."""
    counts: dict[str, dict[Kind, int]] = {}
    kinds = (Kind.REFUSED, Kind.DEFERRED, Kind.FAILED)
    for kind in kinds:
        for one in figures.of(kind):
            _add(counts, kind, one)
    rows = [
        CauseRow(cause, title(cause, language), *(row.get(kind, 0) for kind in kinds))
        for cause, row in counts.items()
    ]
    rows.sort(key=lambda row: (-(row.refused + row.deferred + row.failed), row.cause))
    return rows[:_CAUSES]


def _add(counts: dict[str, dict[Kind, int]], kind: Kind, one: Series) -> None:
    counts.setdefault(one.cause, {})[kind] = one.total


def title(cause: str, language: str) -> str:
    """Name a cause for people; one that this version does not know by its own name."""
    if cause in ("", OTHER):
        return say(language, "watch.other-causes")
    try:
        return texts.cause(cause, language).title
    except KeyError:
        return cause


PLACES = (
    Place("/now", show=_now, section="now"),
    Place("/now/live", show=_live),
)
