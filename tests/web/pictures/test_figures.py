"""Charts of what was counted show all of it, under the names that people read."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from tests.web.pictures.test_pictures import SVG, held, shown

from ulak.journal.entry import Kind
from ulak.journal.figures import OTHER, Figures, Series, Span
from ulak.language import LANGUAGES
from ulak.reports.store import Kept
from ulak.web.pictures import causes, causes_over_time, rates, reported, trend

NOW = 1_795_000_000.0
CAUSES = ("no-such-mailbox", "greylisted", "spf-fail", "mailbox-full", OTHER, "not-of-this-version")


def figures(span: Span = Span.DAY) -> Figures:
    def series(kind: Kind, cause: str, each: int) -> Series:
        return Series(kind, cause, (each,) * span.slots)

    refused = [series(Kind.REFUSED, cause, 9 - at) for at, cause in enumerate(CAUSES)]
    rows = (series(Kind.ACCEPTED, "", 100), series(Kind.DELIVERED, "", 90), *refused)
    return Figures(span, span.begin(NOW), span.step, rows)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("span", Span)
def test_every_span_is_drawn_in_every_language(span: Span, language: str) -> None:
    found = figures(span)
    for picture in (
        rates(found, language),
        causes_over_time(found, Kind.REFUSED, language),
        causes(found, Kind.REFUSED, language),
    ):
        held(picture, language)
    assert held(trend(found, Kind.ACCEPTED, language), language) is not None


def test_the_slot_under_way_is_no_fall() -> None:
    full = figures()
    counts = (100,) * (full.span.slots - 1) + (1,)
    found = Figures(full.span, full.begin, full.step, (Series(Kind.ACCEPTED, "", counts),))
    assert "Accepted 9,500" in shown(held(rates(found, "en")))
    assert "at least 100" in trend(found, Kind.ACCEPTED, "en")


def test_causes_are_called_what_people_call_them_and_none_is_left_out() -> None:
    found = figures()
    texts = shown(held(causes(found, Kind.REFUSED, "en")))
    assert "There is no such mailbox" in texts
    assert "Others" in texts
    assert "not-of-this-version" in texts
    assert f"{9 * 96}" in texts


def test_nothing_counted_is_said() -> None:
    empty = Figures(Span.HOUR, Span.HOUR.begin(NOW), 60)
    for picture in (rates(empty, "en"), causes(empty, Kind.FAILED, "en"), reported((), "en")):
        assert "Nothing in this time" in shown(held(picture))


def kept(begin: float, messages: int, passed: int) -> Kept:
    return Kept(
        1, "dmarc", "Org", "1", "a.example", int(begin), int(begin) + 86_399, messages, passed,
        begin, "x@a.example",
    )  # fmt: skip


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=3))])
def test_reports_of_one_day_are_one_pair_of_bars(zone: timezone) -> None:
    noon = 20_000 * 86_400.0
    found = [kept(noon, 10, 8), kept(noon, 5, 5), kept(noon + 2 * 86_400, 4, 0)]
    root = held(reported(found, "en", zone=zone))
    (plot,) = (s for s in root.iter(f"{SVG}svg") if "viewBox" in s.attrib)
    bars = {path.attrib["class"]: path.attrib.get("d", "").count("M") for path in plot}
    assert bars == {"good": 1, "bad": 2}
    assert {"Passed 13", "Failed 6"} <= set(shown(root))


def test_a_year_of_a_report_from_the_past_does_not_make_a_chart_of_centuries() -> None:
    held(reported([kept(0, 1, 1), kept(2e11, 1, 1)], "en"))
