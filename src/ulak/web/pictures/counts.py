"""Bars that lie, for what can be counted and named, and sparklines for beside a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ulak.language import direction
from ulak.web.pictures import scale
from ulak.web.pictures.measure import WIDTH, width, wrapped
from ulak.web.pictures.scale import Value
from ulak.web.pictures.svg import Picture, Sheet, element, words
from ulak.web.pictures.words import isolated, number, say

_ROW, _LINE, _BAR = 40, 17, 10  # pixels
_MOST_ROWS = 12
_IN_WORDS = 12
_SPARK_WIDE, _SPARK_HIGH, _SPARK_POINTS = 120, 28, 60


@dataclass(frozen=True, slots=True)
class Bar:
    """How often something was; `tone` (`good`, `bad` …) gives its colour."""

    name: str
    count: float
    tone: str = ""


def bars(title: str, rows: Sequence[Bar], language: str) -> Picture:
    """Draw bars, the longest first; of many the last ones together."""
    ranked = sorted(rows, key=lambda bar: -bar.count)
    if len(ranked) > _MOST_ROWS:
        rest = sum(bar.count for bar in ranked[_MOST_ROWS - 1 :])
        ranked[_MOST_ROWS - 1 :] = [Bar(say(language, "chart.others"), rest, "muted")]
    whole = sum(bar.count for bar in ranked)
    most = max((bar.count for bar in ranked), default=0)
    sheet = Sheet(language, "bars")
    told = []
    for bar in ranked:
        count = number(bar.count, language)
        share = number(100 * bar.count / whole if whole else 0, language)
        full = say(language, "chart.share", name=bar.name, count=count, share=share)
        told.append(isolated(full, language) + ".")
        sheet.write(count, 0, sheet.height + 15, "strong", end=True)
        names = wrapped(bar.name, WIDTH - width(count) - 12)
        for row, name in enumerate(names):
            shown = isolated(name, language)
            sheet.write(shown, 0, sheet.height + 15 + row * _LINE, title="" if row else full)
        sheet.height += (len(names) - 1) * _LINE
        wide = max(100 * bar.count / most, 0.5) if most > 0 else 0
        y = sheet.height + 22
        for size, kind in (("100%", "track"), (f"{wide:.1f}%", bar.tone or "line-1")):
            sheet.shape(element("rect", x=0, y=y, width=size, height=_BAR, rx=2, kind=kind))
        sheet.height += _ROW
    if not ranked:
        told.append(say(language, "chart.empty"))
        sheet.write(told[0], 0, 15, "muted")
        sheet.height = 24
    return sheet.done(isolated(title, language), " ".join(told[:_IN_WORDS]))


def sparkline(name: str, values: Sequence[Value], language: str, *, tone: str = "") -> Picture:
    """Draw how something went, small, without an axis; the last value has a point."""
    few = scale.fewer(values, _SPARK_POINTS, scale.mean)
    known = scale.known(few)
    top, bottom = max(known, default=0.0), min(known, default=0.0)
    high = top - bottom
    wide = max(len(few) - 1, 1)
    points = [
        (
            3 + at / wide * (_SPARK_WIDE - 6),
            _SPARK_HIGH - 4 - ((value - bottom) / high if high else 0.5) * (_SPARK_HIGH - 8),
        )
        for at, value in enumerate(few)
        if value is not None
    ]
    kind = tone or "line-1"
    path = "".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))
    shapes = element("path", d=path, kind=f"curve {kind}") if len(points) > 1 else ""
    if points:
        x, y = points[-1]
        shapes += element("circle", cx=round(x, 1), cy=round(y, 1), r=2.5, kind=kind)
    if direction(language) == "rtl":
        turned = f"translate({_SPARK_WIDE},0) scale(-1,1)"
        shapes = element("g", shapes, transform=turned) if shapes else ""
    numbers = {
        "last": number(known[-1] if known else 0.0, language),
        "most": number(top, language),
        "least": number(bottom, language),
    }
    title = isolated(say(language, "chart.last", name=name, **numbers), language)
    return Picture(
        element(
            "svg", element("title", words(title)), shapes, xmlns="http://www.w3.org/2000/svg",
            kind="sparkline", role="img", lang=language, width=_SPARK_WIDE, height=_SPARK_HIGH,
        )
    )  # fmt: skip
