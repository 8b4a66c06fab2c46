"""The languages Ulak speaks to people, and its texts by language and name.

The wire speaks English; people read their own language. A room that says something to a person
keeps it in `texts/<language>.toml` beside its code and reads it here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "tr")
FALLBACK = "en"


def of_environment(environ: Mapping[str, str]) -> str:
    """Give the language that the locale asks for: LC_ALL, then LC_MESSAGES, then LANG (POSIX)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if locale := environ.get(name):
            language = locale.partition(".")[0].partition("_")[0].partition("@")[0]
            return language if language in LANGUAGES else FALLBACK
    return FALLBACK


class Texts:
    """The texts of one room: a folder with one TOML file for each language.

    Names are the keys of the file joined by dots; a text has `{fact}` places.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self, language: str) -> Mapping[str, str]:
        """Give every text of a language by its name."""
        return _read(self.folder / f"{language}.toml")

    def find(self, language: str, name: str) -> str | None:
        """Give a text without filling its places, or None where there is none of that name."""
        return self.all(language).get(name)

    def say(self, language: str, name: str, /, **facts: object) -> str:
        """Give a text with its facts put in. A name that does not exist is a KeyError."""
        return self.all(language)[name].format_map({k: str(v) for k, v in facts.items()})


@cache
def _read(file: Path) -> Mapping[str, str]:
    return dict(_flat("", tomllib.loads(file.read_text("utf-8"))))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, str(value).strip()
