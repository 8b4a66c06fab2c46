"""How the command line tells what DNS has of a record."""

from __future__ import annotations

import click

from ulak.cli import output
from ulak.cli.frame import language, say
from ulak.publish.compare import Checked

_SHOWN = 200  # characters of a record


def standing(ctx: click.Context, checked: Checked) -> str:
    """Say in sentences whether DNS has a record, and what is to be known about that."""
    sentences = [say(ctx, f"dns.standing.{checked.standing.value}")]
    if checked.found and checked.standing.value != "there":
        found = " | ".join(_short(each) for each in checked.found)
        sentences.append(say(ctx, "dns.found", found=found))
    if checked.note:
        facts = {name: _short(fact) for name, fact in checked.facts}
        sentences.append(say(ctx, f"dns.about.{checked.note}", **facts))
    if checked.reason is not None:
        sentences.append(checked.reason.text(language(ctx)))
    return " ".join(sentences)


def note(ctx: click.Context, checked: Checked) -> str:
    """Say what is to be known about a record whatever DNS has, `""` for nothing."""
    wanted = checked.wanted
    return say(ctx, f"dns.note.{wanted.note}", **dict(wanted.facts)) if wanted.note else ""


def _short(text: str) -> str:
    text = output.clean(text).replace("\n", " ")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
