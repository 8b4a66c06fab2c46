"""Which translations were made from an English text that is another today.

`reviewed/<language>.toml` keeps, for each text of each room, a digest of the English from which
its translation was last read. `python -m ulak.language.stale` names those that do not fit any
more; with `--reviewed`, after a person has read them, it notes today's English for all that is
translated. Two kinds of text keep that themselves: a gettext catalogue has the English beside the
translation, and the tables in `replies/texts` have it as `of` (`ulak.replies.stale`).
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ulak.language import FALLBACK, gate, known

REVIEWED = Path(__file__).parent / "reviewed"
_KEEP_IT = gate.ROOMS / "replies" / "texts"

Digests = Mapping[str, Mapping[str, str]]
"""The digests of English texts by the file, as `journal/texts/en.toml`, and the text's name."""


def digest(text: str) -> str:
    """Sum up a text in eight characters."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def noted(language: str) -> Digests:
    """Give what was noted at the last review of a language."""
    file = REVIEWED / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.exists() else {}


def today(language: str) -> Digests:
    """Give the digests of the English texts that have a translation."""
    found: dict[str, dict[str, str]] = {}
    for english in gate.files():
        if english.parent == _KEEP_IT:
            continue
        there = gate.texts(gate.counterpart(english, language))
        texts = {n: digest(t) for n, t in gate.texts(english).items() if there.get(n)}
        if texts:
            found[str(english.relative_to(gate.ROOMS))] = texts
    return found


def stale(language: str) -> list[str]:
    """Name the texts whose English has changed since they were read."""
    before = noted(language)
    return [
        f"{file}: {name}"
        for file, texts in today(language).items()
        for name, now in texts.items()
        if before.get(file, {}).get(name, now) != now
    ]


def reviewed(language: str) -> str:
    """Give the text of the file that notes today's English for all that is translated."""
    lines = [f"# Made by `python -m ulak.language.stale --reviewed`: see there. {language}.", ""]
    for file, texts in sorted(today(language).items()):
        lines += [
            f'["{file}"]',
            *(f'"{name}" = "{now}"' for name, now in sorted(texts.items())),
            "",
        ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Name what is stale, or with `--reviewed` take it as reviewed. 1 where something is stale."""
    found = 0
    for language in known():
        if language == FALLBACK:
            continue
        if "--reviewed" in arguments:
            REVIEWED.mkdir(exist_ok=True)
            (REVIEWED / f"{language}.toml").write_text(reviewed(language), encoding="utf-8")
        for name in stale(language):
            found += 1
            sys.stdout.write(f"{language}: {name}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
