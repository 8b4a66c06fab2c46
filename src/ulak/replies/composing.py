"""The sentences about a pair, composed of what is known of each side.

Nothing is set beside each other that would say the same twice: where both sides agree, one
sentence speaks of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ulak.replies import texts
from ulak.replies.codes import STAGES
from ulak.replies.document import Block, Heading, Items, Paragraph, Table
from ulak.replies.sides import Related, Side, stage_list
from ulak.replies.sides.page import few_causes, providers_of
from ulak.replies.sides.saying import acts, capital, queue

_MOST_TO_READ = 5
_MOST_PAIRS = 3
_SENTENCE = re.compile(r"(?<=[.!?”])\s+(?=[^\W\d_a-zçğıöşü]|[0-9`“@])")


class Composer:
    """Composes the sentences about a pair in one language.

    `common` are the stages to which both belong; `practice` those at which both are seen;
    `stage_note` is what was written by hand about where they may come.
    """

    def __init__(
        self,
        language: str,
        a: Side,
        b: Side,
        common: tuple[str, ...],
        practice: tuple[str, ...],
        stage_note: str = "",
    ) -> None:
        self.language, self.a, self.b = language, a, b
        self.common, self.stage_note = common, stage_note
        self.by_table = a.kind == b.kind == "code"
        self.practice = tuple(s for s in STAGES if s in practice and s not in common)
        self.words = texts.page("compare", language)

    def summary(self) -> str:
        """Say in one sentence what each is."""
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

    def differences(self) -> Iterator[tuple[str, str]]:
        """Give each way in which they differ, by what it is about."""
        for about, sentences in (
            ("class", self._classes()),
            ("family", self._families()),
            ("stage", self._stages()),
            ("queue", self._queues()),
            ("acts", self._acts()),
        ):
            if text := " ".join(sentences):
                yield about, text

    def apart(self) -> dict[str, tuple[str, str]]:
        """Give what each side says for itself where they differ, by what it is about.

        Where one sentence of `differences` speaks of both there is nothing.
        """
        a, b = self.a, self.b
        found: dict[str, tuple[str, str]] = {}
        if a.severity != b.severity:
            found["class"] = (self._class_of(a), self._class_of(b))
        about = self._subjects()
        if about and about[0] != about[1]:
            found["family"] = (capital(about[0], self.language), capital(about[1], self.language))
        if not self._queue_of_both():
            found["queue"] = (a.queue, b.queue)
        if not self._acts_of_both():
            found["acts"] = (acts(a, self.language), acts(b, self.language))
        return found

    def matters(self) -> Iterator[str]:
        """Say when each is the one to look at."""
        a, b = self.a, self.b
        if a.matters or b.matters or a.turn is not b.turn:
            for half in (a, b):
                yield half.matters or self._matters_to(half)
        else:
            yield str(texts.page("matters_both", self.language)[a.turn.value])
        urgency = self._urgency()
        if urgency and not (a.matters and b.matters):
            yield urgency

    def reads(self) -> tuple[Related, ...]:
        """Give the pages to read next: what both lead to first, then in turn."""
        a, b = self.a, self.b
        titles = {r.key: r for r in (*a.related, *b.related)}
        shared = [r.key for r in a.related if any(r.key == o.key for o in b.related)]
        longest = max(len(a.related), len(b.related))
        in_turn = [
            half.related[place].key
            for place in range(longest)
            for half in (a, b)
            if place < len(half.related)
        ]
        keys = [k for k in dict.fromkeys((*shared, *in_turn)) if k not in (a.key, b.key)]
        return tuple(titles[key] for key in keys[:_MOST_TO_READ])

    def next_steps(self, reads: tuple[Related, ...]) -> tuple[str, ...]:
        """Give what to type next: the two pages, and those to which they lead."""
        a, b = self.a, self.b
        steps: list[str] = []
        if "reply" not in (a.kind, b.kind):
            steps.append(str(self.words["example_key"]))
        for half in (a, b):
            # A reply is looked up by its cause: its own words are not to be typed.
            key = half.causes[0] if half.kind == "reply" else half.key
            steps.append(self._read(Related(key, half.title)))
        steps += map(self._read, reads)
        written = texts.pairs_with((a.key, b.key), [r.key for r in reads])[:_MOST_PAIRS]
        if written:
            pairs = (str(self.words["compares"]).format(a=one, b=other) for one, other in written)
            steps.append(f"{', '.join(pairs)}.")
        return tuple(dict.fromkeys(steps))

    def _read(self, page: Related) -> str:
        step = str(self.words["reads"]).format(a=page.key, title=page.title)
        return step if step.endswith((".", "!", "?")) else f"{step}."

    def _classes(self) -> Iterable[str]:
        a, b = self.a, self.b
        if a.severity == b.severity:
            both = texts.page("are", self.language)[str(a.severity)]
            yield self.words["class_same"].format(both_are=both)
        else:
            yield self._class_told(a)
            yield self._class_told(b)
        yield from filter(None, (self._mixed(a), self._mixed(b)))

    def _class_of(self, half: Side) -> str:
        return " ".join(filter(None, (self._class_told(half), self._mixed(half))))

    def _class_told(self, half: Side) -> str:
        is_so = texts.page("is", self.language)[str(half.severity)]
        return str(self.words["class_each"]).format(a=half.key, a_is=is_so)

    def _mixed(self, half: Side) -> str:
        mixed = half.severity == 5 and half.permanence == "temporary"  # noqa: PLR2004 -- 5yz
        return str(self.words["mixed"]).format(a=half.key) if mixed else ""

    def _families(self) -> Iterable[str]:
        about = self._subjects()
        if not about:
            return
        if about[0] == about[1]:
            yield self.words["families_same"].format(family=about[0])
        else:
            yield self.words["families"].format(
                a=self.a.key, a_family=about[0], b=self.b.key, b_family=about[1]
            )

    def _subjects(self) -> tuple[str, ...]:
        """Say what each is about, or nothing where that is not known of one of them."""
        subjects = texts.page("subject", self.language)
        names = texts.page("families", self.language)
        about: list[str] = []
        for half in (self.a, self.b):
            if half.kind == "enhanced":
                about.append(str(subjects.get(half.key.split(".")[1], subjects["0"])))
            elif half.family is not None and half.family != "unknown":
                about.append(str(names.get(half.family, half.family)))
            else:
                return ()
        return tuple(about)

    def _stages(self) -> Iterable[str]:
        a, b = self.a, self.b
        if "reply" in (a.kind, b.kind) and not (a.answers and b.answers):
            return
        if a.code is not None and a.code == b.code and "code" not in (a.kind, b.kind):
            yield self.words["same_code"].format(code=a.code)
        same = bool(a.answers) and a.answers == b.answers
        yield from self._places(same=same)
        if self.common:
            if not same:
                yield self._answers("meet", a, self.common)
        elif a.answers and b.answers:
            yield self.words["never_by_table" if self.by_table else "never_meet"]
        if self.stage_note:
            yield self.stage_note
        if self.by_table:
            for half in (a, b):
                if half.in_practice:
                    yield self._answers("practice", half, half.in_practice)
        if self.practice and not self.common:
            yield self._answers("meet_in_practice", a, self.practice)

    def _places(self, *, same: bool) -> Iterable[str]:
        a, b = self.a, self.b
        practice_same = a.in_practice == b.in_practice
        if same:
            by_meaning = a.kind == b.kind == "enhanced"
            yield self._answers("both_belong" if by_meaning else "meet", a, a.answers)
        for half in (a, b):
            if not same:
                yield self._place(half)
            if not self.by_table and half.in_practice and not (same and practice_same):
                yield self._answers("practice_cause", half, half.in_practice)
        if same and practice_same and a.in_practice and not self.by_table:
            yield self._answers("practice_both", a, a.in_practice)

    def _place(self, half: Side) -> str:
        if not half.answers:
            word = "reports" if half.standing in ("registered", "deprecated") else "nowhere"
            return str(self.words[word]).format(a=half.key)
        return self._answers(
            "belongs" if half.kind == "enhanced" else "answers", half, half.answers
        )

    def _answers(self, word: str, half: Side, stages: tuple[str, ...]) -> str:
        commands = stage_list(stages, self.language)
        return str(self.words[word]).format(a=half.key, commands=commands)

    def _queues(self) -> Iterable[str]:
        if both := self._queue_of_both():
            yield both
        else:
            yield self.a.queue
            yield self.b.queue

    def _queue_of_both(self) -> str:
        both = queue(self.a, self.language, both=True)
        return both if both == queue(self.b, self.language, both=True) else ""

    def _acts(self) -> Iterable[str]:
        if both := self._acts_of_both():
            yield both
        else:
            yield acts(self.a, self.language)
            yield acts(self.b, self.language)

    def _acts_of_both(self) -> str:
        a, b = self.a, self.b
        alike = a.acts.replace(a.key, "") == b.acts.replace(b.key, "")
        if not alike and a.acts and b.acts:
            return ""
        both = acts(a, self.language, both=True)
        return both if both == acts(b, self.language, both=True) else ""

    def _matters_to(self, half: Side) -> str:
        word = texts.page("matters_to", self.language)[half.turn.value]
        return str(word).format(a=half.key)

    def _urgency(self) -> str:
        a, b = self.a, self.b
        words = texts.page("urgency", self.language)
        for one, other in ((a, b), (b, a)):
            word = words.get(f"{one.permanence}-{other.permanence}")
            if word is not None:
                return str(word).format(a=one.key, b=other.key)
        return ""


def glance(a: Side, b: Side, language: str) -> Table:
    """Give what tells the two apart in a table of few words."""
    labels, about = texts.page("labels", language), texts.page("about", language)
    names, final = texts.page("class", language), texts.page("final", language)
    who, does = texts.page("who", language), texts.page("queue_short", language)
    rows: list[tuple[str, str, str]] = [
        (labels["class"], names[str(a.severity)], names[str(b.severity)]),
        (labels["final"], final[a.permanence], final[b.permanence]),
    ]
    places = [_where(half.answers, half, language) for half in (a, b)]
    rows.append((labels["answers"], places[0], places[1]))
    if a.in_practice or b.in_practice:
        seen = [stage_list(h.in_practice, language) if h.in_practice else "–" for h in (a, b)]
        rows.append((labels["in_practice"], seen[0], seen[1]))
    rows.append((about["queue"], does[a.sender_action], does[b.sender_action]))
    rows.append((labels["turn_short"], who[a.turn.value], who[b.turn.value]))
    return Table(("", a.key, b.key), tuple(rows))


def _where(stages: tuple[str, ...], half: Side, language: str) -> str:
    if stages:
        return stage_list(stages, language)
    labels = texts.page("labels", language)
    reported = half.standing in ("registered", "deprecated")
    return str(labels["reports_only" if reported else "no_command"])


def told_beside(a: Side, b: Side, language: str) -> list[Block]:
    """Give the part of the page about the second side, without what was said of the first."""
    labels, words = texts.page("labels", language), texts.page("compare", language)
    again = str(words["as_before"]).format(a=a.key)
    blocks: list[Block] = [Heading(f"{b.key}: {b.title}")]
    for label, before, text in (
        ("means", a.means, b.means),
        ("seen_when", a.seen_when, b.seen_when),
    ):
        blocks += [Heading(labels[label], 3), Paragraph(_without(text, before, again))]
    blocks.append(Heading(labels["fix"], 3))
    before = " ".join((*a.fix_sender, *a.fix_operator))
    for steps, label in ((b.fix_sender, "fix_sender"), (b.fix_operator, "fix_operator")):
        fresh = [_fresh(step, before) for step in steps]
        kept = [step for step in fresh if step]
        if tuple(kept) != steps:
            kept.append(again)
        if kept:
            blocks.append(Items(tuple(kept), labels[label], numbered=len(kept) > 1))
    if b.providers:
        blocks.append(Heading(labels["providers"], 3))
        items = tuple(item for item in providers_of(b) if item not in providers_of(a))
        blocks.append(Items(items) if items else Paragraph(again))
    return [*blocks, *few_causes(b, language)]


def _without(text: str, before: str, again: str) -> str:
    """Leave out of a text the sentences that stand in another, and say so."""
    fresh = _fresh(text, before)
    return text if fresh == text else f"{fresh} {again}".strip()


def _fresh(text: str, before: str) -> str:
    said = set(sentences(before))
    every = sentences(text)
    fresh = [sentence for sentence in every if sentence not in said]
    return text if len(fresh) == len(every) else " ".join(fresh)


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences."""
    return _SENTENCE.split(text)
