"""Settings that hold settings: tables, arrays of tables, and tables with free keys.

A section is a frozen dataclass whose fields are made by `setting`: name, kind and default stand
once, and the reader, `config show` and the documentation all go by them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from ulak.config.kinds import BAD, Bad, Kind, Plain
from ulak.config.mistake import Named, Pattern, Place, given, spell

K = TypeVar("K")
T = TypeVar("T")
S = TypeVar("S", bound="Settings")
_REQUIRED: Any = MISSING
_KIND, _KEY = "kind", "key"


class Settings(Protocol):
    """A dataclass of settings."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def setting(
    kind: Kind[T],
    default: T = _REQUIRED,
    *,
    key: str = "",
    factory: Callable[[], T] = _REQUIRED,
) -> T:
    """Declare a setting: its kind, and its default or that it has to be given.

    `key` is its name in the file where the field has another; `factory` makes a default that
    is not known beforehand.
    """
    metadata = {_KIND: kind, _KEY: key}
    made = cast("Any", field)(default=default, default_factory=factory, metadata=metadata)
    return cast("T", made)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting of a section, as the file has it."""

    attribute: str
    key: str
    kind: Kind[Any]
    default: object  # MISSING where the setting has to be given
    required: bool


def rows(section: type[Settings]) -> Iterator[Row]:
    """Give the settings of a section in their order. Other fields are no settings."""
    for one in fields(section):
        if _KIND in one.metadata:
            required = one.default is MISSING and one.default_factory is MISSING
            key = one.metadata[_KEY] or one.name
            default = one.default
            if default is MISSING and one.default_factory is not MISSING:
                default = one.default_factory()
            yield Row(one.name, key, one.metadata[_KIND], default, required)


@dataclass(frozen=True, slots=True)
class Section(Plain, Generic[S]):
    """A table with known keys."""

    of: type[S]
    name: ClassVar[str] = "table"

    def read(self, value: object, place: Place) -> S | Bad:
        """Take a table; BAD only where a setting that has to be given is not."""
        if not isinstance(value, dict):
            return self.unlike(value, place)
        known = {row.key: row for row in rows(self.of)}
        for key in value:
            if key not in known:
                _unknown(place, str(key), known)
        good: dict[str, Any] = {}
        whole = True
        for key, row in known.items():
            if key in value:
                one = row.kind.read(value[key], place.of(key))
                if not isinstance(one, Bad):
                    good[row.attribute] = one
                elif row.required:
                    whole = False
            elif row.required:
                place.of(key).wrong("missing")
                whole = False
        if not whole:
            return BAD
        made = self.of(**good)
        place.report.made[place.path] = made
        return made


@dataclass(frozen=True, slots=True)
class Each(Plain, Generic[S]):
    """An array of tables. Those that could not be read are left out of the value."""

    of: type[S]
    name: ClassVar[str] = "tables"

    def read(self, value: object, place: Place) -> tuple[S, ...] | Bad:
        """Take `[[name]]` any number of times."""
        if not isinstance(value, list):
            text = "each-wanted" if isinstance(value, dict) else "wrong-kind"
            wanted = Named(f"kind.{self.name}")
            place.wrong(text, wanted=wanted, given=given(value), key=spell(place.path))
            return BAD
        section = Section(self.of)
        found = [section.read(item, place.of(number)) for number, item in enumerate(value)]
        return tuple(one for one in found if not isinstance(one, Bad))


@dataclass(frozen=True, slots=True)
class MapOf(Plain, Generic[K, T]):
    """A table whose keys the user chooses. What could not be read is left out of the value."""

    keys: Kind[K]
    element: Kind[T]
    name: ClassVar[str] = "table"

    def read(self, value: object, place: Place) -> Mapping[K, T] | Bad:
        """Take a table; two spellings of one key are a mistake."""
        if not isinstance(value, dict):
            return self.unlike(value, place)
        good: dict[K, T] = {}
        for spelling, item in value.items():
            inner = place.of(spelling)
            key = self.keys.read(spelling, inner)
            one = self.element.read(item, inner)
            if isinstance(key, Bad) or isinstance(one, Bad):
                continue
            if key in good:
                inner.wrong("twice", given=given(spelling))
            good[key] = one
        return good


def every(section: type[Settings], path: Pattern = ()) -> Iterator[tuple[Pattern, Row]]:
    """Give every setting in and under a section; a section comes before what it holds."""
    for row in rows(section):
        yield (*path, row.key), row
        match row.kind:
            case Section(of):
                yield from every(of, (*path, row.key))
            case Each(of):
                yield from every(of, (*path, row.key, "[]"))
            case MapOf(_, Section(of)):
                yield from every(of, (*path, row.key, "*"))
            case _:
                pass


def _unknown(place: Place, key: str, known: Mapping[str, Row]) -> None:
    """Say that there is no such key, and which one was probably meant."""
    inner = place.of(key)
    guesses = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.7)
    if guesses:
        inner.wrong("unknown-key-guess", guess=guesses[0])
        return
    elsewhere = [".".join(path) for path in place.report.patterns if path[-1] == key]
    if elsewhere:
        inner.wrong("unknown-key-elsewhere", guess=", ".join(elsewhere))
        return
    inner.wrong("unknown-key", words=", ".join(known))
