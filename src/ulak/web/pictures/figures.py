"""What a server has counted, as charts: mail over time, causes, and what reports of others say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from ulak.journal.entry import Kind
from ulak.journal.figures import OTHER, Figures
from ulak.replies import texts
from ulak.reports.store import Kept
from ulak.web.pictures.chart import Chart, Series, lines, opposed, stacked
from ulak.web.pictures.counts import Bar, bars, sparkline
from ulak.web.pictures.svg import Picture
from ulak.web.pictures.words import LATEST, say

RATES = (Kind.ACCEPTED, Kind.DELIVERED, Kind.DEFERRED, Kind.REFUSED)
_DASHES = {
    Kind.ACCEPTED: "line-1", Kind.DELIVERED: "line-3", Kind.DEFERRED: "line-5",
    Kind.REFUSED: "line-2",
}  # fmt: skip
_DAY = 86_400
_MOST_DAYS = 366


def rates(
    figures: Figures, language: str, *, zone: tzinfo = UTC, kinds: Sequence[Kind] = RATES
) -> Picture:
    """Draw how much happened of each kind; the slot that is under way is left out."""
    series = tuple(
        Series(_kind(kind, language), figures.counts(kind)[:-1], _DASHES.get(kind, ""))
        for kind in kinds
    )
    title = say(language, "figures.rates")
    chart = Chart(title, figures.begin, figures.step, series, zone, counted=True)
    return lines(chart, language, area=True)


def causes_over_time(figures: Figures, kind: Kind, language: str, *, zone: tzinfo = UTC) -> Picture:
    """Draw the causes of what was refused, deferred or failed, one upon the other."""
    series = tuple(Series(_cause(s.cause, language), s.counts) for s in figures.of(kind))
    title = say(language, f"figures.{kind}")
    return stacked(Chart(title, figures.begin, figures.step, series, zone), language)


def causes(figures: Figures, kind: Kind, language: str) -> Picture:
    """Draw which causes there were how often."""
    rows = [Bar(_cause(s.cause, language), s.total) for s in figures.of(kind)]
    return bars(say(language, f"figures.{kind}"), rows, language)


def trend(figures: Figures, kind: Kind, language: str) -> Picture:
    """Draw a kind small, for beside its number."""
    name = say(language, "figures.trend", name=_kind(kind, language))
    return sparkline(name, figures.counts(kind)[:-1], language, tone=_DASHES.get(kind, ""))


def reported(reports: Sequence[Kept], language: str, *, zone: tzinfo = UTC) -> Picture:
    """Draw by day how much of one's mail passed and failed, by what reports of others say."""
    days: dict[int, tuple[int, int]] = {}
    offset = _offset(reports, zone)
    for report in reports:
        day = int(((report.begin + report.end) / 2 + offset) // _DAY)
        passed, failed = days.get(day, (0, 0))
        days[day] = passed + report.passed, failed + report.messages - report.passed
    last = max(days, default=0)
    first = max(min(days, default=0), last - _MOST_DAYS)
    seen = [days.get(day, (0, 0)) for day in range(first, last + 1)] if days else []
    series = (
        Series(say(language, "figures.passed"), tuple(passed for passed, _ in seen), "good"),
        Series(say(language, "figures.not-passed"), tuple(failed for _, failed in seen), "bad"),
    )
    title = say(language, "figures.reports")
    return opposed(Chart(title, first * _DAY - offset, _DAY, series, zone), language)


def _offset(reports: Sequence[Kept], zone: tzinfo) -> float:
    """Give how far the days of a zone are before those of UTC."""
    latest = max((report.end for report in reports), default=0)
    away = datetime.fromtimestamp(min(max(latest, 0), LATEST), zone).utcoffset()
    return 0.0 if away is None else away.total_seconds()


def _kind(kind: Kind, language: str) -> str:
    return say(language, f"timeline.{kind}")


def _cause(name: str, language: str) -> str:
    """Give what a cause is called; one that this version does not know is called by its name."""
    if name == OTHER:
        return say(language, "chart.others")
    try:
        return texts.cause(name, language).title
    except KeyError:
        return name or "?"
