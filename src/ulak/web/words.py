"""The words of the pages, from `texts/<language>/<piece>.toml`."""

from __future__ import annotations

from pathlib import Path

from ulak.language import filled, read

FOLDER = Path(__file__).parent / "texts"


def say(language: str, name: str, /, **facts: object) -> str:
    """Give a text by its name, `piece.key`, with facts put in. No such name is a KeyError."""
    piece, _, key = name.partition(".")
    return filled(read(FOLDER / language / f"{piece}.toml")[key], facts)


def has(language: str, name: str) -> bool:
    """Whether there is a text of that name."""
    piece, _, key = name.partition(".")
    file = FOLDER / language / f"{piece}.toml"
    return file.exists() and key in read(file)
