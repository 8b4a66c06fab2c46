"""Why a check came to its result: one sentence for each step, in every language.

A reason is a key, `spf.matched`, and its facts. The sentence stands in `texts/<language>/spf.toml`
under `matched`; that is how a server writes a reason down in one language, and how a person
reads it years later in another.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ulak.replies.texts import put

FOLDER = Path(__file__).parent / "texts"

_LONGEST_FACT = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """One step. Made by `because`, which makes the facts fit to be shown."""

    key: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """Give the sentence."""
        check, _, name = self.key.partition(".")
        return put(words(language, check)[name], self.facts)

    def __str__(self) -> str:
        return self.text()


def because(key: str, **facts: object) -> Reason:
    """Make a reason. Facts come from strangers: each is one printable line of bounded length."""
    return Reason(key, {name: _line(str(fact)) for name, fact in facts.items()})


def packed(reasons: Iterable[Reason]) -> str:
    """Write reasons as text that `unpacked` reads, for a journal."""
    pairs = [[reason.key, dict(reason.facts)] for reason in reasons]
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def unpacked(text: str) -> tuple[Reason, ...]:
    """Read what `packed` wrote; a reason that this version does not know is left out.

    ValueError where it is nothing of the kind.
    """
    try:
        reasons = [
            Reason(str(key), {str(k): str(v) for k, v in facts.items()})
            for key, facts in json.loads(text)
        ]
    except (AttributeError, TypeError) as error:
        message = f"these are no reasons: {text[:80]!r}"
        raise ValueError(message) from error
    return tuple(reason for reason in reasons if known(reason.key))


def known(key: str) -> bool:
    """Whether there is a sentence for this key."""
    check, _, name = key.partition(".")
    return (
        check.isidentifier()
        and (FOLDER / "en" / f"{check}.toml").exists()
        and name in words("en", check)
    )


@cache
def words(language: str, check: str) -> Mapping[str, str]:
    """Read the sentences about a check in a language, once."""
    loaded: Mapping[str, str] = tomllib.loads(
        (FOLDER / language / f"{check}.toml").read_text("utf-8")
    )
    return loaded


def _line(text: str) -> str:
    if len(text) <= _LONGEST_FACT and text.isprintable() and text == " ".join(text.split()):
        return text  # as nearly all are
    joined = " ".join(text[: 4 * _LONGEST_FACT].split())
    shown = joined
    if not joined.isprintable():
        shown = "".join(c if c.isprintable() else "?" for c in joined)
    return shown if len(shown) <= _LONGEST_FACT else shown[: _LONGEST_FACT - 1] + "…"
