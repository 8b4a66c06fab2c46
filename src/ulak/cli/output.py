"""Output for people and for programs.

What comes from a peer may hold escape sequences that do things to a terminal: everything goes
through `clean` on its way to a person. JSON escapes them by itself.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import repeat

import click

from ulak.language import direction
from ulak.language.bidi import isolated

# C0 and C1 controls, DEL, and what turns the direction of writing or ends a line for some.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_GAP = "  "


def clean(text: str) -> str:
    """Show what could control a terminal as an escape; line ends and tabs may stay."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def colourful() -> bool:
    """Whether colours are wanted: on a terminal only, and not with NO_COLOR (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def paint(text: str, colour: str, *, bold: bool = False) -> str:
    """Colour a text (`red`, `green`, `yellow`, `cyan` …) where colours are wanted."""
    return click.style(text, fg=colour, bold=bold) if colourful() else text


def line(text: str = "") -> None:
    """Write a line, or several."""
    click.echo(shown(text))


def shown(text: str, *, terminal: bool | None = None) -> str:
    """Give a text as a terminal has to get it in the language of the user (`language.bidi`).

    Files and pipes get it without anything that cannot be seen.
    """
    context = click.get_current_context(silent=True)
    language = context.find_root().obj if context else None
    if not isinstance(language, str) or direction(language) == "ltr":
        return text
    if not (sys.stdout.isatty() if terminal is None else terminal):
        return text
    return "\n".join(isolated(each, language) for each in text.split("\n"))


_ENCODED = json.JSONEncoder(ensure_ascii=False).encode


def json_object(value: object) -> None:
    """Write one JSON object on one line, in UTF-8 whatever the locale."""
    json_objects((value,))


def json_objects(values: Iterable[object]) -> None:
    """Write several, each on a line, all together."""
    # Not by Click, whose care for terminals costs as much as explaining a reply.
    sys.stdout.flush()
    lines = (_ENCODED(value).encode("utf-8", "backslashreplace") + b"\n" for value in values)
    sys.stdout.buffer.write(b"".join(lines))
    sys.stdout.buffer.flush()


def width() -> int:
    """Give how many columns there are for prose."""
    import shutil  # noqa: PLC0415 -- it brings all it needs to copy and to compress files

    return min(shutil.get_terminal_size().columns, 100)


def prose(text: str, indent: str = "") -> str:
    """Break prose into lines that fit, each indented."""
    return "\n".join(
        textwrap.fill(
            paragraph, width(), initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )
        for paragraph in clean(text).split("\n")
    )  # fmt: skip


def table(rows: Sequence[Sequence[object]], heads: Sequence[str] = ()) -> str:
    """Align columns. They are looked at whole: a queue may have a hundred thousand rows."""
    aligned = [
        _align(list(map(str, column)), head)
        for column, head in zip(zip(*rows, strict=True), heads or repeat(""), strict=False)
    ]
    if not aligned:
        return _GAP.join(heads)
    lines = [_GAP.join(row).rstrip() for row in zip(*aligned, strict=True)]
    return "\n".join(lines if heads else lines[1:])


def _align(cells: list[str], head: str) -> list[str]:
    """Give the head and the cells of a column in one width."""
    whole = "".join(cells)
    if whole.isascii() and whole.isprintable():
        wide = max(columns(head), *map(len, cells), 0)
        return [head + " " * (wide - columns(head)), *[cell.ljust(wide) for cell in cells]]
    cells = [head, *[clean(cell).replace("\n", " ") for cell in cells]]
    taken = list(map(columns, cells))
    wide = max(taken)
    return [cell + " " * (wide - has) for cell, has in zip(cells, taken, strict=True)]


def columns(text: str) -> int:
    """Give how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
