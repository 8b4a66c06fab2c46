"""The words of a diagnosis, from `texts/<language>.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ulak.language import Texts
from ulak.replies import blocklists
from ulak.replies.texts import put

TEXTS = Texts(Path(__file__).parent / "texts")
_OF_BLOCKLISTS = "blocklist."


def say(language: str, name: str, facts: Mapping[str, str] | None = None) -> str:
    """Give a text with facts put in; they may be a stranger's. No such name is a KeyError.

    `do.blocklist.wait` and `verdict.blocklist.means.pbl` are the texts of the table of blocklists.
    """
    room, _, rest = name.partition(".")
    if rest.startswith(_OF_BLOCKLISTS):
        rest = rest.removeprefix(_OF_BLOCKLISTS)
        text = blocklists.TEXTS.all(language)[f"do.{rest}" if room == "do" else rest]
    else:
        text = TEXTS.all(language)[name]
    return put(text, facts or {})


def word(language: str, name: str, otherwise: str) -> str:
    """Give the word for something, or the technical one where the texts have none."""
    return TEXTS.find(language, name) or otherwise
