"""What is known about one code, cause or reply, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ulak.replies.turns import Role


@dataclass(frozen=True, slots=True)
class Related:
    """Another page to read: its key, as `ulak codes` takes it, and its title."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that gives a code another meaning: in which replies, what it means, what to do."""

    name: str
    replies: tuple[str, ...]
    means: str
    fix: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    `kind` is `code`, `enhanced`, `cause` or `reply`. `severity` is the class, the usual one where
    `key` leaves it open (`X.7.1`); `classes` are all that are foreseen, `seen` those met besides.
    `standing` says what stands behind a basic code (`codes.Standing`), `origin` where its number
    came from. `answers` are the stages to which it belongs (RFC 5321 §4.3.2), `in_practice` those
    at which it is seen besides. `causes` are the catalog's rows behind it. `acts` and `matters`
    are written for basic codes only; `words` are what a cause says on the wire, with places for
    facts.
    """

    kind: str
    key: str
    title: str
    means: str
    seen_when: str
    fix_sender: tuple[str, ...]
    fix_operator: tuple[str, ...]
    severity: int
    permanence: str
    sender_action: str
    turn: Role
    code: int | None = None
    enhanced: str | None = None
    family: str | None = None
    classes: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    standing: str = ""
    origin: str = ""
    answers: tuple[str, ...] = ()
    in_practice: tuple[str, ...] = ()
    basic_codes: tuple[int, ...] = ()
    enhanced_codes: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    providers: tuple[Provider, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    acts: str = ""
    matters: str = ""
    queue: str = ""
    words: str = ""

    @property
    def open(self) -> bool:
        """Whether the class is left open: `X.7.1`."""
        return self.key.startswith("X.")

    def to_json(self) -> dict[str, Any]:
        """Give what `ulak codes X --json` prints, and half of `ulak compare --format json`."""
        return {
            "kind": self.kind,
            "key": self.key,
            "code": self.code,
            "enhanced": self.enhanced,
            "family": self.family,
            "standing": self.standing or None,
            "title": self.title,
            "means": self.means,
            "seen_when": self.seen_when,
            "fix": [
                *({"who": "sender", "step": step} for step in self.fix_sender),
                *({"who": "operator", "step": step} for step in self.fix_operator),
            ],
            "class": None if self.open else self.severity,
            "classes": list(self.classes),
            "classes_in_practice": list(self.seen),
            "permanence": self.permanence,
            "sender_action": self.sender_action,
            "queue": self.queue,
            "turn": self.turn.value,
            "acts": self.acts,
            "matters": self.matters,
            "origin": self.origin,
            "words": self.words or None,
            "answers": list(self.answers),
            "in_practice": list(self.in_practice),
            "basic_codes": list(self.basic_codes),
            "enhanced_codes": list(self.enhanced_codes),
            "causes": list(self.causes),
            "related": [{"key": r.key, "title": r.title} for r in self.related],
            "providers": [
                {"provider": p.name, "replies": list(p.replies), "means": p.means, "fix": p.fix}
                for p in self.providers
            ],
            "sections": [title for title, _ in self.links],
            "links": [url for _, url in self.links],
        }
