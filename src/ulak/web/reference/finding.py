"""What somebody means who types into the field: a page, two of them, a whole reply, or words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ulak.replies import texts
from ulak.replies.catalog import CATALOG
from ulak.replies.composing import sentences
from ulak.replies.explain import Explanation, explain
from ulak.replies.sides import side
from ulak.web.reference import keys
from ulak.web.reference.folding import words
from ulak.web.reference.index import Index
from ulak.web.words import has, say

LONGEST = 2000  # characters of what is asked
MOST = 12
_CODE = re.compile(r"(?<![\w.])([2-5][0-9]{2}|[245Xx]\.[0-9]{1,3}\.[0-9]{1,3})(?![\w]|\.[0-9])")
_BEGUN = re.compile(r"(?:[2-5][0-9]?|[245Xx]\.(?:[0-9]{1,3}\.?)?)")
# Words between two codes or around one that say nothing of a reply.
_BETWEEN = frozenset(
    words("vs versus or and between ile ve veya ya da mi mu arasındaki أم أو و بين مقابل")
)
_LITTLE = _BETWEEN | frozenset(
    words(
        "smtp esmtp error code reply status dsn what does is it mean means the why how to fix "
        "solve difference hata hatası kodu kod yanıt yanıtı ne demek nedir neden nasıl çözülür "
        "düzeltilir çözümü anlamı fark farkı رمز الردّ خطأ ما معنى هو لماذا كيف حل إصلاح الفرق"
    )
)
_SURE = ("text", "provider")
_FEW, _MANY = 2, 4
# What people look up most, as questions in forums and bounces show it.
CODES = ("550", "554", "421", "451", "552", "535", "553", "252")
DETAILS = ("5.7.1", "5.1.1", "4.7.1", "5.7.26", "4.2.2", "5.7.8")
CAUSES = (
    "listed-by-dnsbl", "no-such-mailbox", "mailbox-full", "spf-fail", "dmarc-reject", "dkim-fail",
    "spam-found", "greylisted", "message-too-large", "relay-denied", "authentication-failed",
    "low-reputation",
)  # fmt: skip
_WANTED = 1.25  # by how much these are likelier than others


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that may be meant. `keys` are one meaning's pages, the usual one first."""

    keys: tuple[str, ...]
    title: str
    means: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. `exact`: the key that was typed; `pair`: the two that were.

    `reply` explains what looks like a whole reply; None where it does not, or nothing is known.
    """

    asked: str
    exact: str = ""
    pair: tuple[str, str] | None = None
    reply: Explanation | None = None
    hits: tuple[Hit, ...] = ()


def find(asked: str, language: str) -> Found:
    """Find what is meant by what somebody typed."""
    asked = asked.strip()[:LONGEST]
    if not asked:
        return Found(asked)
    known = tuple(dict.fromkeys(filter(None, map(keys.meant, _named(asked)))))
    rest = words(_CODE.sub(" ", asked))
    said = [word for word in rest if word not in _LITTLE]
    if keys.known(asked):
        known, rest, said = (asked,), [], []
    told = explain(asked, language) if len(said) >= _FEW else None
    found = sorted(known, key=lambda key: "." not in key)  # an enhanced code says more
    if told is not None and told.cause is not None and told.decided_by in _SURE:
        found.insert(0, told.cause)
    found += _begun(asked)
    whole = told is not None and _whole(told, said)
    if said and not whole:
        found += [page for page, _ in _index(language).find(" ".join(said))]
    apart = "." not in "".join(known) or "." in min(known, key=len)
    both = len(known) == _FEW and not said and (apart or not _BETWEEN.isdisjoint(rest))
    return Found(
        asked,
        exact=known[0] if len(known) == 1 and not said else "",
        pair=keys.in_order(known[0], known[1]) if both else None,
        reply=told if whole else None,
        hits=tuple(_hits(found, language)),
    )


def _whole(told: Explanation, said: list[str]) -> bool:
    """Whether it looks like a whole reply: a code with words, or many words that a rule knows."""
    if told.reply.code is not None or told.reply.enhanced is not None:
        return told.decided_by != "none"
    return told.decided_by in _SURE and len(said) >= _MANY


def _named(asked: str) -> Iterator[str]:
    for word in re.split(r"\s+(?:vs\.?|or|and|ile|ve|أم|و)\s+|-vs-|[\s,/]+", asked):
        if keys.known(word):
            yield word
        else:
            yield from (code[1] for code in _CODE.finditer(word))


def _begun(asked: str) -> list[str]:
    """Name the codes that begin as what is typed so far."""
    if _BEGUN.fullmatch(asked) is None:
        return []
    if asked[0] in "Xx":
        return [key for key in keys.enhanced() if key[1:].startswith(asked[1:])]
    every = keys.enhanced() if "." in asked else keys.basic()
    return [key for key in every if key.startswith(asked)]


def _hits(found: list[str], language: str) -> Iterator[Hit]:
    seen: set[str] = set()
    for key in found:
        if key in seen:
            continue
        alike = tuple(other for other in _alike(key) if other == key or other not in seen)
        seen.update(alike)
        half = side(key, language)
        yield Hit(alike, half.title, sentences(half.means)[0])
        if len(seen) >= 2 * MOST:
            break


def _alike(key: str) -> tuple[str, ...]:
    """Give a key and those of the same enhanced code in other classes."""
    if key in CATALOG or "." not in key:
        return (key,)
    return (key, *(k for k in keys.enhanced() if k[2:] == key[2:] and k != key))


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning, to be found: its pages, what they say, and texts with the weight of a word."""

    keys: tuple[str, ...]
    title: str
    means: str
    texts: tuple[tuple[str, float], ...]


def entries(language: str) -> Iterator[Entry]:
    """Give every meaning. English words are in each language: replies are written in them."""
    families = texts.page("families", language)
    details = dict.fromkeys(keys.meant(f"X{key[1:]}") or key for key in keys.enhanced())
    for key in (*keys.basic(), *details, *keys.causes()):
        half = side(key, language)
        english = half if language == texts.DEFAULT else side(key, texts.DEFAULT)
        said = (
            (half.title, 4 + 6 / len(half.title.split())),
            (half.key if half.kind == "cause" else "", 5.0),
            (str(families.get(half.family or "", "")), 4.0),
            (half.words, 3.0),
            (english.title, 3.0),
            (_also(key, language), 3.0),
            (_also(key, texts.DEFAULT), 3.0),
            (" ".join(provider.name for provider in half.providers), 2.0),
            (half.means, 1.5),
            (half.seen_when, 1.0),
        )
        yield Entry(_alike(key), half.title, sentences(half.means)[0], said)


def _also(key: str, language: str) -> str:
    """Give words by which people look for it that stand nowhere in its texts."""
    name = f"reference.also.{key}"
    return say(language, name) if has(language, name) else ""


@cache
def _index(language: str) -> Index:
    return Index(
        {entry.keys[0]: entry.texts for entry in entries(language)},
        dict.fromkeys((*CODES, *DETAILS, *CAUSES), _WANTED),
    )
