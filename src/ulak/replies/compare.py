"""Two replies side by side: the answer behind `ulak compare`.

The two may be basic codes, enhanced codes, causes, or whole replies. Which is named first makes
no difference: there is one page for a pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ulak.replies import texts
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
from ulak.replies.sides import Side, UnknownReplyError, blocks_of, order, side, stage_list

__all__ = ["Comparison", "Difference", "UnknownReplyError", "compare"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the two differ. `about` is `class`, `family`, `stage`, `queue` or `acts`."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides in their order, and what tells them apart, as sentences."""

    language: str
    a: Side
    b: Side
    title: str
    summary: str
    differences: tuple[Difference, ...]
    which: tuple[str, ...]
    next_steps: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    common: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give what `ulak compare --format json` prints."""
        return {
            "language": self.language,
            "title": self.title,
            "summary": self.summary,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "common_commands": list(self.common),
            "differences": [{"about": d.about, "text": d.text} for d in self.differences],
            "which": list(self.which),
            "next": list(self.next_steps),
            "links": [{"title": title, "url": url} for title, url in self.links],
        }

    def to_document(self) -> Document:
        """Give the page that a person reads."""
        labels = texts.page("labels", self.language)
        blocks: list[Block] = [Heading(self.title, 1), Paragraph(self.summary)]
        for half in (self.a, self.b):
            blocks += blocks_of(half, self.language)
        names = texts.page("about", self.language)
        rows = tuple((str(names[d.about]), d.text) for d in self.differences)
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
    first, second = sorted((side(a, language), side(b, language)), key=order)
    if (first.kind, first.key) == (second.kind, second.key):
        raise UnknownReplyError(texts.page("error", language)["same"].format(what=first.key))
    common = tuple(stage for stage in first.answers if stage in second.answers)
    notes = _pair(first, second, language)
    labels = texts.page("labels", language)
    say = _Sayer(language, first, second)
    return Comparison(
        language=language,
        a=first,
        b=second,
        title=labels["versus"].format(a=first.key, b=second.key),
        summary=" ".join(filter(None, (say.summary(), notes.get("difference", "")))),
        differences=tuple(say.differences(common)),
        which=tuple(filter(None, (*say.matters(), notes.get("which", "")))),
        next_steps=say.next_steps(),
        links=tuple(dict.fromkeys((*first.links, *second.links))),
        common=common,
    )


class _Sayer:
    """Composes the sentences about a pair in one language."""

    def __init__(self, language: str, a: Side, b: Side) -> None:
        self.language, self.a, self.b = language, a, b
        self.words = texts.page("compare", language)

    def summary(self) -> str:
        a, b = self.a, self.b
        word, table = ("same", "shorts") if a.severity == b.severity else ("differ", "short")
        short = texts.page(table, self.language)
        return str(self.words[word]).format(
            a=a.key,
            a_title=a.title,
            a_short=short[str(a.severity)],
            b=b.key,
            b_title=b.title,
            b_short=short[str(b.severity)],
        )

    def differences(self, common: tuple[str, ...]) -> Iterable[Difference]:
        for about, sentences in (
            ("class", self._classes()),
            ("family", self._families()),
            ("stage", self._stages(common)),
            ("queue", self._queues()),
            ("acts", filter(None, (self.a.acts, self.b.acts))),
        ):
            if text := " ".join(sentences):
                yield Difference(about, text)

    def matters(self) -> Iterable[str]:
        for half in (self.a, self.b):
            yield half.matters or self.words["seen"].format(a=half.key, seen=half.seen_when)

    def next_steps(self) -> tuple[str, ...]:
        whole = "reply" in (self.a.kind, self.b.kind)
        # A reply is looked up by its cause: its own words are not to be typed.
        a, b = (half.causes[0] if half.kind == "reply" else half.key for half in (self.a, self.b))
        more = self.words["more_one" if a == b else "more"].format(a=a, b=b)
        return (more,) if whole else (self.words["example"], more)

    def _classes(self) -> Iterable[str]:
        a, b = self.a, self.b
        if a.severity == b.severity:
            both = texts.page("are", self.language)[str(a.severity)]
            yield self.words["class_same"].format(both_are=both)
            return
        each = texts.page("is", self.language)
        for half in (a, b):
            yield self.words["class_each"].format(a=half.key, a_is=each[str(half.severity)])

    def _families(self) -> Iterable[str]:
        a, b = self.a, self.b
        subjects = texts.page("subject", self.language)
        for half in (a, b):
            if half.kind == "enhanced" and half.enhanced is not None:
                what = subjects.get(half.enhanced.split(".")[1], subjects["0"])
                yield self.words["subject"].format(a=half.key, what=what)
        if a.family is None or b.family is None or "unknown" in (a.family, b.family):
            return
        word = "family_same" if a.family == b.family else "family"
        yield self.words[word].format(
            a=a.key, b=b.key, a_family=f"`{a.family}`", b_family=f"`{b.family}`"
        )

    def _stages(self, common: tuple[str, ...]) -> Iterable[str]:
        a, b = self.a, self.b
        if not (a.answers and b.answers):
            return
        if a.code != b.code:
            for half in (a, b):
                if half.kind == "cause":
                    yield self.words["sent_with"].format(a=half.key, code=half.code)
                yield self._answers("answers", half, half.answers)
            if common:
                yield self._answers("meet", a, common)
            else:
                yield self.words["never_meet"]
            for half in (a, b):
                if half.in_practice:
                    yield self._answers("practice", half, half.in_practice)

    def _answers(self, word: str, half: Side, stages: tuple[str, ...]) -> str:
        key = half.key if half.code is None else str(half.code)
        return str(self.words[word]).format(a=key, commands=stage_list(stages, self.language))

    def _queues(self) -> Iterable[str]:
        for half in (self.a, self.b):
            if half.kind == "code":
                queue = texts.page("queue", self.language)[str(half.severity)]
            else:
                queue = texts.page("after", self.language)[half.sender_action]
            yield queue.format(a=half.key)


def _pair(a: Side, b: Side, language: str) -> texts.Table:
    if a.kind == b.kind == "code":
        return texts.pair(f"{a.key}-{b.key}", language)
    return {}
