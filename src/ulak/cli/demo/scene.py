"""One step of the tour while it is played: what it shows, and what it found right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ulak.journal.story import Happening
from ulak.language import Texts
from ulak.replies.explain import Explanation, explain

TEXTS = Texts(Path(__file__).parent / "texts")


@dataclass(frozen=True, slots=True)
class Said:
    """A paragraph of the tour's own words."""

    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """An SMTP dialogue, each line with `C: ` or `S: ` before it. `label` says whose it is."""

    lines: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A reply and what it means; not `shown` where another part says the same to a person."""

    reply: str
    told: Explanation
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What the journal tells."""

    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A text that came out of the server, as it is. `name` says for programs what it is."""

    name: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """Something that should be so, and what was there instead if it is not."""

    name: str
    expected: str
    came: str
    ok: bool


Part = Said | Talk | Explained | Told | Quote | Check


@dataclass(slots=True)
class Scene:
    """One step; every part of it is shown as soon as it is there."""

    name: str
    number: int
    language: str
    columns: int
    show: Callable[[Part], None]
    parts: list[Part] = field(default_factory=list)

    def words(self, key: str, **facts: object) -> str:
        """Give a text of the tour."""
        return TEXTS.say(self.language, key, **facts)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was looked at."""
        return tuple(part for part in self.parts if isinstance(part, Check))

    @property
    def ok(self) -> bool:
        """Whether all went as it should."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    def add(self, part: Part) -> None:
        """Show a part."""
        self.parts.append(part)
        self.show(part)

    def say(self, key: str, **facts: object) -> None:
        """Say something in the tour's own words, `KEY` of this step."""
        self.add(Said(self.words(f"{self.name}.{key}", **facts)))

    def talk(self, lines: Sequence[str], label: str = "", **facts: object) -> None:
        """Show a dialogue; `label` names a text of this step."""
        said = self.words(f"{self.name}.{label}", **facts) if label else ""
        self.add(Talk(tuple(lines), said))

    def explain(self, reply: str, *, shown: bool = True) -> None:
        """Explain a reply."""
        self.add(Explained(reply, explain(reply, lang=self.language), shown))

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Show what the journal tells."""
        if happenings:
            self.add(Told(tuple(happenings)))

    def quote(self, name: str, text: str, **facts: object) -> None:
        """Show a text that came out of the server; `name` names the text that introduces it."""
        self.add(Quote(name, self.words(f"{self.name}.{name}", **facts), text))

    def check(self, name: str, came: object, *, ok: bool, **facts: object) -> None:
        """Note whether something is as it should be; `came` is what there is."""
        expected = self.words(f"{self.name}.expect.{name}", **facts)
        self.add(Check(name, expected, str(came), ok))


def fields(scene: Scene) -> Mapping[str, object]:
    """Give a step that is over as what `json.dumps` takes."""
    of = scene.parts
    return {
        "step": scene.name,
        "number": scene.number,
        "title": scene.words(f"{scene.name}.title"),
        "ok": scene.ok,
        "dialogues": [list(part.lines) for part in of if isinstance(part, Talk)],
        "explanations": [part.told.to_json() for part in of if isinstance(part, Explained)],
        "journal": [
            {"kind": str(happening.entry.kind), "sentence": happening.sentence}
            for part in of
            if isinstance(part, Told)
            for happening in part.happenings
        ],
        "quotes": [
            {"name": part.name, "text": part.text} for part in of if isinstance(part, Quote)
        ],
        "checks": [
            {"name": check.name, "expected": check.expected, "came": check.came, "ok": check.ok}
            for check in scene.checks
        ],
    }
