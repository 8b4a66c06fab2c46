"""What pictures of several steps have in common: a mark, a title, and lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ulak.web.pictures.measure import SMALL, WIDTH, wrapped
from ulak.web.pictures.svg import Sheet
from ulak.web.pictures.words import isolated

LINE = 16  # pixels
TITLE = 18
BETWEEN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line below a title; `protocol` is one of names, codes and what others wrote."""

    text: str
    protocol: bool = False
    tone: str = ""


def written(
    sheet: Sheet,
    title: str,
    lines: Sequence[Line],
    x: float,
    *,
    kind: str = "strong",
    most: int = 3,
) -> None:
    """Write a title and what is below it, from the height of the sheet on."""
    for text in wrapped(title, WIDTH - x) if title else ():
        sheet.write(isolated(text, sheet.language), x, sheet.height + 15, kind)
        sheet.height += TITLE
    for line in lines:
        full = line.text
        face = "mono" if line.protocol else "small"
        for text in wrapped(line.text, WIDTH - x, SMALL, lines=most, fixed=line.protocol):
            shown = text if line.protocol else isolated(text, sheet.language)
            face_and_tone = f"{face} {line.tone}".rstrip()
            sheet.write(
                shown, x, sheet.height + 13, face_and_tone, title=full, protocol=line.protocol
            )
            full = ""
            sheet.height += LINE
    sheet.height += BETWEEN
