"""Macros in SPF records: what a domain-spec or an explanation is made of (RFC 7208 §7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ulak.language.case import lower

# The values of letters, in lower case, as they are before anything is split or reversed.
Values = Mapping[str, str]

# Letters that only an explanation may have (RFC 7208 §7.2).
EXPLAINING = frozenset("crt")

_LONGEST_NAME = 253
_MANY = 1_000  # parts: more than any value has that can become a name
_DIGITS = 4  # as many as tell that it is more
_TOKEN = re.compile(
    r"(?P<literal>[\x21-\x24\x26-\x7e]+)"
    r"|%\{(?P<letter>[slodiphcrtvSLODIPHCRTV])(?P<zeros>0*)(?P<digits>[0-9]*)(?P<reverse>[rR]?)"
    r"(?P<delimiters>[.\-+,/_=]*)\}"
    r"|%(?P<escape>[%_\-])"
    r"|(?P<space>\x20+)"
)
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
# What ends a domain-spec that does not end in a macro (RFC 7208 §7.1, toplabel).
_LABEL = re.compile(r"(?!-)[A-Za-z0-9\-]+(?<!-)")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Macro:
    """One `%{…}`: `keep` is how many parts from the right are kept, 0 for all."""

    letter: str
    keep: int = 0
    reverse: bool = False
    delimiters: str = ""
    escape: bool = False

    def value(self, values: Values) -> str:
        """Give what stands in its place."""
        value = values[self.letter]
        if self.keep or self.reverse or self.delimiters:
            splitting = self.delimiters[:1] or "."
            for delimiter in self.delimiters[1:]:
                value = value.replace(delimiter, splitting)
            parts = value.split(splitting)
            if self.reverse:
                parts.reverse()
            value = ".".join(parts[-self.keep :] if self.keep else parts)
        return quote(value, safe="-._~") if self.escape else value


@dataclass(frozen=True, slots=True)
class MacroString:
    """Text with macros in it, read: literal parts and macros in their order."""

    text: str
    parts: tuple[str | Macro, ...]
    letters: frozenset[str] = frozenset()
    ends_in_macro: bool = False

    @property
    def ends_as_a_domain(self) -> bool:
        """Whether it has the form of a domain-spec: its end is a top label or a macro (§7.1)."""
        if self.ends_in_macro:
            return True
        _, dot, label = self.text.removesuffix(".").rpartition(".")
        return bool(dot and _LABEL.fullmatch(label) and not _NUMBER.fullmatch(label))

    def name(self, values: Values) -> str:
        """Expand to a name of at most 253 characters; labels too many are cut off on the left.

        The work is bounded whatever the string: what would be cut off is not even looked up.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            expanded = self.parts[0]
        else:
            pieces: list[str] = []
            length = 0
            known: dict[str | Macro, str] = {}
            for part in reversed(self.parts):
                piece = known.get(part)
                if piece is None:
                    piece = known[part] = part if isinstance(part, str) else part.value(values)
                pieces.append(piece)
                length += len(piece)
                if length > _LONGEST_NAME + 1:
                    break
            expanded = "".join(reversed(pieces))
        expanded = expanded.removesuffix(".")
        if len(expanded) <= _LONGEST_NAME:
            return expanded
        return expanded[-_LONGEST_NAME - 1 :].partition(".")[2]

    def words(self, values: Values, longest: int) -> str:
        """Expand to text for people, of at most so many characters."""
        pieces: list[str] = []
        length = 0
        known: dict[str | Macro, str] = {}
        for part in self.parts:
            piece = known.get(part)
            if piece is None:
                piece = known[part] = part if isinstance(part, str) else part.value(values)
            pieces.append(piece)
            length += len(piece)
            if length >= longest:
                break
        return "".join(pieces)[:longest]


def read(text: str, *, spaces: bool = False) -> MacroString | None:
    """Read a macro-string, with `spaces` an explain-string; None where the syntax is broken."""
    if "%" not in text and text and (match := _TOKEN.fullmatch(text)) and match["literal"]:
        return MacroString(text, (text,))
    parts: list[str | Macro] = []
    letters: set[str] = set()
    ends_in_macro = False
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        at = match.end()
        ends_in_macro = True
        if match["letter"]:
            digits = match["digits"]
            if match["zeros"] and not digits:
                return None  # RFC 7208 §7.3: the value MUST be nonzero
            letter = lower(match["letter"])
            letters.add(letter)
            parts.append(
                Macro(
                    letter,
                    min(int(digits[:_DIGITS]), _MANY) if digits else 0,
                    bool(match["reverse"]),
                    "".join(dict.fromkeys(match["delimiters"])),
                    match["letter"].isupper(),
                )
            )
        elif match["escape"]:
            parts.append(_ESCAPES[match["escape"]])
        elif match["space"] and not spaces:
            return None
        else:
            ends_in_macro = False
            parts.append(match[0])
    return MacroString(text, tuple(parts), frozenset(letters), ends_in_macro)
