"""The colours of pictures can be told from the paper, in the light and in the dark (WCAG AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ulak.web import pictures

FOLDER = Path(pictures.__file__).parents[1] / "static"
TOKEN = re.compile(r"--([a-z0-9-]+): (#[0-9a-fA-F]{3,8})\b")
DARK = "@media (prefers-color-scheme: dark)"


def tokens(scheme: str) -> dict[str, str]:
    """Give every colour by its name; those of the dark stand in rules of their own."""
    found: dict[str, str] = {}
    for name in ("ulak.css", "pictures.css"):
        light, _, rest = (FOLDER / name).read_text("utf-8").partition(DARK)
        dark = rest[: rest.index("\n}")]
        found |= dict(TOKEN.findall(light)) | (dict(TOKEN.findall(dark)) if scheme == DARK else {})
    return found


def rgb(colour: str) -> tuple[float, float, float]:
    digits = colour.removeprefix("#")
    whole = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    red, green, blue = (int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("paper", ["paper", "card"])
@pytest.mark.parametrize("scheme", ["light", DARK])
def test_every_colour_has_contrast(scheme: str, paper: str) -> None:
    known = {name: rgb(colour) for name, colour in tokens(scheme).items()}
    behind = known[paper]
    for name in ("ink", "muted", "good", "warn", "bad"):  # of text, too
        assert contrast(known[name], behind) >= 4.5, name
    for name in ("accent", *(f"c{n}" for n in range(1, 7))):
        assert contrast(known[name], behind) >= 3, name
    share = re.search(r"--rail: color-mix\(in srgb, var\(--muted\) (\d+)%", styles())
    assert share is not None
    part = int(share[1]) / 100
    rail = tuple(part * m + (1 - part) * b for m, b in zip(known["muted"], behind, strict=True))
    assert contrast(rail, behind) >= 3


def styles() -> str:
    return (FOLDER / "pictures.css").read_text("utf-8")
