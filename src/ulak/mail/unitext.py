r"""Addresses of type `utf-8` as ORCPT and reports have them (RFC 6533 §3).

`\x{20AC}` stands for a character where it may not stand for itself: always for control
characters, space, `+`, `=` and `\`, and for all of Unicode beyond ASCII where the way is ASCII.
"""

from __future__ import annotations

import re

_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}|\+([0-9A-F]{2})")
_PLAIN = re.compile(r"[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e\u00a0-\U0010ffff]*")
_NOT_ASCII = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")
_NOT_UNICODE = re.compile(r"[\x00-\x20+=\\\x7f-\x9f]")
_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def decode(text: str) -> str:
    """Give the address that is meant. ValueError where the text is none of the forms.

    `+2B`, the way of xtext, is read too: it can mean nothing else, and is met.
    """
    found: list[str] = []
    at = 0
    for embedded in _EMBEDDED.finditer(text):
        found += (_plain(text[at : embedded.start()]), _character(embedded[1] or embedded[2]))
        at = embedded.end()
    return "".join((*found, _plain(text[at:])))


def encode(text: str, *, ascii_only: bool) -> str:
    """Write an address for ORCPT; `ascii_only` where SMTPUTF8 is not to be had."""
    special = _NOT_ASCII if ascii_only else _NOT_UNICODE
    return special.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", text)


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        message = "this is no address of type utf-8"
        raise ValueError(message)
    return text


def _character(digits: str) -> str:
    number = int(digits, 16)
    if number > _LAST or number in _SURROGATES:
        message = "this is no character"
        raise ValueError(message)
    return chr(number)
