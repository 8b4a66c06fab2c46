"""The words for people: what a cause or a code means and what to do, in each language.

They are kept in `texts/`: `<language>.toml` has the causes, `<language>.codes.toml` the basic
codes, `<language>.enhanced.toml` the enhanced ones, `<language>.reuse.toml` what providers mean by
them, `<language>.providers.toml` what one does about a cause at one provider,
`<language>.pairs.toml` what was written about two of them, `<language>.pages.toml` what a page
says around them. Only the language and the kind that is asked for is read, once.

A text may have choices, `[You send from {ip}.|You send from a listed address.]`: the first part
is taken when all its facts are known, else the second, which may be missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ulak.language import LANGUAGES

DEFAULT = "en"
FOLDER = Path(__file__).parent / "texts"

_CHOICE = re.compile(r"\[([^\[\]|]*)(?:\|([^\[\]|]*))?\]")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_PART = re.compile(f"{_CHOICE.pattern}|{_PLACE.pattern}")
# A fact comes from a peer: no control character, and nothing that turns the text around.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LINE_END = re.compile(r"[\r\n]+")
_LONGEST_FACT = 200
_NO_FACTS: Mapping[str, str] = MappingProxyType({})

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CauseText:
    """What people read about a cause: whole sentences, without the facts until they are put in."""

    title: str
    means: str
    seen_when: str
    fix_sender: tuple[str, ...]
    fix_operator: tuple[str, ...]
    _name: str
    _language: str

    def with_facts(self, facts: Mapping[str, str]) -> CauseText:
        """Give the same texts with what is known put into them."""
        if _places(self._name, self._language).isdisjoint(facts):
            return self  # most replies tell nothing that these texts have a place for
        return _cause_text(self._name, self._language, facts)


@dataclass(frozen=True, slots=True)
class CodeText:
    """What people read about a basic code.

    `acts` says whose turn it is, `matters` when, and `origin` where the number came from, which
    is told of those that are no standard's.
    """

    name: str
    means: str
    seen_when: str
    fix_sender: tuple[str, ...]
    fix_operator: tuple[str, ...]
    acts: str
    matters: str
    origin: str


@dataclass(frozen=True, slots=True)
class EnhancedText:
    """What people read about an enhanced code without its class."""

    title: str
    means: str
    seen_when: str
    fix_sender: tuple[str, ...]
    fix_operator: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReuseText:
    """What a provider means by a code of its own, and what to do then."""

    means: str
    fix: str


def languages() -> tuple[str, ...]:
    """Name the languages that are offered, English first."""
    return LANGUAGES


@lru_cache(64)
def language(wanted: str) -> str:
    """Choose the language for a wish (`tr`, `tr-TR`, `tr_TR.UTF-8`); English when it is unknown."""
    primary = re.split(r"[-_.@]", wanted, maxsplit=1)[0]
    name = primary.lower() if primary.isascii() else ""
    return name if name in languages() else DEFAULT


def cause(name: str, lang: str = DEFAULT) -> CauseText:
    """Give the texts of a cause of the catalog; `KeyError` when there is no such cause."""
    return _without_facts(name, language(lang))


def cause_template(name: str, lang: str = DEFAULT) -> Table:
    """Give the texts of a cause as they stand in the file, with their choices."""
    return _table(language(lang), "", name)


def code(number: int, lang: str = DEFAULT) -> CodeText | None:
    """Give the texts of a basic code, or None where nothing is written about it."""
    entry = _find(language(lang), ".codes", str(number))
    if entry is None:
        return None
    return CodeText(
        name=entry["name"],
        means=entry["means"],
        seen_when=entry["seen_when"],
        fix_sender=tuple(entry["fix_sender"]),
        fix_operator=tuple(entry["fix_operator"]),
        acts=entry["acts"],
        matters=entry["matters"],
        origin=entry.get("origin", ""),
    )


def enhanced(detail: str, lang: str = DEFAULT) -> EnhancedText | None:
    """Give the texts of an enhanced code (`7.1`, without its class), or None."""
    entry = _find(language(lang), ".enhanced", detail)
    if entry is None:
        return None
    return EnhancedText(
        title=entry["title"],
        means=entry["means"],
        seen_when=entry["seen_when"],
        fix_sender=tuple(entry["fix_sender"]),
        fix_operator=tuple(entry["fix_operator"]),
    )


def reuse(name: str, lang: str = DEFAULT) -> ReuseText | None:
    """Give the texts of a row of `replies.reuse`, or None."""
    entry = _find(language(lang), ".reuse", name)
    return None if entry is None else ReuseText(entry["means"], entry["fix"])


@lru_cache(1024)
def provider_steps(slug: str, cause: str, family: str, lang: str = DEFAULT) -> tuple[str, ...]:
    """Give what a sender does about a cause, or else about its family, at one provider."""
    file = language(lang), ".providers"
    table = _find(*file, f"{slug}.{cause}") or _find(*file, f"{slug}.{family}")
    return () if table is None else tuple(table["steps"])


def provider_steps_written() -> tuple[str, ...]:
    """Name what `provider_steps` has something for: `google.rate-limited`."""
    return tuple(_written(DEFAULT, ".providers"))


def enhanced_details() -> tuple[str, ...]:
    """Name the enhanced codes that there are texts for, without their class, in order."""
    details = _written(DEFAULT, ".enhanced")
    return tuple(sorted(details, key=lambda detail: tuple(map(int, detail.split(".")))))


def page(name: str, lang: str = DEFAULT) -> Table:
    """Give the words that a page says around the texts, by the name of their table."""
    return _table(language(lang), ".pages", name)


def pair(name: str, lang: str = DEFAULT) -> Table:
    """Give what is written about a pair of codes (`252-554`), or an empty table."""
    return _find(language(lang), ".pairs", name) or {}


def pair_names() -> tuple[str, ...]:
    """Name the pairs that something is written about: the two keys with a hyphen between."""
    return tuple(_written(DEFAULT, ".pairs"))


def pairs_with(pair: tuple[str, str], others: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Name the pairs of one of two keys with one of `others` that something is written about."""
    written = _written(DEFAULT, ".pairs")
    found: list[tuple[str, str]] = []
    for other in others:
        for key in pair:
            found.extend(
                (one, two) for one, two in ((key, other), (other, key)) if f"{one}-{two}" in written
            )
    return tuple(dict.fromkeys(found))


