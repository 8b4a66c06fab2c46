"""The settings in force, as TOML that could be read again, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as File

from ulak.config.kinds import Kind
from ulak.config.lines import Path, Spot
from ulak.config.meaning import meaning
from ulak.config.mistake import TEXTS, bare_or_quoted, hidden, quoted, spell
from ulak.config.reader import Loaded
from ulak.config.sections import Each, MapOf, Section, Settings, rows
from ulak.config.settings import Config
from ulak.language import FALLBACK


class Shown:
    """A configuration with its sources, ready to be written."""

    def __init__(self, loaded: Loaded, language: str = FALLBACK) -> None:
        self._loaded = loaded
        self._language = language
        # Domains and mailboxes are kept in lower case, however the file spells them.
        self._spots = {_lower(path): spot for path, spot in loaded.spots.items()}

    def text(self) -> str:
        """Write everything as TOML."""
        return "\n".join(self._section(Config, self._loaded.config, ())).strip() + "\n"

    def values(self) -> dict[str, object]:
        """Give everything as plain values, by key."""
        return _plain_section(Config, self._loaded.config)

    def sources(self) -> dict[str, dict[str, object]]:
        """Tell of every value that is no default where it comes from, by its path."""
        found: dict[str, dict[str, object]] = {}
        for path, spot in self._loaded.spots.items():
            found[spell(path)] = {"from": self._file or "embedded", "line": spot.line}
        if self._loaded.data_given:
            found["data"] = {"from": "--data", "line": None}
        return found

    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Give every value by its path, as TOML, and what is to be said of it.

        That is where it comes from (`""` for a default), what it is for, and what the table is
        for that it stands in (`""` at the top of the file).
        """
        for path, value in _leaves(self.values(), ()):
            default = path not in self._spots and not (
                path == ("data",) and self._loaded.data_given
            )
            yield (
                spell(path),
                toml(value),
                "" if default else self._source(path),
                meaning(path, self._language),
                meaning(path[:1], self._language) if path[1:] else "",
            )

    @property
    def _file(self) -> str:
        return str(self._loaded.config.file or "")

    def _section(self, of: type[Settings], section: object, path: Path) -> Iterator[str]:
        """Write the plain values of a section, then the tables in it (TOML wants that order)."""
        tables: list[tuple[Kind[object], object, Path]] = []
        for row in rows(of):
            value, at = getattr(section, row.attribute), (*path, row.key)
            if value is None:
                continue
            if isinstance(row.kind, (Section, Each, MapOf)):
                tables.append((row.kind, value, at))
            else:
                yield f"{row.key} = {toml(row.kind.write(value))}  # {self._source(at)}"
        for kind, value, at in tables:
            yield from self._tables(kind, value, at)

    def _tables(self, kind: Kind[object], value: object, path: Path) -> Iterator[str]:
        match kind, value:
            case Section(of), _:
                yield from self._head(f"[{_header(path)}]")
                yield from self._section(of, value, path)
            case Each(of), tuple(items):
                for number, item in enumerate(items):
                    yield from self._head(f"[[{_header(path)}]]")
                    yield from self._section(of, item, (*path, number))
            case MapOf(keys, Section(of)), Mapping():
                for key, item in value.items():
                    at = (*path, str(keys.write(key)))
                    yield from self._head(f"[{_header(at)}]")
                    yield from self._section(of, item, at)
            case MapOf(keys, element), Mapping() if value:
                yield from self._head(f"[{_header(path)}]")
                for key, item in value.items():
                    name = str(keys.write(key))
                    text = toml(element.write(item))
                    yield f"{bare_or_quoted(name)} = {text}  # {self._source((*path, name))}"
            case _:
                pass

    @staticmethod
    def _head(header: str) -> Iterator[str]:
        yield ""
        yield header

    def _source(self, path: Path) -> str:
        if path == ("data",) and self._loaded.data_given:
            return "--data"
        spot: Spot | None = self._spots.get(_lower(path))
        if spot is None:
            return TEXTS.say(self._language, "show.default")
        if not self._file:
            return TEXTS.say(self._language, "embedded")
        return f"{one_line(self._file)}:{spot.line}"


def toml(value: object) -> str:
    """Write a plain value on one line of TOML, passwords hidden."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(hidden(value))
        case int():
            return str(value)
        case float():
            return repr(value)
        case File():
            return quoted(str(value))
        case Mapping():
            pairs = (f"{bare_or_quoted(str(k))} = {toml(v)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        case Sequence():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return quoted(str(value))


def one_line(text: str) -> str:
    """Keep a file's name from ending a comment: it may hold anything but a slash."""
    return quoted(text)[1:-1]


def _header(path: Path) -> str:
    """Write the name of a table: positions in arrays are said by the order of the text."""
    return ".".join(bare_or_quoted(part) for part in path if isinstance(part, str))


def _lower(path: Path) -> Path:
    return tuple(part.lower() if isinstance(part, str) else part for part in path)


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    match value:
        case dict() if value:
            for name, each in value.items():
                yield from _leaves(each, (*path, name))
        case [{}, *_]:
            for number, each in enumerate(value):
                yield from _leaves(each, (*path, number))
        case _:
            yield path, value


def _plain_section(of: type[Settings], section: object) -> dict[str, object]:
    return {
        row.key: _plain(row.kind, getattr(section, row.attribute))
        for row in rows(of)
        if getattr(section, row.attribute) is not None
    }


def _plain(kind: Kind[object], value: object) -> object:
    match kind, value:
        case Section(of), _:
            return _plain_section(of, value)
        case Each(of), tuple(items):
            return [_plain_section(of, item) for item in items]
        case MapOf(keys, element), Mapping():
            return {str(keys.write(k)): _plain(element, v) for k, v in value.items()}
        case _:
            written = kind.write(value)
            return hidden(written) if isinstance(written, str) else written
