"""The languages Ulak speaks to people, and its texts by language and name.

The wire speaks English; people read their own language. A room that says something to a person
keeps it in `texts/<language>.toml` beside its code and reads it here; the command line has
gettext catalogues (`po`).

A language is only files: `known/<language>.toml` says what it is called and how it is written,
and its texts stand beside the English ones. It is offered when not one of them is missing
(`offered`, which `ulak.language.gate` finds out and a test holds true).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FALLBACK = "en"
KNOWN = Path(__file__).parent / "known"


@dataclass(frozen=True, slots=True)
class Language:
    """What is to be known of a language: its name in itself and in English, where lines begin.

    `direction` is a value of HTML's `dir`: `ltr` or `rtl`. `offered`: no text is missing.
    """

    code: str
    name: str
    english: str
    direction: str
    offered: bool


def known() -> Mapping[str, Language]:
    """Give every language that there is a file of, English first; some have yet to be written."""
    return _known()


def direction(language: str) -> str:
    """Say where the lines of a language begin: `ltr` or `rtl`; `ltr` where it is not known."""
    found = known().get(language)
    return found.direction if found else "ltr"


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
        return read(self.folder / f"{language}.toml")

    def find(self, language: str, name: str) -> str | None:
        """Give a text without filling its places, or None where there is none of that name."""
        return self.all(language).get(name)

    def say(self, language: str, name: str, /, **facts: object) -> str:
        """Give a text with its facts put in. A name that does not exist is a KeyError."""
        return filled(self.all(language)[name], facts)


def filled(text: str, facts: Mapping[str, object]) -> str:
    """Put facts into the `{fact}` places of a text. What a fact holds is not looked at again."""
    return text.format_map({name: str(fact) for name, fact in facts.items()})


@cache
def read(file: Path) -> Mapping[str, str]:
    """Read the texts of a TOML file by their names, once. Parts of a name are joined by dots."""
    return dict(_flat("", tomllib.loads(file.read_text("utf-8"))))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, str(value).strip()


@cache
def _known() -> Mapping[str, Language]:
    files = {file.stem: file for file in KNOWN.glob("*.toml")}
    codes = (FALLBACK, *sorted(files.keys() - {FALLBACK}))
    return {code: Language(code, **tomllib.loads(files[code].read_text("utf-8"))) for code in codes}


LANGUAGES = tuple(code for code, language in _known().items() if language.offered)
