"""Sparklines: how a number has gone, small, beside it."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.language import direction
from ulak.web.pictures import scale
from ulak.web.pictures.scale import Value
from ulak.web.pictures.svg import Picture, element, words
from ulak.web.pictures.words import isolated, number, say

_SPARK_WIDE, _SPARK_HIGH, _SPARK_POINTS = 120, 28, 60


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
