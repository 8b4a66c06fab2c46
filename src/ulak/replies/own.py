"""Recognising the catalog's own words, and reading the facts out of them.

Every row's words are a template. Its literal parts are looked for in turn, from left to right,
so the time is linear in the text whatever the text is; a regular expression would not promise it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from ulak.replies.catalog import CATALOG, Cause
from ulak.replies.refusal import parted

# Words with less of their own than this (`<{address}>`) are known only together with their code.
_TELLING = 12


@dataclass(frozen=True, slots=True)
class Template:
    """The words of a row, cut at its facts: one more literal than there are names."""

    row: Cause
    literals: tuple[str, ...]
    names: tuple[str, ...]

    def match(self, text: str) -> dict[str, str] | None:
        """Give the facts in a text that this row wrote, or None where another wrote it."""
        first, last = self.literals[0], self.literals[-1]
        if not text.startswith(first):
            return None
        if not self.names:
            return {} if text == first else None
        if not text.endswith(last):
            return None
        end = len(text) - len(last)
        at = len(first)
        facts: dict[str, str] = {}
        for name, literal in zip(self.names[:-1], self.literals[1:-1], strict=True):
            found = text.find(literal, at, end)
            if found < 0:
                return None
            facts[name] = text[at:found]
            at = found + len(literal)
        if at > end:
            return None
        facts[self.names[-1]] = text[at:end]
        return facts


def recognise(
    code: int | None, enhanced: str | None, text: str
) -> tuple[Cause, dict[str, str]] | None:
    """Name the row that wrote this reply, with its facts; None where no row did.

    Without a code only words that say enough by themselves are recognised.
    """
    if code is None:
        known = _telling()
    else:
        detail = None if enhanced is None else enhanced[2:]
        if enhanced is not None and int(enhanced[0]) != code // 100:
            return None
        known = _with_codes(code, detail)
    line, identifier, link = parted(text.partition("\n")[0])
    for template in known.every if line.startswith(known.heads) else known.headless:
        facts = template.match(line)
        if facts is not None:
            mark = {"refusal": identifier, "link": link}
            return template.row, facts | {name: fact for name, fact in mark.items() if fact}
    return None


def template(row: Cause) -> Template:
    """Cut the words of a row at its facts."""
    literals, names = [""], list[str]()
    for literal, name, _, _ in Formatter().parse(row.words):
        literals[-1] += literal
        if name is not None:
            names.append(name)
            literals.append("")
    return Template(row, tuple(literals), tuple(names))


class _Known(NamedTuple):
    """Templates, the words with which they begin, and those that begin with a fact."""

    every: tuple[Template, ...]
    heads: tuple[str, ...]
    headless: tuple[Template, ...]


@lru_cache(1024)
def _with_codes(code: int, detail: str | None) -> _Known:
    rows = [row for row in CATALOG.values() if row.detail == detail]
    return _known(template(row) for row in rows if code in (row.code, *row.codes))


@cache
def _telling() -> _Known:
    # What says most comes first: the words of one row may fit into a fact of another's.
    every = sorted(map(template, CATALOG.values()), key=_said, reverse=True)
    return _known(t for t in every if _said(t) >= _TELLING)


def _known(templates: Iterable[Template]) -> _Known:
    every = tuple(templates)
    heads = dict.fromkeys(t.literals[0] for t in every if t.literals[0])
    return _Known(every, tuple(heads), tuple(t for t in every if not t.literals[0]))


def _said(words: Template) -> int:
    return sum(map(len, words.literals))
