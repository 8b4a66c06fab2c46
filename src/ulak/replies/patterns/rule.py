"""One rule: what a reply has to say, and the cause that it then has.

A rule looks at words and at nothing between them: a text is its runs of letters and digits, in
ASCII lower case, parted by one space. `Mailbox-full.` and `mailbox full` are the same to it, a
link is the words of its host and path, and no regular expression is needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+")
# In ASCII: letters in lower case and digits as they are, a space for everything else.
_ASCII = bytes(o if chr(o).isalnum() else 0x20 for o in bytes(range(128)).lower()) + bytes(128)


class Condition(NamedTuple):
    """Codes a reply must have: any part may be left open.

    The last two are the first and the last detail of a range within the subject.
    """

    code: int | None = None
    severity: int | None = None
    subject: int | None = None
    first: int = 0
    last: int = 0

    def holds(self, code: int | None, enhanced: tuple[int, int, int] | None) -> bool:
        """Say whether a reply has these codes; `enhanced` is in its three numbers."""
        if self.code is not None and code != self.code:
            return False
        if self.subject is not None:
            if enhanced is None:
                return False
            if enhanced[1] != self.subject or not self.first <= enhanced[2] <= self.last:
                return False
            return self.severity is None or enhanced[0] == self.severity
        if self.severity is None:
            return True
        if code is not None:
            return code // 100 == self.severity
        return enhanced is not None and enhanced[0] == self.severity


class Rule(NamedTuple):
    """What must be said (all of `says`, each by one of its phrases), and what follows.

    A phrase is words between two spaces, or without the space where a word may go on; the longest
    of a choice comes first. The rule is looked up by the first of `says`, by a word of each of its
    phrases: these are the `keys`; a rule without any is always looked at. `provider` is who writes
    so; with `only` the rule holds only for replies that are known to be theirs by a sign
    elsewhere. A `weak` rule decides where the codes say nothing. `lists` names the blocklist,
    `link` a page about it.
    """

    identity: str  # its name among all: `google:low-reputation-ip`
    cause: str
    says: Sequence[Sequence[str]] = ()
    unless: Sequence[str] = ()
    codes: Sequence[Condition] = ()
    keys: Sequence[str] = ()
    provider: str = ""
    only: bool = False
    weak: bool = False
    lists: str = ""
    link: str = ""
    permanence: str = ""


class Provider(NamedTuple):
    """Who runs the server that wrote a reply, known by any of the `signs`.

    `keys` are the words by which these are looked up, one for each.
    """

    slug: str
    name: str
    page: str = ""
    signs: Sequence[str] = ()
    keys: Sequence[str] = ()


def words_of(text: str) -> str:
    """Give the words of a text, each between two spaces. Linear in the text."""
    if text.isascii():
        return f" {' '.join(text.encode().translate(_ASCII).decode().split())} "
    # Bytes know only the letters of ASCII: neither a dotted capital I nor the KELVIN SIGN folds.
    lowered = text.encode("utf-8", "replace").lower().decode("utf-8")
    return f" {' '.join(_WORD.findall(lowered))} "
