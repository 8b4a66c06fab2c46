"""The words that a story is told in, from `texts/<language>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ulak.replies.texts import put

Words = Mapping[str, Mapping[str, str]]


@cache
def words(language: str) -> Words:
    """Read the words of a language, once."""
    source = files("ulak.journal").joinpath("texts", f"{language}.toml")
    loaded: Words = tomllib.loads(source.read_text(encoding="utf-8"))
    return loaded


def say(language: str, table: str, name: str, facts: Mapping[str, str] | None = None) -> str:
    """Give one text with facts put into it."""
    return put(words(language)[table][name], facts or {})
