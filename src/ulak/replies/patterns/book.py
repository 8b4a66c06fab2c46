"""All rules together, and the one that holds for a reply.

A rule is looked at only where one of its phrases stands in the text, and a phrase is looked for
only where its rarest word does: the time for a reply hardly grows with the number of rules, and
is linear in the text whatever the text is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ulak.replies.patterns.rule import Condition, Provider, Rule

INDEX = Path(__file__).parent / "index.json"
"""All rules as they are looked up; `source` makes it of the files that people write."""

# What a rule gains by demanding more than words, in letters, and by being of who wrote them.
_THEIRS, _SOMEONES, _DETAIL, _CODE = 60, 20, 25, 10


class Match(NamedTuple):
    """A rule that holds, and how much of the reply it takes into account."""

    rule: Rule
    weight: int


class Book:
    """Rules and providers, found by their words."""

    def __init__(self, rules: Iterable[Rule], providers: Iterable[Provider]) -> None:
        self.rules = tuple(rules)
        self.providers = {provider.slug: provider for provider in providers}
        # By a word, the phrases that have it; by a phrase, the numbers of rules.
        self._by_word: dict[str, dict[str, list[int]]] = {}
        self._by_provider: dict[str, list[int]] = {}
        self._always: list[int] = []
        self._foreign: list[int] = []
        self._signs: dict[str, list[tuple[str, str]]] = {}
        for number, rule in enumerate(self.rules):
            if not rule.keys:
                self._unkeyed(rule).append(number)
                continue
            for word, phrase in zip(rule.keys, rule.says[0], strict=True):
                self._by_word.setdefault(word, {}).setdefault(phrase, []).append(number)
        for provider in self.providers.values():
            for word, sign in zip(provider.keys, provider.signs, strict=True):
                self._signs.setdefault(word, []).append((sign, provider.slug))
        self._words = frozenset(self._by_word)
        self._signed = frozenset(self._signs)

    def provider(self, words: str) -> str:
        """Name who wrote these words; what they wrote first counts. "" where nothing shows it."""
        found = [
            (words.find(sign), slug)
            for word in self._signed.intersection(words.split())
            for sign, slug in self._signs[word]
            if sign in words
        ]
        return min(found)[1] if found else ""

    def find(
        self, code: int | None, enhanced: tuple[int, int, int] | None, words: str, provider: str
    ) -> list[Match]:
        """Give the rules that hold, the one that says most first."""
        candidates = {
            number
            for word in self._words.intersection(words.split())
            for phrase, numbers in self._by_word[word].items()
            if phrase in words
            for number in numbers
        }
        candidates.update(self._always, self._by_provider.get(provider, ()))
        if not words.isascii():
            candidates.update(self._foreign)
        found = []
        for number in candidates:
            rule = self.rules[number]
            weight = _weight(rule, code, enhanced, words, provider)
            if weight is not None:
                found.append(Match(rule, weight))
        if len(found) > 1:
            found.sort(key=_order)
        return found

    def _unkeyed(self, rule: Rule) -> list[int]:
        """Give where a rule belongs that no word leads to."""
        if not rule.says:
            return self._by_provider.setdefault(rule.provider, [])
        # Languages that do not part their words: a reply in ASCII says nothing of theirs.
        foreign = any(not any(map(str.isascii, group)) for group in rule.says)
        return self._foreign if foreign else self._always


@cache
def book() -> Book:
    """Read all rules, once."""
    read = json.loads(INDEX.read_text("utf-8"))
    for row in read["rules"]:
        if "codes" in row:
            row["codes"] = [Condition(*written) for written in row["codes"]]
    return Book((Rule(**row) for row in read["rules"]), (Provider(**r) for r in read["providers"]))


def _order(match: Match) -> tuple[int, str]:
    return -match.weight, match.rule.identity


def _weight(
    rule: Rule,
    code: int | None,
    enhanced: tuple[int, int, int] | None,
    words: str,
    provider: str,
) -> int | None:
    """Weigh a rule, or None where it does not hold."""
    if rule.only and rule.provider != provider:
        return None
    weight = 0
    if rule.codes:
        holding = [c for c in rule.codes if c.holds(code, enhanced)]
        if not holding:
            return None
        weight = max(map(_worth, holding))
    for group in rule.says:
        for phrase in group:
            if phrase in words:
                weight += len(phrase)
                break
        else:
            return None
    for phrase in rule.unless:
        if phrase in words:
            return None
    if not rule.says:
        return weight  # a bare code of theirs; whatever words they say, say more
    if rule.provider:
        weight += _THEIRS if rule.provider == provider else _SOMEONES
    return weight


def _worth(condition: Condition) -> int:
    if condition.subject is not None:
        return _DETAIL
    return _CODE if condition.code is not None else 1
