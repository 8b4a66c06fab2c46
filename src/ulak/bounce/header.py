"""Header fields that we write: folded, and in encoded words beyond ASCII (RFC 5322, RFC 2047)."""

from __future__ import annotations

import binascii
import re
from email.utils import formatdate

_LINE = 76  # RFC 2047 §2: a line with an encoded word has at most 76 characters
# Of one line, even of a word that cannot be folded: RFC 5322 §2.1.1 allows 998, and octets at that
# (RFC 6532 §3.4). A character has four at most.
_LONGEST = 900
_LONGEST_WORD = _LONGEST // 4
_WORD_OCTETS = 42  # in base64 56 characters; with =?utf-8?B?…?= under the 75 that a word may have

# What may start a line of its own, or turn a text around on a screen.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str, longest: int = _LONGEST) -> str:
    """Make a peer's text fit for a line: nothing in it ends the line or hides its order."""
    text = _UNSAFE.sub("?", text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def field(name: str, value: str) -> str:
    """Write one field of words that are kept as they are, folded at spaces."""
    value = clean(value, 4 * _LONGEST)
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] not in (f"{name}:", ""):
            lines.append("")
        rest = word
        longest = _LONGEST if word.isascii() else _LONGEST_WORD
        while len(rest) > longest:
            lines[-1] += " " + rest[:longest]
            lines.append("")
            rest = rest[longest:]
        lines[-1] += " " + rest
    return "\r\n".join(line for line in lines if line.strip()) + "\r\n"


def text_field(name: str, value: str) -> str:
    """Write one field of text for people (Subject, a description)."""
    value = clean(value)
    if value.isascii() and "=?" not in value:
        return field(name, value)
    return field(name, encoded(value))


def mailbox_field(name: str, display: str, address: str) -> str:
    """Write a field with one mailbox and its display name."""
    shown = f'"{display}"' if display.isascii() else encoded(display)
    return field(name, f"{shown} <{address}>")


def date(when: float) -> str:
    """Write a time (seconds since the epoch) as RFC 5322 §3.3 wants it, in UTC."""
    return formatdate(when).replace("-0000", "+0000")


def encoded(text: str) -> str:
    """Put a text into encoded words, cut between characters (RFC 2047 §5)."""
    words: list[str] = []
    piece = b""
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > _WORD_OCTETS:
            words.append(_word(piece))
            piece = b""
        piece += octets
    words.append(_word(piece))
    return " ".join(words)


def _word(octets: bytes) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="
