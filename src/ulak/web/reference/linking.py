"""Texts as HTML in which codes, causes, sections of RFCs and commands lead to their pages.

Only what can mean nothing else becomes a link: three digits that are a code and no number of
anything, an enhanced code, the name of a cause between backquotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from markupsafe import Markup

from ulak.language import direction
from ulak.language.bidi import parts
from ulak.web.addresses import localized
from ulak.web.reference import keys

_SPAN = re.compile(r"`([^`]*)`")
_ADDRESS = re.compile(
    r"(?P<page>https://[a-z0-9.-]+(?:/[A-Za-z0-9/_.-]*[A-Za-z0-9/])?)"
    r"|RFC (?P<number>[0-9]{3,5})(?P<section>(?: §[0-9]+(?:\.[0-9]+)*)?)"
)
_CODE = re.compile(
    r"(?<![\w.§:/@-])(?:[2-5][0-9]{2}|[245X]\.[0-7]\.[0-9]{1,3})(?![\w/@]|\.[0-9]|-[0-9])"
)
_NUMBERS = frozenset({"512"})  # octets of a line, bits of a key
_COMMAND = re.compile(r"ulak (codes|compare|explain|check)(?: (\S+))?(?: (\S+))?.*")
_TOOLS = ("explain", "check")


class Linker:
    """Writes texts of one page. `here` are the keys of the page itself, which lead nowhere.

    `sections` are the parts of the site that there are.
    """

    def __init__(
        self, language: str, sections: tuple[str, ...], here: tuple[str, ...] = ()
    ) -> None:
        self._language = language
        self._way = direction(language)
        self._sections = sections
        self._here = frozenset(here)

    def __call__(self, text: str) -> Markup:
        """Write one text as HTML within a line."""
        written: list[str] = []
        at = 0
        for span in _SPAN.finditer(text):
            written += (self._plain(text[at : span.start()]), self._typed(span[1]))
            at = span.end()
        written.append(self._plain(text[at:]))
        return Markup("".join(written))  # noqa: S704 -- every part is escaped

    def _typed(self, code: str) -> str:
        inner = f"<code>{escape(code)}</code>"
        target = self._target(code)
        if target:
            inner = f'<a href="{escape(localized(target, self._language))}">{inner}</a>'
        return self._left(inner)

    def _target(self, code: str) -> str:
        if keys.known(code):
            return "" if code in self._here else keys.place(code)
        command = _COMMAND.fullmatch(code)
        if command is None:
            return ""
        name, one, other = command.groups()
        if name in _TOOLS and name in self._sections:
            return f"/{name}"
        if name == "codes" and (key := keys.meant(one or "")):
            return keys.place(key)
        if name == "compare" and (pair := keys.pair(f"{one}-vs-{other}")):
            return keys.pair_place(*pair)
        return ""

    def _plain(self, text: str) -> str:
        return _each(_ADDRESS, text, self._elsewhere, self._words)

    def _elsewhere(self, found: re.Match[str]) -> str:
        """Lead to a page of others: the section of an RFC, or an address that stands there."""
        address = found["page"]
        if address is None:
            section = found["section"].removeprefix(" §")
            address = f"https://www.rfc-editor.org/rfc/rfc{found['number']}"
            address += f"#section-{section}" if section else ""
        return self._left(f'<a href="{escape(address)}">{escape(found[0])}</a>')

    def _words(self, text: str) -> str:
        if self._way == "ltr":
            return self._codes(text)
        return "".join(
            self._left(self._codes(part)) if left else self._codes(part)
            for part, left in parts(text)
        )

    def _codes(self, text: str) -> str:
        return _each(_CODE, text, self._code, escape)

    def _code(self, found: re.Match[str]) -> str:
        key = keys.meant(found[0])
        if not key or key in self._here or key in _NUMBERS:
            return found[0]
        return f'<a href="{escape(localized(keys.place(key), self._language))}">{found[0]}</a>'

    def _left(self, inner: str) -> str:
        """Mark what runs from left to right where the language does not."""
        return inner if self._way == "ltr" else f'<bdi dir="ltr">{inner}</bdi>'


def _each(
    pattern: re.Pattern[str],
    text: str,
    of_match: Callable[[re.Match[str]], str],
    of_rest: Callable[[str], str],
) -> str:
    """Write what a pattern finds in one way, and what stands between in another."""
    written: list[str] = []
    at = 0
    for found in pattern.finditer(text):
        written += (of_rest(text[at : found.start()]), of_match(found))
        at = found.end()
    written.append(of_rest(text[at:]))
    return "".join(written)
