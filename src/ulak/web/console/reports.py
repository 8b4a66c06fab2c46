"""What others report about our domains (DMARC, TLS), and what we report to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ulak.reports.aggregate import Aggregate
from ulak.reports.plain import DMARC, TLS
from ulak.reports.sources import Source, sources
from ulak.reports.store import Kept
from ulak.reports.tlsrpt import TlsReport
from ulak.web.console.desk import Here
from ulak.web.console.table import Place
from ulak.web.pictures import chart
from ulak.web.pictures.svg import Picture
from ulak.web.pictures.words import number
from ulak.web.words import has, say

_DAY = 86_400
_DAYS = (7, 30, 90)
_MOST = 1000  # reports that a page is made of
_LISTED = 40
_READ = 100  # reports that are read for their sources
_SOURCES = 30
_PARCELS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One source of mail in our name: how much, and how much of it passed, in percent."""

    source: Source
    passed: str
    dkim: str
    spf: str


async def _reports(here: Here) -> Response:
    query = here.request.query_params
    days = next((n for n in _DAYS if str(n) == query.get("days")), 30)
    domain = query.get("domain", "").strip().lower()[:253]
    now = here.desk.clock()
    found = await here.operation.reports(domain, now - days * _DAY, _MOST)
    parcels = await here.operation.parcels(_PARCELS)
    dmarc = [kept for kept in found if kept.kind == DMARC]
    tls = [kept for kept in found if kept.kind == TLS]
    return here.page(
        "console/reports.html",
        title=here.say("watch.reports.title"),
        section="reports",
        days=days,
        choices=_DAYS,
        domain=domain,
        dmarc=_chart(here, dmarc, "dmarc", now, days),
        tls=_chart(here, tls, "tls", now, days),
        rows=await _sources(here, dmarc[:_READ]),
        reports=found[:_LISTED],
        parcels=parcels,
        count=partial(number, language=here.language),
        share=partial(share, language=here.language),
        why=partial(_named, here.language, "reports.why"),
    )


def _chart(here: Here, reports: Sequence[Kept], kind: str, now: float, days: int) -> Picture | None:
    """Draw how much was well and how much was not, day by day."""
    if not reports:
        return None
    first = int(now // _DAY) - days + 1
    well, ill = [0.0] * days, [0.0] * days
    for kept in reports:
        day = kept.begin // _DAY - first
        if 0 <= day < days:
            well[day] += kept.passed
            ill[day] += kept.messages - kept.passed
    series = (
        chart.Series(here.say(f"watch.reports.{kind}-well"), tuple(well), "good"),
        chart.Series(here.say(f"watch.reports.{kind}-ill"), tuple(ill), "bad"),
    )
    title = here.say(f"watch.reports.{kind}")
    return chart.opposed(chart.Chart(title, first * _DAY, _DAY, series), here.language)


async def _sources(here: Here, dmarc: Sequence[Kept]) -> list[Row]:
    """Add up who has sent mail in our name, by the latest reports."""
    read = await asyncio.gather(*(here.operation.report(kept.number) for kept in dmarc))
    found = sources(report for report in read if isinstance(report, Aggregate))
    return [_row(source, here.language) for source in found[:_SOURCES]]


def _row(source: Source, language: str) -> Row:
    parts = (source.passed, source.dkim, source.spf)
    return Row(source, *(share(part, source.messages, language=language) for part in parts))


def share(part: int, whole: int, *, language: str) -> str:
    """Write a part in percent, so that only all of it is 100 and only nothing is 0."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return say(language, "watch.percent", count=number(round(percent, 1), language))


async def _report(here: Here) -> Response:
    given = here.request.path_params["number"]
    found = await here.operation.report(int(given)) if _is_number(given) else None
    if found is None:
        raise HTTPException(404)
    page = partial(
        here.page,
        title=here.say("watch.reports.one", organization=found.organization),
        section="reports",
        report=found,
        count=partial(number, language=here.language),
        failing=partial(_named, here.language, "reports.tls-failure"),
    )
    if isinstance(found, TlsReport):
        kind = partial(_named, here.language, "watch.reports.policy-kind")
        return page("console/report-tls.html", kind=kind)
    rows = [_row(source, here.language) for source in sources([found])]
    return page("console/report-dmarc.html", rows=rows)


def _named(language: str, table: str, name: str) -> str:
    """Give the text of a word that another server may have made up."""
    if has(language, f"{table}.{name}"):
        return say(language, f"{table}.{name}", kind=name)
    return say(language, f"{table}.other", kind=name) if has(language, f"{table}.other") else name


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18  # noqa: PLR2004 -- what SQLite numbers with


PLACES = (
    Place("/reports", show=_reports, section="reports"),
    Place("/reports/{number}", show=_report),
)
