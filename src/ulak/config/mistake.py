"""What is wrong with a configuration, and the place that collects it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TypeVar

from ulak.config.lines import Path, Spot
from ulak.language import FALLBACK, Texts

TEXTS = Texts(File(__file__).parent / "texts")
T = TypeVar("T")
Pattern = tuple[str, ...]
"""The path of a setting with `[]` for the elements of an array and `*` for a free key."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]*@")
_LONGEST = 60  # characters of a value that a sentence quotes


@dataclass(frozen=True, slots=True)
class Named:
    """A fact that is itself a text of the product, said in the reader's language."""

    text: str


Fact = str | Named


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong. `text` names its sentence in `texts/<language>.toml`.

    `file` is as the user named it, `""` for the embedded default; `spot` is None where the
    mistake has no place in the file: a key that is missing, a file that cannot be read.
    """

    file: str
    key: str
    text: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    spot: Spot | None = None

    def reason(self, language: str = FALLBACK) -> str:
        """Say what is wrong and what to do."""
        facts = {
            name: TEXTS.say(language, fact.text) if isinstance(fact, Named) else fact
            for name, fact in self.facts.items()
        }
        return TEXTS.say(language, f"mistake.{self.text}", **facts)

    def sentence(self, language: str = FALLBACK) -> str:
        """Give file, line and key as compilers do, then the reason."""
        where = self.file or TEXTS.say(language, "embedded")
        if self.spot is not None:
            where += f":{self.spot.line}"
            if not self.key:
                where += f":{self.spot.column}"
        return ": ".join(part for part in (where, self.key, self.reason(language)) if part)


class ConfigError(Exception):
    """A configuration cannot be used; `mistakes` is everything that is wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.sentences()))

    def sentences(self, language: str = FALLBACK) -> list[str]:
        """Give one sentence for each mistake, in the order of the file."""
        return [mistake.sentence(language) for mistake in self.mistakes]


class Report:
    """Collects what is wrong with one file.

    `patterns` are all settings that there are; `made` is filled with the sections that could be
    read, by their path.
    """

    def __init__(
        self, file: str, spots: Mapping[Path, Spot], patterns: tuple[Pattern, ...] = ()
    ) -> None:
        self.file = file
        self.patterns = patterns
        self.made: dict[Path, object] = {}
        self.spots = spots
        self._mistakes: list[tuple[Path, Mistake]] = []
        self._warnings: list[Mistake] = []

    @property
    def mistakes(self) -> list[Mistake]:
        """What forbids to go on, in the order of the file; what has no line comes last."""
        found = [mistake for _, mistake in self._mistakes]
        return sorted(found, key=_line)

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """What is possible and probably not meant."""
        return tuple(sorted(self._warnings, key=_line))

    def wrong(self, path: Path, text: str, facts: Mapping[str, Fact]) -> None:
        """Note a mistake at a path."""
        self._mistakes.append((path, self._mistake(path, text, facts)))

    def clash(self, paths: tuple[Path, ...], text: str, **facts: Fact) -> None:
        """Note that values do not go together, unless one of them is wrong by itself.

        The mistake stands at the last of the paths that is in the file.
        """
        bad = [path for path, _ in self._mistakes]
        if any(path[: len(b)] == b or b[: len(path)] == path for path in paths for b in bad):
            return
        given = [path for path in paths if path in self.spots]
        at = given[-1] if given else paths[-1]
        self._mistakes.append((at, self._mistake(at, text, facts)))

    def warn(self, path: Path, text: str, **facts: Fact) -> None:
        """Note what is probably not meant."""
        self._warnings.append(self._mistake(path, text, facts))

    def spelled(self, path: Path) -> list[str]:
        """Give the keys that stand under a path, as they are spelled there."""
        deep = len(path)
        return [str(p[-1]) for p in self.spots if len(p) == deep + 1 and p[:deep] == path]

    def under(self, path: Path, key: str) -> Path:
        """Give the path of a free key as the file spells it: keys are kept in lower case."""
        for spelled in self.spelled(path):
            if spelled.lower() == key:
                return (*path, spelled)
        return (*path, key)

    def of(self, kind: type[T]) -> Iterator[tuple[Path, T]]:
        """Give the sections of one kind that could be read, with their paths."""
        for path, one in list(self.made.items()):
            if isinstance(one, kind):
                yield path, one

    def _mistake(self, path: Path, text: str, facts: Mapping[str, Fact]) -> Mistake:
        at = path
        while at and at not in self.spots:
            at = at[:-1]
        return Mistake(self.file, spell(path), text, facts, self.spots.get(at))


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a file, and whom to tell what is wrong there."""

    report: Report
    path: Path = ()
    folder: File = File()  # to which relative file names are relative

    def of(self, key: str | int) -> Place:
        """Give the place of a key or an element under this one."""
        return Place(self.report, (*self.path, key), self.folder)

    def wrong(self, text: str, **facts: Fact) -> None:
        """Note a mistake here."""
        self.report.wrong(self.path, text, facts)


def spell(path: Path) -> str:
    """Write a path as in TOML; elements of arrays are counted from 1, as people count."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + bare_or_quoted(part)
    return text


def pattern_name(pattern: Pattern) -> str:
    """Write the path of a setting as the documentation does: `listener[].tls.mode`."""
    return ".".join(pattern).replace(".[]", "[]")


def bare_or_quoted(key: str) -> str:
    """Write a key as TOML wants it."""
    return key if _BARE.fullmatch(key) else quoted(key)


def quoted(text: str) -> str:
    """Write a text as a TOML string on one line (TOML's escapes are those of JSON, and DEL)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def hidden(text: str) -> str:
    """Take the password out of an address such as `postgresql://user:password@host/`."""
    return _PASSWORD.sub(r"\1***@", text)


def given(value: object) -> Fact:
    """Quote a value in a sentence, shortened, or say what it is."""
    match value:
        case str():
            text = quoted(hidden(value))
            return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = str(value)
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        case list():
            return Named("given.list")
        case dict():
            return Named("given.table")
        case _:
            return Named("given.date")


def _line(mistake: Mistake) -> tuple[int, int]:
    spot = mistake.spot
    return (spot.line, spot.column) if spot else (1 << 62, 0)
