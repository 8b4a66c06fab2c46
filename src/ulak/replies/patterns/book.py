"""All rules together, and the one that holds for a reply.

A rule is looked at only where one of its words, its anchor, stands in the text: the time for a
reply does not grow with the number of rules, and is linear in the text whatever the text is.
"""

from __future__ import annotations

from collections import defaultdict
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
        self._by_word: dict[str, list[Rule]] = defaultdict(list)
        self._always: list[Rule] = []
        self._by_provider: dict[str, list[Rule]] = defaultdict(list)
        self._signs: dict[str, list[tuple[Phrase, str]]] = defaultdict(list)
        for rule in self.rules:
            self._enter(rule)
        self._anchors = frozenset(self._by_word)
        for provider in self.providers.values():
            for sign in provider.signs:
                self._signs[sign.anchor or ""].append((sign, provider.slug))
        self._signed = frozenset(self._signs)

    def provider(self, words: str) -> str:
        """Name who wrote these words; what they wrote first counts. "" where nothing shows it."""
        found = [
            (words.find(sign.text), slug)
            for anchor in self._signed.intersection(words.split())
            for sign, slug in self._signs[anchor]
            if sign.text in words
        ]
        return min(found)[1] if found else ""

    def find(
        self, code: int | None, enhanced: tuple[int, int, int] | None, words: str, provider: str
    ) -> list[Match]:
        """Give the rules that hold, the one that says most first."""
        candidates = {
            rule.identity: rule
            for anchor in self._anchors.intersection(words.split())
            for rule in self._by_word[anchor]
        }
        for rule in (*self._always, *self._by_provider.get(provider, ())):
            candidates[rule.identity] = rule
        found = []
        for rule in candidates.values():
            weight = _weight(rule, code, enhanced, words, provider)
            if weight is not None:
                found.append(Match(rule, weight))
        found.sort(key=lambda match: (-match.weight, match.rule.identity))
        return found

    def _enter(self, rule: Rule) -> None:
        if not rule.says:
            self._by_provider[rule.provider].append(rule)
            return
        # The group whose shortest anchor is the longest: the rarest words, as a rule.
        groups = [
            [phrase.anchor for phrase in group if phrase.anchor is not None]
            for group in rule.says
            if all(phrase.anchor is not None for phrase in group)
        ]
        if not groups:
            self._always.append(rule)
            return
        for anchor in set(max(groups, key=lambda anchors: min(map(len, anchors)))):
            self._by_word[anchor].append(rule)


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
    for group in rule.says:
        best = max((len(p.text) for p in group if p.text in words), default=0)
        if not best:
            return None
        weight += best
    if any(phrase.text in words for phrase in rule.unless):
        return None
    if rule.codes:
        holding = [c for c in rule.codes if c.holds(code, enhanced)]
        if not holding:
            return None
        weight += max(map(_worth, holding))
    if not rule.says:
        return weight  # a bare code of theirs; whatever words they say, say more
    if rule.provider:
        weight += _THEIRS if rule.provider == provider else _SOMEONES
    return weight


def _worth(condition: Condition) -> int:
    if condition.detail is not None:
        return _DETAIL
    return _CODE if condition.code is not None else 1
