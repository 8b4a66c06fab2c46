"""Finding translations whose English original has changed since.

Every table of a translation keeps, as `of`, the digest of the English table it was made from.
`python -m ulak.replies.stale` names the tables that do not fit any more; with `--reviewed`, after
a person has read them, it writes the new digests into the files of this checkout.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from ulak.language import known
from ulak.replies import texts

FOLDER = texts.FOLDER
PARTS = ("", ".codes", ".enhanced", ".pages", ".pairs", ".providers", ".reuse")

# `[cause.null-mx]` or `[enhanced."7.1"]`, and the digest that stands below it, if any.
_HEADING = re.compile(
    r'^(\[(?P<kind>[a-z_]+)\."?(?P<name>[a-z0-9_.-]+)"?\]\n)(?:of = "[^"\n]*"\n)?', re.MULTILINE
)

Tables = dict[tuple[str, str], dict[str, Any]]


def tables(language: str, part: str) -> Tables:
    """Give the tables of a file by kind and name."""
    loaded = tomllib.loads(_path(language, part).read_text(encoding="utf-8"))
    return {(kind, name): entry for kind, of in loaded.items() for name, entry in of.items()}


def digest(entry: dict[str, Any]) -> str:
    """Sum up a table of English texts in eight characters."""
    plain = json.dumps(entry, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()[:8]


def stale(language: str, part: str) -> list[str]:
    """Name the tables that were made from another English text than today's."""
    translated = tables(language, part)
    return [
        f"{kind}.{name}"
        for (kind, name), entry in tables(texts.DEFAULT, part).items()
        if translated.get((kind, name), {}).get("of") != digest(entry)
    ]


def reviewed(language: str, part: str) -> str:
    """Give the text of a translation's file with the digests of today's English texts."""
    english = tables(texts.DEFAULT, part)

    def marked(heading: re.Match[str]) -> str:
        entry = english.get((heading["kind"], heading["name"]))
        return heading[1] if entry is None else f'{heading[1]}of = "{digest(entry)}"\n'

    return _HEADING.sub(marked, _path(language, part).read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Name what is stale, or with `--reviewed` take it as reviewed. 1 when something is stale."""
    found = 0
    for language, part in itertools.product(known(), PARTS):
        if language != texts.DEFAULT and _path(language, part).exists():
            if "--reviewed" in arguments:
                text = reviewed(language, part)
                _path(language, part).write_text(text, encoding="utf-8")
            for name in stale(language, part):
                found += 1
                sys.stdout.write(f"{language}{part}.toml: {name}\n")
    return 1 if found else 0


def _path(language: str, part: str) -> Path:
    return FOLDER / f"{language}{part}.toml"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
