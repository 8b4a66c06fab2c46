"""The small words of a page: stages in a row, whose turn it is, what a queue does."""

from __future__ import annotations

from collections.abc import Iterable

from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.sides.side import Side

_TEMPORARY = 4


def stage_list(stages: tuple[str, ...], lang: str) -> str:
    """Name the stages of a session in a row of words: `VRFY and EXPN`."""
    join = texts.page("join", lang)
    if stages == codes.STAGES:
        return str(join["anything"])
    if stages == codes.COMMANDS:
        return str(join["any_command"])
    if set(codes.COMMANDS[1:]) <= set(stages) and "EHLO" not in stages:
        return str(join["any_later"])
    names = texts.page("stage", lang)
    return in_a_row([str(names.get(stage, stage)) for stage in stages], lang)


def in_a_row(words: list[str], lang: str) -> str:
    """Join words as people do: `a, b and c`."""
    join = texts.page("join", lang)
    if len(words) <= 1:
        return "".join(words)
    return str(join["and"]).format(a=f"{join['comma']} ".join(words[:-1]), b=words[-1])


def after(key: str, lang: str, *, both: bool = False) -> str:
    """Give `After 550`, or `After either of them`."""
    join = texts.page("join", lang)
    return str(join["after_both"] if both else join["after_one"]).format(a=key)


def acts(half: Side, lang: str, *, both: bool = False) -> str:
    """Say whose turn it is after a reply, in one sentence."""
    if half.acts and not both:
        return half.acts
    table = "turn_later" if half.severity == _TEMPORARY else "turn"
    word = texts.page(table, lang)[half.turn.value]
    return str(word).format(after=after(half.key, lang, both=both))


def queue(half: Side, lang: str, *, both: bool = False) -> str:
    """Say what a sender's queue does after a reply, in one sentence."""
    if half.kind == "code":
        word = texts.page("queue", lang)[str(half.severity)]
    else:
        word = texts.page("after", lang)[half.sender_action]
    return str(word).format(after=after(half.key, lang, both=both))


def by_family(causes: Iterable[str], lang: str) -> list[tuple[str, list[str]]]:
    """Group causes by what they are about, the most telling families first."""
    names = texts.page("families", lang)
    groups: dict[str, list[str]] = {}
    for cause in causes:
        groups.setdefault(CATALOG[cause].family, []).append(cause)
    rank = {family: place for place, family in enumerate(names)}
    ordered = sorted(groups, key=lambda family: rank.get(family, len(rank)))
    return [(str(names.get(family, family)), groups[family]) for family in ordered]


def capital(text: str, lang: str) -> str:
    """Begin a text with a capital letter, as its language writes it."""
    first = "İ" if lang == "tr" and text.startswith("i") else text[:1].upper()
    return first + text[1:]
