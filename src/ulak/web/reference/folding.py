"""Words as they are compared in a search: without case, marks and what a keyboard may lack.

`İleti`, `ileti` and `ILETI` are one word, and so are `ış` and `is`: whoever has no Turkish keyboard
types without the dots and tails. In Arabic the forms of alif are one letter, and the article falls
away. Nothing that a protocol compares goes through here (`ulak.language.case`).
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_ARTICLE = "ال"
_SAME = str.maketrans({"ı": "i", "ß": "ss", "ى": "ي", "ة": "ه", "ـ": None, "’": "'"})
_LONGEST = 40
_SHORTEST_WITH_ARTICLE = 5


def fold(text: str) -> str:
    """Give a text as it is compared."""
    parted = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in parted if not unicodedata.combining(one))
    return bare.lower().translate(_SAME)


def words(text: str) -> list[str]:
    """Give the words of a text as they are compared, in their order."""
    return [_without_article(word[:_LONGEST]) for word in _WORD.findall(fold(text))]


def _without_article(word: str) -> str:
    if word.startswith(_ARTICLE) and len(word) >= _SHORTEST_WITH_ARTICLE:
        return word.removeprefix(_ARTICLE)
    return word


def near(a: str, b: str, most: int) -> bool:
    """Whether two words differ by at most so many letters left out, added, changed or swapped."""
    if abs(len(a) - len(b)) > most:
        return False
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most
