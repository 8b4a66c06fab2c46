"""What is written from left to right, in a language that is not: codes, addresses, commands.

Without a mark a terminal or a browser would show `554 5.7.1` in an Arabic sentence as `5.7.1 554`,
and a point or a bracket on the wrong side of a name. On a page the mark is an element (`bdi`), in
a terminal a pair of characters that take no room: LEFT-TO-RIGHT ISOLATE and POP DIRECTIONAL
ISOLATE (UAX #9 §2.4.2). What stands between backquotes is to be typed: the pair stands around
the quotes, and nothing within them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ulak.language import direction

ISOLATE, POP = "\u2066", "\u2069"

# An escape sequence of colours, a span to type, or words of ASCII with single spaces between them
# that begin and end with what belongs to them, and not to the sentence around.
_PART = re.compile(
    r"(?P<escape>\x1b\[[0-9;]*m)"
    r"|(?P<typed>`[^`\n]*`)"
    r"|(?P<token>[!-'*-Z\\^-~]*[A-Za-z0-9][!-~]*(?: [!-'*-~]*[A-Za-z0-9][!-~]*)*)"
)
_TAIL = re.compile(r"[].,:;!?)\"'}]+$")
_FOREIGN = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_NUMBER = re.compile(r"[0-9]+")


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """Give the parts of a text in order, each with whether it runs from left to right."""
    at = 0
    for found in _PART.finditer(text):
        if found["escape"]:
            continue
        whole = found[0]
        tail = None if found["typed"] else _TAIL.search(whole)
        end = found.start() + (tail.start() if tail else len(whole))
        if _NUMBER.fullmatch(text, found.start(), end) or end == found.start():
            continue  # a number stands right by itself
        if at < found.start():
            yield text[at : found.start()], False
        yield text[found.start() : end], True
        at = end
    if at < len(text):
        yield text[at:], False


def isolated(line: str, language: str) -> str:
    """Put isolates around what runs from left to right in a line of a terminal.

    A line without a letter that runs from right to left has no need of any: a record to publish,
    a command to copy, a line of a dialogue.
    """
    if direction(language) != "rtl" or not _FOREIGN.search(line):
        return line
    return "".join(f"{ISOLATE}{part}{POP}" if left else part for part, left in parts(line))
