"""What the page of one code or cause shows, made of what `replies` knows of it."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.replies import texts
from ulak.replies.sides import Related, Side, side
from ulak.replies.sides.finding import title_of
from ulak.replies.sides.saying import acts, by_family, stage_list
from ulak.web.reference import keys
from ulak.web.reference.examples import example
from ulak.web.reference.pairs import beside

TONES = {2: "good", 3: "info", 4: "warn", 5: "bad"}
_UNSPECIAL = ("core", "extension", "registered", "unregistered", "")


@dataclass(frozen=True, slots=True)
class Group:
    """Causes that are about the same thing, each as name and title."""

    about: str
    causes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class One:
    """One code or cause, put together for a page.

    `rows` are facts in few words; `classes` the same code in its other classes; `origin` tells
    where a number came from that no standard has; `pairs` are comparisons to read next.
    """

    half: Side
    tone: str
    rows: tuple[tuple[str, str], ...]
    example: str
    classes: tuple[str, ...]
    origin: str
    acts: str
    groups: tuple[Group, ...]
    beside: tuple[Related, ...]
    reads: tuple[Related, ...]
    pairs: tuple[tuple[str, str], ...]


def one(key: str, language: str) -> One:
    """Put a page together. No such key is an `UnknownReplyError`."""
    half = side(key, language)
    return One(
        half=half,
        tone=TONES[half.severity],
        rows=tuple(_rows(half, language)),
        example=example(half),
        classes=tuple(
            other
            for other in keys.enhanced()
            if half.kind == "enhanced" and other[1:] == key[1:] and other != key
        ),
        origin=_origin(half, language),
        acts=acts(half, language),
        groups=_groups(half, language),
        beside=_beside(half, language),
        reads=tuple(r for r in half.related if keys.known(r.key)),
        pairs=beside(half),
    )


def _rows(half: Side, language: str) -> list[tuple[str, str]]:
    labels = texts.page("labels", language)
    who = texts.page("who", language)
    rows = [(labels["final"], texts.page("final", language)[half.permanence])]
    rows.append((labels["turn_short"], who[half.turn.value]))
    if half.family is not None:
        names = texts.page("families", language)
        rows.append((labels["family"], names.get(half.family, half.family)))
    label = labels["belongs" if half.kind == "enhanced" else "answers"]
    if half.answers:
        rows.append((label, stage_list(half.answers, language)))
    elif half.kind == "code":
        rows.append((label, labels["no_command"]))
    elif half.standing in ("registered", "deprecated"):
        rows.append((label, labels["reports_only"]))
    if half.in_practice:
        rows.append((labels["in_practice"], stage_list(half.in_practice, language)))
    if half.standing:
        rows.append((labels["standing"], texts.page("standing", language)[half.standing]))
    comma = f"{texts.page('join', language)['comma']} "
    if half.basic_codes:
        name = "code" if half.kind == "cause" else "basic_codes"
        rows.append((labels[name], comma.join(map(str, half.basic_codes))))
    if half.kind == "cause" and half.enhanced is not None:
        rows.append((labels["enhanced"], half.enhanced))
    if half.links:
        rows.append((labels["defined"], comma.join(title for title, _ in half.links)))
    return rows


def _origin(half: Side, language: str) -> str:
    if half.standing in _UNSPECIAL:
        return ""
    told = texts.page("standing_means", language)[half.standing]
    return " ".join(filter(None, (half.origin, told)))


def _groups(half: Side, language: str) -> tuple[Group, ...]:
    return tuple(
        Group(about, tuple((name, title_of(name, language)) for name in names))
        for about, names in by_family(half.causes, language)
    )


def _beside(half: Side, language: str) -> tuple[Related, ...]:
    """Give the enhanced codes that come with a basic code."""
    return tuple(
        Related(key, title_of(key, language)) for key in half.enhanced_codes if keys.known(key)
    )
