"""Taking a reply apart that any server wrote (RFC 5321 §4.2, RFC 2034, RFC 3464 §2.3.6).

Linear in the length of the text, and ASCII digits only: what stands here came from a stranger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A line of a reply: its code, and what parts it from the text. Some write a colon or nothing.
_CODE = re.compile(r"([2-5][0-9]{2})(?:([-: ])|$)")
# RFC 3463 §2; no digit or point may stand before or after, or an IP address would be one.
_ENHANCED = re.compile(r"#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\.?[0-9])[:. ]?")
# How logs and reports quote: `smtp; 550 …` (RFC 3464), `host mx.example[192.0.2.1] said: 550 …`.
_TYPE = re.compile(r"(?:smtp|x-[a-z-]{1,20}|lmtp)[ ]?;[ ]?", re.ASCII | re.IGNORECASE)
_SAID = " said: "
_IN_REPLY = " (in reply to "
# Longer than any reply that a server may send; the rest says nothing new.
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply in its parts.

    `code` is None where there is none. `enhanced` has its class digit. `text` is without codes,
    its lines parted by line feeds.
    """

    code: int | None
    enhanced: str | None
    text: str


def parse(text: str) -> ParsedReply:
    """Take a reply apart: one line or many, with or without codes, bare or as a log quotes it."""
    text = _unquoted(text[:_LONGEST])
    first = _CODE.match(text)
    if first is None:
        enhanced, rest = _enhanced(text)
        return ParsedReply(None, enhanced, rest)
    digits = first[1]
    if first[2] == "-" and "\n" not in text:
        # Somebody put the lines of a reply behind each other.
        text = text.replace(f" {digits}-", f"\n{digits}-").replace(f" {digits} ", f"\n{digits} ")
    found: str | None = None
    lines: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip(" \t\r")
        code = _CODE.match(line)
        if code is not None and code[1] == digits:
            line = line[code.end() :].lstrip(" ")
        enhanced, rest = _enhanced(line)
        if enhanced is not None and found in (None, enhanced):
            found, line = enhanced, rest
        lines.append(line)
    return ParsedReply(int(digits), found, "\n".join(lines).strip("\n"))


def _unquoted(text: str) -> str:
    text = text.replace("\r\n", "\n").strip(" \t\r\n")
    said = text.find(_SAID)
    if said >= 0:
        text = text[said + len(_SAID) :]
        # Postfix closes with the command, and its log with one bracket more.
        text = text.rpartition(_IN_REPLY)[0] or text
    quoted = _TYPE.match(text)
    return text[quoted.end() :] if quoted is not None else text


def _enhanced(line: str) -> tuple[str | None, str]:
    match = _ENHANCED.match(line)
    if match is None:
        return None, line
    return match[1], line[match.end() :].lstrip(" ")
