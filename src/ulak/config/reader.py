"""From `ulak.toml` to settings, with all mistakes at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File

from ulak.config import combinations
from ulak.config.kinds import Bad
from ulak.config.lines import Path, Spot, locate
from ulak.config.mistake import ConfigError, Fact, Mistake, Place, Report
from ulak.config.sections import Section, every
from ulak.config.settings import Config
from ulak.config.values import NextHop

DEFAULT = File(__file__).parent / "default.toml"

# What tomllib says, and the text that says it kindly.
_SYNTAX = (
    ("Cannot overwrite a value", "syntax-twice"),
    ("Cannot declare", "syntax-twice"),
    ("Duplicate inline table key", "syntax-twice"),
    ("Cannot mutate immutable", "syntax-closed-table"),
    ("Cannot redefine namespace", "syntax-twice"),
    ("Expected '='", "syntax-equals"),
    ("Expected newline", "syntax-line-end"),
    ("Unclosed array", "syntax-open-array"),
    ("Unclosed inline table", "syntax-open-table"),
    ("Expected ']", "syntax-open-header"),
    ("Unterminated string", "syntax-open-string"),
    ("Expected '\"'", "syntax-open-string"),
    ("Expected \"'", "syntax-open-string"),
    ("Unescaped", "syntax-backslash"),
    ("Invalid date", "syntax-date"),
    ("Invalid value", "syntax-value"),
    ("Invalid statement", "syntax-key"),
    ("Invalid initial character for a key part", "syntax-key"),
    ("Illegal character", "syntax-control"),
)
_LONG_NUMBER = re.compile(r"[0-9][0-9_]{4000}")
_PLACE = re.compile(r" \((?:at line (\d+), column (\d+)|at end of document)\)$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where its values come from.

    `spots` are the places of the keys that the file has; `data` says whether the folder was
    given beside it.
    """

    config: Config
    spots: Mapping[Path, Spot]
    data_given: bool


def load(path: File | None, data: File | None = None) -> Config:
    """Read a configuration; None is the embedded default. `data` overrules its folder.

    Raises ConfigError with everything that is wrong.
    """
    return read(path, data).config


def read(path: File | None, data: File | None = None) -> Loaded:
    """Read a configuration as `load` does, and tell where its values come from."""
    name = "" if path is None else str(path)
    text = _text(path or DEFAULT, name)
    values = _parse(text, name)
    spots = locate(text)
    report = Report(name, spots, _PATTERNS)
    folder = File() if path is None else path.parent
    config = Section(Config).read(values, Place(report, (), folder))
    if isinstance(config, Bad):  # Config has no setting that must be given
        raise ConfigError(report.mistakes)
    config = replace(
        config,
        file=path,
        data=data or (config.data if "data" in values else folder / config.data),
        routes={"*": NextHop("mx"), **config.routes},
    )
    combinations.check(config, report)
    if report.mistakes:
        raise ConfigError(report.mistakes)
    return Loaded(replace(config, warnings=report.warnings), spots, data is not None)


_PATTERNS = tuple(path for path, _ in every(Config))


def _text(file: File, name: str) -> str:
    try:
        octets = file.read_bytes()
    except FileNotFoundError:
        raise _failed(name, "no-file") from None
    except IsADirectoryError:
        raise _failed(name, "a-folder") from None
    except PermissionError:
        raise _failed(name, "no-permission") from None
    except OSError as error:
        raise _failed(name, "unreadable", problem=str(error.strerror)) from None
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = octets[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        spot = Spot(before.count(b"\n") + 1, column)
        raise _failed(name, "not-utf8", spot) from None


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        place = _PLACE.search(words)
        if place is None or place[1] is None:
            last = text.rstrip("\n").rpartition("\n")[2]
            spot = Spot(text.rstrip("\n").count("\n") + 1, len(last) + 1)
        else:
            spot = Spot(int(place[1]), int(place[2]))
        detail = words[: place.start()] if place else words
        for start, known in _SYNTAX:
            if detail.startswith(start):
                raise _failed(name, known, spot) from None
        raise _failed(name, "syntax", spot, problem=detail) from None
    except ValueError:  # Python reads no number of over 4,300 digits, and tomllib lets it say so
        number = _LONG_NUMBER.search(text)
        raise _failed(
            name, "number-too-long", _spot(text, number.start() if number else 0)
        ) from None
    except RecursionError:
        raise _failed(name, "too-deep") from None


def _spot(text: str, at: int) -> Spot:
    return Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _failed(name: str, text: str, spot: Spot | None = None, **facts: Fact) -> ConfigError:
    return ConfigError([Mistake(name, "", text, facts, spot)])