def put(text: str, facts: Mapping[str, str]) -> str:
    """Put facts into a text: take its choices, fill its places. Linear in the text."""
    return _put(text, _known(facts))


def safe(fact: str, longest: int = _LONGEST_FACT) -> str:
    """Make a fact fit to be shown: short, on one line, in its order, without backquotes."""
    clean = _UNSAFE.sub("?", _LINE_END.sub(" ", fact).replace("`", "'"))
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: known.get(place[1], place[0]), text)


def _known(facts: Mapping[str, str]) -> dict[str, str]:
    return {key: safe(value) for key, value in facts.items() if value}


def _put(text: str, known: Mapping[str, str]) -> str:
    if "{" not in text and "[" not in text:
        return text

    def chosen(match: re.Match[str]) -> str:
        if match[3]:  # a place outside any choice
            return known.get(match[3], match[0])
        if all(name in known for name in _PLACE.findall(match[1])):
            return _filled(match[1], known)
        return _filled(match[2] or "", known)

    return _PART.sub(chosen, text)  # once: what a fact holds is not looked at again


def _cause_text(name: str, lang: str, facts: Mapping[str, str]) -> CauseText:
    entry = _table(lang, "", name)
    known = _known(facts)
    return CauseText(
        title=_put(entry["title"], known),
        means=_put(entry["means"], known),
        seen_when=_put(entry["seen_when"], known),
        fix_sender=tuple(_put(step, known) for step in entry["fix_sender"]),
        fix_operator=tuple(_put(step, known) for step in entry["fix_operator"]),
        _name=name,
        _language=lang,
    )


@cache
def _without_facts(name: str, lang: str) -> CauseText:
    return _cause_text(name, lang, _NO_FACTS)


@cache
def _places(name: str, lang: str) -> frozenset[str]:
    """Name the facts that the texts of a cause have places for."""
    return frozenset(_PLACE.findall(str(dict(_table(lang, "", name)))))


def _find(lang: str, part: str, name: str) -> Table | None:
    return _table(lang, part, name) if name in _written(lang, part) else None


@cache
def _table(lang: str, part: str, name: str) -> Table:
    # The files are large, and a command mostly wants one table of each: it alone is parsed.
    return tomllib.loads(_written(lang, part)[name])


@cache
def _written(lang: str, part: str) -> Mapping[str, str]:
    """Give what stands below each heading of a file, `[code.250]` or `[enhanced."7.1"]`."""
    _, *tables = f"\n{(FOLDER / f'{lang}{part}.toml').read_text('utf-8')}".split("\n[")
    found: dict[str, str] = {}
    for table in tables:
        heading, _, below = table.partition("]\n")
        found[heading.partition(".")[2].strip('"')] = below
    return found
