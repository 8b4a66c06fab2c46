"""Two replies side by side: the answer behind `ulak compare`.

The two may be basic codes, enhanced codes, causes, or whole replies. Which is named first makes
no difference: there is one page for a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ulak.replies import texts
from ulak.replies.composing import Composer, glance, told_beside
from ulak.replies.document import (
    Block,
    Document,
    Facts,
    Heading,
    Items,
    Links,
    Paragraph,
    to_html,
    to_markdown,
    to_text,
)
from ulak.replies.sides import Related, Side, UnknownReplyError, blocks_of, order
from ulak.replies.sides.finding import settled

__all__ = ["Comparison", "Difference", "UnknownReplyError", "compare"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the two differ. `about` is `class`, `family`, `stage`, `queue` or `acts`.

    `each` is what belongs to one side alone, to be set side by side; None where `text` speaks of
    both at once.
    """

    about: str
    text: str
    each: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides in their order, and what tells them apart, as sentences.

    `common` are the stages to which both belong, `common_in_practice` those at which both are
    seen; `reads` are the pages to read next.
    """

    language: str
    a: Side
    b: Side
    title: str
    summary: str
    differences: tuple[Difference, ...]
    which: tuple[str, ...]
    next_steps: tuple[str, ...]
    reads: tuple[Related, ...]
    links: tuple[tuple[str, str], ...]
    common: tuple[str, ...]
    common_in_practice: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give what `ulak compare --format json` prints."""
        return {
            "language": self.language,
            "title": self.title,
            "summary": self.summary,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "common_commands": list(self.common),
            "common_in_practice": list(self.common_in_practice),
            "differences": [{"about": d.about, "text": d.text} for d in self.differences],
            "which": list(self.which),
            "next": list(self.next_steps),
            "related": [{"key": r.key, "title": r.title} for r in self.reads],
            "links": [{"title": title, "url": url} for title, url in self.links],
        }

    def to_document(self) -> Document:
        """Give the page that a person reads."""
        labels = texts.page("labels", self.language)
        blocks: list[Block] = [Heading(self.title, 1), Paragraph(self.summary)]
        blocks += [Heading(labels["glance"]), glance(self.a, self.b, self.language)]
        told = {d.about: d.text for d in self.differences}
        if "stage" in told:
            blocks += [Heading(labels["same_command"]), Paragraph(told.pop("stage"))]
        blocks += blocks_of(self.a, self.language)
        blocks += told_beside(self.a, self.b, self.language)
        names = texts.page("about", self.language)
        rows = tuple((str(names[about]), text) for about, text in told.items())
        blocks += [Heading(labels["differences"]), Facts(rows)]
        blocks += [Heading(labels["which"]), Items(self.which)]
        blocks += [Heading(labels["next"]), Items(self.next_steps), Links(self.links)]
        return Document(self.language, tuple(blocks))

    def to_text(self) -> str:
        """Write for a terminal of 80 columns."""
        return to_text(self.to_document())

    def to_markdown(self) -> str:
        """Write as Markdown."""
        return to_markdown(self.to_document())

    def to_html(self) -> str:
        """Write as one complete HTML page."""
        return to_html(self.to_document())


def compare(a: str, b: str, lang: str = texts.DEFAULT) -> Comparison:
    """Compare two replies: basic codes, enhanced codes, causes, or whole replies.

    `UnknownReplyError` where one of them is none of these, or both are the same.
    """
    language = texts.language(lang)
    first, second = sorted((settled(a, language), settled(b, language)), key=order)
    if (first.kind, first.key) == (second.kind, second.key):
        raise UnknownReplyError(texts.page("error", language)["same"].format(what=first.key))
    common = tuple(stage for stage in first.answers if stage in second.answers)
    everywhere = {*second.answers, *second.in_practice}
    practice = tuple(s for s in (*first.answers, *first.in_practice) if s in everywhere)
    notes = texts.pair(f"{first.key}-{second.key}", language)
    say = Composer(language, first, second, common, practice, notes.get("stage", ""))
    reads, each = say.reads(), say.apart()
    return Comparison(
        language=language,
        a=first,
        b=second,
        title=texts.page("labels", language)["versus"].format(a=first.key, b=second.key),
        summary=" ".join(filter(None, (say.summary(), notes.get("difference", "")))),
        differences=tuple(
            Difference(about, text, each.get(about)) for about, text in say.differences()
        ),
        which=tuple(filter(None, (*say.matters(), notes.get("which", "")))),
        next_steps=say.next_steps(reads),
        reads=reads,
        links=tuple(dict.fromkeys((*first.links, *second.links))),
        common=common,
        common_in_practice=practice,
    )
