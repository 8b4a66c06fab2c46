"""An index of words: what pages a few words mean, by how much each word tells.

A word counts by its rarity and by where it stands. It is found whole, by its beginning, or, where
neither is there, with a slip of the hand in it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ulak.web.reference.folding import near, words

_BEGUN, _STEM, _SLIPPED = 0.7, 0.3, 0.5
_MOST_WORDS = 12  # of what is asked
_MOST_BEGUN = 60
_SHORTEST_SLIP, _LONG = 4, 8
_SHORTEST_STEM = 4
_LONGEST_ENDING = 4


class Index:
    """Pages by their words: for each page, texts with the weight of a word in them.

    `wanted` says of some pages by how much they are likelier to be meant.
    """

    def __init__(
        self,
        pages: Mapping[str, Iterable[tuple[str, float]]],
        wanted: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._wanted = wanted
        self._places: dict[str, dict[str, float]] = defaultdict(dict)
        for page, texts in pages.items():
            for text, weight in texts:
                for word in words(text):
                    known = self._places[word].get(page, 0.0)
                    self._places[word][page] = max(known, weight)
        self._words = sorted(self._places)
        self._rarity = {w: math.log(1 + len(pages) / len(of)) for w, of in self._places.items()}
        self._lacking: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            if len(word) >= _SHORTEST_SLIP and word.isalpha():
                for one in _lacking_one(word):
                    self._lacking[one].append(word)

    def find(self, asked: str) -> list[tuple[str, float]]:
        """Give the pages that what is asked may mean, the likeliest first."""
        every = [word for word in dict.fromkeys(words(asked)) if len(word) > 1][:_MOST_WORDS]
        totals: dict[str, float] = defaultdict(float)
        met: dict[str, int] = defaultdict(int)
        for word in every:
            best: dict[str, float] = {}
            for known, share in self._meant(word):
                for page, weight in self._places[known].items():
                    worth = share * weight * self._rarity[known]
                    best[page] = max(best.get(page, 0.0), worth)
            for page, worth in best.items():
                totals[page] += worth
                met[page] += 1
        most = max(met.values(), default=0)
        # Who meets most of the words comes first, and what meets few of many is left out.
        found = [
            (page, total * (met[page] / len(every)) ** 2 * self._wanted.get(page, 1.0))
            for page, total in totals.items()
            if 2 * met[page] >= most
        ]
        return sorted(found, key=lambda row: (-row[1], row[0]))

    def _meant(self, word: str) -> list[tuple[str, float]]:
        """Give the known words that a typed one may be, each with how sure that is."""
        found = [(word, 1.0)] if word in self._places else []
        at = bisect_left(self._words, word)
        for known in self._words[at : at + _MOST_BEGUN]:
            if not known.startswith(word):
                break
            if known != word:
                found.append((known, _BEGUN))
        if found:
            return found
        for end in range(len(word) - 1, max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING) - 1, -1):
            if word[:end] in self._places:
                found.append((word[:end], _STEM))
                break
        return [*found, *((known, _SLIPPED) for known in self._slipped(word))]

    def _slipped(self, word: str) -> list[str]:
        if len(word) < _SHORTEST_SLIP or not word.isalpha():
            return []
        most = 1 if len(word) < _LONG else 2
        likely = {known for one in _lacking_one(word) for known in self._lacking.get(one, ())}
        return sorted(known for known in likely if near(word, known, most))


def _lacking_one(word: str) -> set[str]:
    """Give a word, and it without each of its letters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}
