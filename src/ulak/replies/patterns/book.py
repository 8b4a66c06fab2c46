"""All rules together, and the one that holds for a reply.

A rule is looked at only where one of its phrases stands in the text, and a phrase is looked for
only where its rarest word, its anchor, does: the time for a reply hardly grows with the number of
rules, and is linear in the text whatever the text is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ulak.replies.patterns.rule import Condition, Phrase, Provider, Rule, providers, rules

FOLDER = Path(__file__).parent / "rules"
PROVIDERS = Path(__file__).parent / "providers.toml"

# What a rule gains by demanding more than words, in letters, and by being of who wrote them.
_THEIRS, _SOMEONES, _DETAIL, _CODE = 60, 20, 25, 10


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds, and how much of the reply it takes into account."""

    rule: Rule
    weight: int


class Book:
    """Rules and providers, found by their words."""

    def __init__(self, every: Iterable[Rule], known: Iterable[Provider]) -> None:
        self.rules = tuple(every)
        self.providers = {provider.slug: provider for provider in known}
        words = Counter(
            word
            for rule in self.rules
            for group in rule.says
            for phrase in group
            for word in phrase.words
        )
        # The rarest first; of those that are as rare, the longest.
        self._rank = {word: (count, -len(word)) for word, count in words.items()}
        self._by_word: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._always: list[int] = []
        self._by_provider: dict[str, list[int]] = defaultdict(list)
        self._signs: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for number, rule in enumerate(self.rules):
            self._enter(number, rule)
        self._anchors = frozenset(self._by_word)
        for provider in self.providers.values():
            for sign in provider.signs:
                self._signs[self._anchor(sign)].append((sign.text, provider.slug))
        self._signed = frozenset(self._signs)

    def provider(self, words: str) -> str:
        """Name who wrote these words; what they wrote first counts. "" where nothing shows it."""
        found = [
            (words.find(sign), slug)
            for anchor in self._signed.intersection(words.split())
            for sign, slug in self._signs[anchor]
            if sign in words
        ]
        return min(found)[1] if found else ""

    def find(
        self, code: int | None, enhanced: tuple[int, int, int] | None, words: str, provider: str
    ) -> list[Match]:
        """Give the rules that hold, the one that says most first."""
        candidates = {
            number
            for anchor in self._anchors.intersection(words.split())
            for phrase, number in self._by_word[anchor]
            if phrase in words
        }
        candidates.update(self._always, self._by_provider.get(provider, ()))
        found = []
        for number in candidates:
            rule = self.rules[number]
            weight = _weight(rule, code, enhanced, words, provider)
            if weight is not None:
                found.append(Match(rule, weight))
        found.sort(key=lambda match: (-match.weight, match.rule.identity))
        return found

    def _enter(self, number: int, rule: Rule) -> None:
        if not rule.says:
            self._by_provider[rule.provider].append(number)
            return
        # Any of what must be said will do to look the rule up; the rarest does best.
        groups = [group for group in rule.says if all(phrase.words for phrase in group)]
        if not groups:
            self._always.append(number)
            return
        anchored = [[(self._anchor(phrase), phrase.text) for phrase in group] for group in groups]
        if len(anchored) > 1:
            anchored.sort(key=lambda group: sum(self._rank[anchor][0] for anchor, _ in group))
        for anchor, text in anchored[0]:
            self._by_word[anchor].append((text, number))

    def _anchor(self, phrase: Phrase) -> str:
        words = phrase.words
        return words[0] if len(words) == 1 else min(words, key=self._ranked)

    def _ranked(self, word: str) -> tuple[int, int]:
        return self._rank.get(word, (0, 0))


@cache
def book() -> Book:
    """Read all rules, once."""
    every = (rule for file in sorted(FOLDER.glob("*.toml")) for rule in rules(file))
    return Book(every, providers(PROVIDERS))


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
        best = 0
        for phrase in group:
            text = phrase.text
            if len(text) > best and text in words:
                best = len(text)
        if not best:
            return None
        weight += best
    if rule.unless and any(phrase.text in words for phrase in rule.unless):
        return None
    if not rule.says:
        return weight  # a bare code of theirs; whatever words they say, say more
    if rule.provider:
        weight += _THEIRS if rule.provider == provider else _SOMEONES
    return weight


def _worth(condition: Condition) -> int:
    if condition.detail is not None:
        return _DETAIL
    return _CODE if condition.code is not None else 1
