"""Why somebody still waits, in the language of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.queue.item import Pending
from ulak.replies import texts

_CODE = re.compile(r"[245][0-9]{2}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Explained:
    """A last reply: what it means, what one can do here, and the basic code that it begins with.

    `title` is `""` for a cause that this version does not know, and where there is none.
    """

    title: str = ""
    means: str = ""
    steps: tuple[str, ...] = ()
    code: str = ""


def explained(pending: Pending, language: str) -> Explained:
    """Explain the last reply about a recipient."""
    code = _CODE.match(pending.reply)
    number = code[0] if code else ""
    text = of_cause(pending.cause, language)
    if text is None:
        return Explained(code=number)
    return Explained(text.title, text.means, text.fix_operator, number)


def of_cause(name: str, language: str) -> texts.CauseText | None:
    """Give the texts of a cause; None where this version does not know it."""
    if not name:
        return None
    try:
        return texts.cause(name, language)
    except KeyError:
        return None
