"""The kinds of values that settings can have: how each is read, and written again.

A kind tells its mistakes to the place it reads from, as many as it finds, and answers `BAD`.
The words that describe a kind are in `texts/`, under `kind.` and its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from ulak.config.mistake import Named, Place, given
from ulak.config.values import Hidden, parse_duration, parse_size, write_duration, write_size
from ulak.language import LANGUAGES


class Bad(Enum):
    """The value could not be read; the place has been told why."""

    BAD = "bad"


BAD = Bad.BAD
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Kind(Protocol[T_co]):
    """What a setting can be."""

    @property
    def name(self) -> str:
        """Name the kind's words in the texts."""

    def read(self, value: object, place: Place) -> T_co | Bad:
        """Turn a TOML value into a setting's."""

    def write(self, value: object) -> object:
        """Turn a setting's value into one that TOML can hold."""


class Plain:
    """What most kinds share."""

    name: ClassVar[str] = ""

    def write(self, value: object) -> object:
        """Write the value as it is, or as its text."""
        return value if isinstance(value, (str, int, float)) else str(value)

    def unlike(self, value: object, place: Place) -> Bad:
        """Say that the value is of another kind."""
        place.wrong("wrong-kind", wanted=Named(f"kind.{self.name}"), given=given(value))
        return BAD


class Text(Plain):
    """Any text."""

    name = "text"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a text."""
        return value if isinstance(value, str) else self.unlike(value, place)


class Secret(Plain):
    """A password. It is never written, nor quoted where it is wrong."""

    name = "secret"

    def read(self, value: object, place: Place) -> Hidden | Bad:
        """Take a text that is not empty."""
        if isinstance(value, str) and value:
            return Hidden(value)
        place.wrong("no-secret")
        return BAD

    def write(self, value: object) -> object:
        """Write that there is one."""
        del value
        return "***"


class Flag(Plain):
    """Yes or no."""

    name = "flag"

    def read(self, value: object, place: Place) -> bool | Bad:
        """Take true or false."""
        return value if isinstance(value, bool) else self.unlike(value, place)


@dataclass(frozen=True, slots=True)
class Count(Plain):
    """A whole number between two bounds, both included."""

    least: int = 0
    most: int = 2**31 - 1
    name: ClassVar[str] = "count"

    def read(self, value: object, place: Place) -> int | Bad:
        """Take a whole number."""
        if not isinstance(value, int) or isinstance(value, bool):
            return self.unlike(value, place)
        if not self.least <= value <= self.most:
            bounds = {"least": str(self.least), "most": str(self.most)}
            place.wrong("out-of-bounds", given=given(value), **bounds)
            return BAD
        return value


@dataclass(frozen=True, slots=True)
class Number(Plain):
    """A number between two bounds, both included."""

    least: float
    most: float
    name: ClassVar[str] = "number"

    def read(self, value: object, place: Place) -> float | Bad:
        """Take a number."""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return self.unlike(value, place)
        if not self.least <= value <= self.most:  # nan is in no bounds
            bounds = {"least": f"{self.least:g}", "most": f"{self.most:g}"}
            place.wrong("out-of-bounds", given=given(value), **bounds)
            return BAD
        return float(value)


@dataclass(frozen=True, slots=True)
class Size(Plain):
    """Octets, with or without a unit."""

    least: int = 1
    most: int = 2**50
    name: ClassVar[str] = "size"

    def read(self, value: object, place: Place) -> int | Bad:
        """Take `50MB` or a number of octets."""
        octets: int | None = None
        if isinstance(value, str):
            octets = parse_size(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            octets = value
        if octets is None:
            return self.unlike(value, place)
        if not self.least <= octets <= self.most:
            bounds = {"least": str(write_size(self.least)), "most": str(write_size(self.most))}
            place.wrong("out-of-bounds", given=given(value), **bounds)
            return BAD
        return octets

    def write(self, value: object) -> object:
        """Write octets with their unit."""
        return write_size(value) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class Duration(Plain):
    """Seconds, with a unit, or as a number."""

    least: float = 0.001
    most: float = 3650 * 86_400.0
    name: ClassVar[str] = "duration"

    def read(self, value: object, place: Place) -> float | Bad:
        """Take `4h` or a number of seconds."""
        seconds: float | None = None
        if isinstance(value, str):
            seconds = parse_duration(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = float(value)
        if seconds is None:
            return self.unlike(value, place)
        if not self.least <= seconds <= self.most:
            bounds = {"least": write_duration(self.least), "most": write_duration(self.most)}
            place.wrong("out-of-bounds", given=given(value), **bounds)
            return BAD
        return seconds

    def write(self, value: object) -> object:
        """Write seconds in units."""
        return write_duration(value) if isinstance(value, (int, float)) else value


@dataclass(frozen=True, slots=True)
class Choice(Plain):
    """One of a few words."""

    words: tuple[str, ...]
    name: ClassVar[str] = "choice"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take one of the words."""
        if isinstance(value, str) and value in self.words:
            return value
        place.wrong("not-a-choice", words=", ".join(self.words), given=given(value))
        return BAD


class Workers(Plain):
    """A number of processes, or `auto`, which is 0 in the settings."""

    name = "workers"

    def read(self, value: object, place: Place) -> int | Bad:
        """Take `auto` or a number."""
        if value == "auto":
            return 0
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 256:  # noqa: PLR2004 -- as the text says
            return value
        return self.unlike(value, place)

    def write(self, value: object) -> object:
        """Write the number, or `auto`."""
        return value or "auto"


class Language(Plain):
    """A language that Ulak speaks."""

    name = "language"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take the code of a language (ISO 639-1)."""
        if isinstance(value, str) and value in LANGUAGES:
            return value
        place.wrong("not-a-choice", words=", ".join(LANGUAGES), given=given(value))
        return BAD


class FileName(Plain):
    """The path of a file or folder, relative to the configuration's."""

    name = "path"

    def read(self, value: object, place: Place) -> Path | Bad:
        """Take a path."""
        if not isinstance(value, str) or not value or "\0" in value:
            return self.unlike(value, place)
        return place.folder / value

    def write(self, value: object) -> object:
        """Write the whole path, which means the same wherever the text is read."""
        return str(Path(str(value)).absolute())


@dataclass(frozen=True, slots=True)
class ListOf(Plain, Generic[T]):
    """Any number of values of one kind; one that stands twice is a mistake."""

    element: Kind[T]
    least: int = 0
    name: ClassVar[str] = "list"

    def read(self, value: object, place: Place) -> tuple[T, ...] | Bad:
        """Take an array, and tell of every element that is wrong."""
        if not isinstance(value, list):
            text = "list-wanted" if isinstance(value, str) else "wrong-kind"
            wanted = Named(f"kind.{self.element.name}")
            place.wrong(text, wanted=Named("kind.list"), element=wanted, given=given(value))
            return BAD
        if len(value) < self.least:
            place.wrong("list-empty", element=Named(f"kind.{self.element.name}"))
            return BAD
        good: dict[T, None] = {}
        bad = False
        for number, item in enumerate(value):
            one = self.element.read(item, place.of(number))
            if isinstance(one, Bad):
                bad = True
            elif one in good:
                place.of(number).wrong("twice", given=given(item))
                bad = True
            else:
                good[one] = None
        return BAD if bad else tuple(good)

    def write(self, value: object) -> object:
        """Write an array."""
        return [self.element.write(item) for item in value] if isinstance(value, tuple) else []
