"""A diagnosis as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.words import say, word

Paint = Callable[[str, str], str]
"""Gives a text in a colour."""


_UNPROVEN = "dnsbl.unproven"  # of many lists, this is said once
_MANY = 2  # lists that say the same are named together
_COLOURS = {"critical": "red", "warning": "red", "note": "yellow", "good": "green"}
_OF_GOOD = {True: "green", False: "red", None: "yellow"}


def plain(text: str, colour: str) -> str:
    """Give a text as it is."""
    del colour
    return text


def printed(diagnosis: Diagnosis, language: str, *, width: int = 80, paint: Paint = plain) -> str:
    """Give the verdict, every check with its reasons, and what to do.

    Lines are up to `width` characters, but what is to be published is never broken.
    """
    colour = "green" if diagnosis.good else "red"
    lines = [
        paint(line, colour)
        for sentence in diagnosis.verdict
        for line in _wrapped(sentence.text(language), width)
    ]
    if diagnosis.sources:
        lines.append("")
        for source in diagnosis.sources:
            where = say(language, f"source.{source.where or 'nowhere'}")
            facts = {"value": source.value or "<>", "where": where}
            name = source.what if source.where else f"{source.what}-unknown"
            lines += _wrapped(say(language, f"source.{name}", facts), width)
    gathered = _gathered(diagnosis.checks)
    for check in diagnosis.checks:
        those = gathered.get((check.check, check.result))
        if those is None or check.severity or check.means:
            lines += ["", *_check(check, language, width, paint)]
        elif those[0] is check:
            lines += ["", *_together(those, language, width, paint)]
    if diagnosis.advice:
        lines += ["", say(language, "print.do")]
        for step in diagnosis.advice:
            text = say(language, f"do.{step.name}", step.facts)
            lines += _wrapped(text, width, "- ", "  ")
            if step.record:
                lines += [f"      {_shown(line)}" for line in step.record.split("\n")]
            if step.link:
                lines.append(f"      {_shown(step.link)}")
            if step.reference:
                lines += _wrapped(_see(language, step.reference), width, "  ", "  ")
    return "\n".join(lines) + "\n"


def _gathered(checks: Iterable[Check]) -> dict[tuple[str, str], list[Check]]:
    """Give the lists of which there is nothing to tell one by one, where they are many."""
    found: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        if check.check in ("dnsbl", "allowlist") and not check.severity and not check.means:
            found.setdefault((check.check, check.result), []).append(check)
    return {key: those for key, those in found.items() if len(those) >= _MANY}


def _together(checks: list[Check], language: str, width: int, paint: Paint) -> Iterator[str]:
    """Name lists under one head: with what hinders each, or in a row where all is well."""
    head = replace(checks[0], subject="", reasons=())
    yield from _check(head, language, width, paint)
    rest = checks
    if checks[0].good is None:
        rest = [one for one in checks if one.reasons and one.reasons[0].key == _UNPROVEN]
        rest = rest if len(rest) >= _MANY else []
        for reason in (one.reasons[0] for one in checks if one.reasons and one not in rest):
            yield from _wrapped(reason.text(language), width, "  - ", "    ")
        if rest:
            yield from _wrapped(say(language, "print.unproven"), width, "  - ", "    ")
    indent = "    " if rest is not checks else "  - "
    yield from _wrapped(", ".join(check.subject for check in rest), width, indent, "    ")


def _colour(check: Check) -> str:
    return _COLOURS.get(check.severity) or _OF_GOOD[check.good]


def _check(check: Check, language: str, width: int, paint: Paint) -> Iterator[str]:
    facts = {
        "check": word(language, f"check.{check.check}", check.check.upper()),
        "subject": _shown(check.subject),
        "result": word(
            language,
            f"result.{check.check}-{check.result}",
            word(language, f"result.{check.result}", check.result),
        ),
    }
    name = "check" if check.subject else "check-of-nothing"
    head = say(language, f"print.{name}", facts)
    if check.severity:
        head += f" [{say(language, f'severity.{check.severity}')}]"
    yield paint(_shown(head), _colour(check))
    for reason in check.reasons:
        yield from _wrapped(reason.text(language), width, "  - ", "    ")
    for line in check.drawing:
        yield f"      {_shown(line)}"
    for sentence in check.means:
        yield from _wrapped(sentence.text(language), width, "  - ", "    ")
    if check.reference:
        yield from _wrapped(_see(language, check.reference), width, "    ", "    ")


def _see(language: str, reference: str) -> str:
    return say(language, "print.see", {"command": f"ulak codes {reference}"})


def _wrapped(text: str, width: int, first: str = "", following: str = "") -> list[str]:
    return textwrap.wrap(
        _shown(text),
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(text: str) -> str:
    """Give a stranger's text without anything that could control a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
