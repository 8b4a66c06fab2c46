"""What a setting is for, by the path at which a configuration has it."""

from __future__ import annotations

import re
from typing import Any

from ulak.config.kinds import Kind
from ulak.config.lines import Path
from ulak.config.mistake import TEXTS, Pattern, pattern_name
from ulak.config.sections import Each, MapOf, Section, rows
from ulak.config.settings import Config

# Of the page that `make docs` writes: to a file beside it, which is not there elsewhere.
_LINK = re.compile(r" \(\[[^]]*\]\([^)]*\)\)|\[(?P<text>[^]]*)\]\([^)]*\)")


def meaning(path: Path, language: str) -> str:
    """Say what the setting at a path is for; of an entry of a table, what the table is for."""
    pattern = pattern_of(path)
    while pattern:
        text = TEXTS.find(language, f"setting.{pattern_name(pattern)}")
        if text is not None:
            return _LINK.sub(lambda found: found["text"] or "", text)
        pattern = pattern[:-1]
    return ""


def pattern_of(path: Path) -> Pattern:
    """Give a path with `[]` for places in arrays and `*` for keys that the user has chosen."""
    found: list[str] = []
    kind: Kind[Any] | None = Section(Config)
    for part in path:
        if isinstance(part, int):
            found.append("[]")
            kind = Section(kind.of) if isinstance(kind, Each) else None
            continue
        match kind:
            case Section(of):
                found.append(part)
                kind = next((row.kind for row in rows(of) if row.key == part), None)
            case MapOf(_, element):
                found.append("*")
                kind = element
            case _:
                break
    return tuple(found)
