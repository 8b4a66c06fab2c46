"""Two sides, section by section, so that what belongs together stands beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ulak.replies import texts
from ulak.replies.compare import Comparison
from ulak.replies.sides import Side
from ulak.replies.sides.saying import by_family
from ulak.web.reference import keys
from ulak.web.reference.examples import example
from ulak.web.reference.one import TONES

_MOST_CAUSES = 6
_MOST_PAIRS = 4


@dataclass(frozen=True, slots=True)
class Section:
    """One section of both sides. `same`: both say the same, and it is said once.

    `kind` is `text` (one paragraph) or `steps`.
    """

    title: str
    kind: str
    a: tuple[str, ...]
    b: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both sides say the same."""
        return self.a == self.b


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which they differ: a cell for each, or one for both."""

    about: str
    both: str
    each: tuple[str, str] | None


def beside(compared: Comparison) -> dict[str, Any]:
    """Give the parts of the page of a pair."""
    a, b, language = compared.a, compared.b, compared.language
    labels, about = texts.page("labels", language), texts.page("about", language)
    sections = [
        Section(labels["means"], "text", (a.means,), (b.means,)),
        Section(labels["seen_when"], "text", (a.seen_when,), (b.seen_when,)),
    ]
    fixes = [
        Section(labels["fix_sender"], "steps", a.fix_sender, b.fix_sender),
        Section(labels["fix_operator"], "steps", a.fix_operator, b.fix_operator),
    ]
    told = {d.about: d for d in compared.differences}
    stage = told.pop("stage", None)
    return {
        "a": a,
        "b": b,
        "tones": (TONES[a.severity], TONES[b.severity]),
        "examples": (example(a), example(b)),
        "sections": sections,
        "fixes": [section for section in fixes if section.a or section.b],
        "stage": stage.text if stage is not None else "",
        "differences": [Difference(about[d.about], d.text, d.each) for d in told.values()],
        "causes": (_causes(a), _causes(b)),
        "reads_next": [r for r in compared.reads if keys.known(r.key)],
        "more_pairs": _pairs(compared),
    }


def _causes(half: Side) -> tuple[str, ...]:
    """Name the causes behind a code that tell most: those of each family first in turn."""
    if half.kind == "cause":
        return ()
    families = [names for _, names in by_family(half.causes, texts.DEFAULT)]
    longest = max(map(len, families), default=0)
    in_turn = [names[at] for at in range(longest) for names in families if at < len(names)]
    return tuple(in_turn[:_MOST_CAUSES])


def _pairs(compared: Comparison) -> list[tuple[str, str]]:
    """Name the comparisons to read next: those written about, then each side with its next."""
    here = (compared.a.key, compared.b.key)
    written = [pair for pair in keys.written_pairs() if pair != here and set(pair) & set(here)]
    near = [
        keys.in_order(half.key, other.key)
        for half in (compared.a, compared.b)
        for other in half.related[:2]
        if keys.known(other.key) and other.key not in here
    ]
    return list(dict.fromkeys((*written, *near)))[:_MOST_PAIRS]
