"""The page of all settings, made from the settings themselves: `make docs` writes it anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path

from ulak.config.kinds import Choice, Count, Duration, Kind, Language, ListOf, Number, Size
from ulak.config.mistake import TEXTS, Pattern, pattern_name
from ulak.config.names import Hop, spelled_way
from ulak.config.reader import DEFAULT
from ulak.config.sections import Each, MapOf, Row, Section, every
from ulak.config.settings import Config
from ulak.config.show import toml
from ulak.language import FALLBACK, LANGUAGES

_TABLE = (Section, Each, MapOf)


def page(language: str) -> str:
    """Write the page in a language, in Markdown."""
    return "\n".join(_lines(language)) + "\n"


def file_name(language: str) -> str:
    """Name the file of a language."""
    return "configuration.md" if language == FALLBACK else f"configuration.{language}.md"


def _lines(language: str) -> Iterator[str]:
    def say(name: str) -> str:
        return TEXTS.say(language, f"page.{name}")

    yield f"# {say('title')}"
    yield ""
    yield say("intro")
    yield ""
    yield "```toml"
    yield DEFAULT.read_text("utf-8").rstrip()
    yield "```"
    yield ""
    yield say("notation")
    settings = list(every(Config))
    for path, row in [((), None), *settings]:
        if row is not None and not isinstance(row.kind, _TABLE):
            continue
        inner = path if row is None else _inside(path, row)
        yield ""
        yield f"## {_header(path, row) if row else say('top')}"
        yield ""
        if row is not None:
            yield TEXTS.say(language, f"setting.{pattern_name(path)}")
            yield ""
        plain = [
            (at, one)
            for at, one in settings
            if at[:-1] == inner and not isinstance(one.kind, _TABLE)
        ]
        if plain:
            heads = [say(f"head-{name}") for name in ("key", "value", "default", "meaning")]
            yield _row(heads)
            yield _row(["---"] * len(heads))
        for at, one in plain:
            meaning = TEXTS.say(language, f"setting.{pattern_name(at)}")
            value, default = values(one.kind, language), _default(at, one, language)
            yield _row([f"`{one.key}`", value, default, meaning])


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _inside(path: Pattern, row: Row) -> Pattern:
    """Give the path under which the settings of a table stand."""
    match row.kind:
        case Each():
            return (*path, "[]")
        case MapOf():
            return (*path, "*")
        case _:
            return path


def _header(path: Pattern, row: Row) -> str:
    name = ".".join('"…"' if part == "*" else part for part in path if part != "[]")
    match row.kind:
        case Each():
            return f"`[[{name}]]`"
        case MapOf(_, Section()):
            return f'`[{name}."…"]`'
        case _:
            return f"`[{name}]`"


def values(kind: Kind[object], language: str) -> str:
    """Say what a setting can be."""
    words = TEXTS.say(language, f"kind.{kind.name}")
    match kind:
        case Choice(choices):
            return ", ".join(f'`"{word}"`' for word in choices)
        case Language():
            return ", ".join(f'`"{word}"`' for word in LANGUAGES)
        case Hop(ways):
            return ", ".join(f'`"{way}"`' for one in ways for way in spelled_way(one))
        case ListOf(element):
            return TEXTS.say(language, "page.list-of", element=values(element, language))
        case Count() | Number() | Size() | Duration():
            least, most = toml(kind.write(kind.least)), toml(kind.write(kind.most))
            if isinstance(kind, Count) and kind.most == Count().most:
                return TEXTS.say(language, "page.at-least", words=words, least=least)
            return TEXTS.say(language, "page.from-to", words=words, least=least, most=most)
        case _:
            return words


def _default(path: Pattern, row: Row, language: str) -> str:
    if row.required:
        return TEXTS.say(language, "page.required")
    special = TEXTS.find(language, f"default.{pattern_name(path)}")
    if special is not None:
        return special
    if row.default is None or row.default is MISSING:
        return TEXTS.say(language, "page.none")
    if isinstance(row.default, Path):
        return f"`{toml(str(row.default))}`"
    return f"`{toml(row.kind.write(row.default))}`"


def main(folder: Path) -> None:
    """Write the page in every language into a folder."""
    for language in LANGUAGES:
        (folder / file_name(language)).write_text(page(language), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
