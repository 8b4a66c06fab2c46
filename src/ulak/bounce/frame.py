"""The words around a report, in each language: `texts/<language>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from ulak.language import LANGUAGES


class Frame:
    """The frame texts of one language; each `{place}` is filled once, by a value made safe."""

    def __init__(self, language: str, table: dict[str, Any]) -> None:
        self.language = language
        self._table = table

    def text(self, key: str, **places: object) -> str:
        """Give a text with its places filled. What a place holds is not looked at again."""
        template: str = self._table[key]
        return template.format_map(places) if places else template

    def date(self, when: float) -> str:
        """Write a time (seconds since the epoch) as a person does."""
        at = datetime.fromtimestamp(when, UTC)
        return self.text(
            "date",
            day=at.day,
            month=self._table["months"][at.month - 1],
            year=at.year,
            hour=f"{at.hour:02}",
            minute=f"{at.minute:02}",
        )


@cache
def frame(language: str) -> Frame:
    """Read the frame texts of a language that `languages` names."""
    source = files("ulak.bounce").joinpath("texts", f"{language}.toml")
    return Frame(language, tomllib.loads(source.read_text(encoding="utf-8")))


def languages() -> tuple[str, ...]:
    """Name the languages that there are frames in: those that are offered."""
    return LANGUAGES


def choose(wishes: Sequence[str], offered: Sequence[str]) -> str:
    """Choose the first wish (`tr`, `tr-TR`) that is offered and written, else the first offered."""
    return wished(wishes, offered) or written(offered)[0]


def written(offered: Sequence[str]) -> list[str]:
    """Name those of the languages that there are frames in; English where there is none."""
    return [name for name in offered if name in languages()] or ["en"]


def wished(wishes: Sequence[str], offered: Sequence[str]) -> str:
    """Choose the first wish that is offered and written, `""` where there is none."""
    known = [name for name in offered if name in languages()]
    for wish in wishes:
        primary = wish.partition("-")[0].partition("_")[0]
        if primary.isascii() and primary.lower() in known:
            return primary.lower()
    return ""
