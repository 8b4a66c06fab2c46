"""The words of a diagnosis, from `texts/<language>.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ulak.language import Texts
from ulak.replies.texts import put

TEXTS = Texts(Path(__file__).parent / "texts")


def say(language: str, name: str, facts: Mapping[str, str] | None = None) -> str:
    """Give a text with facts put in; they may be a stranger's. No such name is a KeyError."""
    return put(TEXTS.all(language)[name], facts or {})


def word(language: str, name: str, otherwise: str) -> str:
    """Give the word for something, or the technical one where the texts have none."""
    return TEXTS.find(language, name) or otherwise
