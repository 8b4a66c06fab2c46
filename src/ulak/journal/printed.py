"""A story as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ulak.journal.standing import named_in
from ulak.journal.story import Happening, Step, Story, moment
from ulak.journal.words import say

_INDENT = " " * 21  # below a sentence, which stands behind its time
# Facts that the sentences tell in another shape.
_QUIET = frozenset(
    {
        "due",
        "traceback",
        "remote",
        "action",
        "unreported",
        "where",
        "denied",
        "reasons",
        "turn",
        "turn-why",
        "site-until",
        "tls-policy",
        "tls-set-aside",
    }
)


def printed(story: Story, width: int = 100) -> str:
    """Give the story in lines of up to `width` characters (words that are longer are not cut).

    Whatever a peer said is shown without any control character.
    """
    lines = [
        shown(say(story.language, "what", str(story.what), {"id": story.id})),
        say(story.language, "what", "times", {"zone": _zone(story)}),
        "",
    ]
    told: set[tuple[str, str, str]] = set()
    for happening in story.happenings:
        lines.extend(_happening(story, happening, width, told))
    lines += ["", say(story.language, "stands", "heading")]
    for sentence in story.ending:
        lines.extend(_wrapped(sentence, width, "  "))
    if story.steps:
        lines += ["", say(story.language, "do", "heading")]
        for step in story.steps:
            lines.extend(_step(story, step, width))
    return "\n".join(lines) + "\n"


def _happening(
    story: Story, happening: Happening, width: int, told: set[tuple[str, str, str]]
) -> Iterator[str]:
    entry = happening.entry
    when = moment(entry.time, story.zone)
    time = "?" if when is None else f"{when:%Y-%m-%d %H:%M:%S}"
    yield from textwrap.wrap(
        shown(happening.sentence),
        width,
        initial_indent=f"{time:19}  ",
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for reason in happening.reasons:
        yield from _wrapped(reason, width, f"{_INDENT}- ", f"{_INDENT}  ")
    if happening.title:
        facts = {"title": happening.title, "cause": entry.cause}
        name = "same-cause" if happening.again else "cause"
        cause = say(story.language, "said", name, facts)
        yield from _wrapped(cause if happening.again else f"{cause} {happening.means}", width)
    known = [
        f"{shown(key)}={shown(value)}"
        for key, value in entry.facts.items()
        if key not in _QUIET
        and value
        and value not in happening.sentence
        and not (key == "recipients" and ", ".join(named_in(entry.facts)) in happening.sentence)
        and not (key == "check" and happening.reasons)
        and (entry.session, key, value) not in told
    ]
    told.update((entry.session, key, value) for key, value in entry.facts.items())
    if known:
        yield from _wrapped(f"{say(story.language, 'said', 'facts')}: {', '.join(known)}", width)
    for line in entry.dialogue:
        yield f"{_INDENT}  {shown(line)}"
    for line in entry.facts.get("traceback", "").split("\n"):
        if line:
            yield f"{_INDENT}  {shown(line)}"


def _step(story: Story, step: Step, width: int) -> Iterator[str]:
    head = say(story.language, "do", step.who) + " " if step.who else ""
    yield from _wrapped(head + step.step, width, "- ", "  ")


def _wrapped(text: str, width: int, indent: str = _INDENT, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        shown(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _zone(story: Story) -> str:
    first = moment(story.happenings[0].entry.time if story.happenings else 0.0, story.zone)
    return str(story.zone) if first is None else first.strftime("%Z")


def shown(text: str) -> str:
    """Show a text with every character that does not print escaped."""
    if text.isprintable():
        return text
    return "".join(
        ch if ch.isprintable() else ch.encode("unicode_escape").decode("ascii") for ch in text
    )
