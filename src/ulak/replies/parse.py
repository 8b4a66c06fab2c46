"""Taking a reply apart that any server wrote (RFC 5321 §4.2, RFC 2034, RFC 3464 §2.3.6).

Linear in the length of the text, and ASCII digits only: what stands here came from a stranger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ulak.replies import jsonlog, logs

# A line of a reply: its code, and what parts it from the text. Some write a colon or nothing.
_CODE = re.compile(r"([2-5][0-9]{2})(?:([-: \t])|[;,\"'](?![0-9])|$)")
# RFC 3463 §2; no digit or point may stand before or after, or an IP address would be one.
_ENHANCED = re.compile(r"[#(\[]{0,2}([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\.?[0-9])[])]?(?::? |[:.])?")
# One that stands further back: `RCPT TO not accepted: 5.7.1 …`, `cuda_nsu 5.1.1 …`, `(#5.7.1)`.
# The registry knows the subjects 0 to 7.
_WITHIN = re.compile(
    r"(?<![^\s(\[<:;,='\"#])([245]\.[0-7]\.[0-9]{1,3})(?=[]\s):;,'\">]|\.?$|\.\s)", re.MULTILINE
)
_SMTP_BANNER = "220"
# Longer than any reply that a server may send; the rest says nothing new.
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply in its parts.

    `code` is None where there is none. `enhanced` has its class digit. `text` is without codes,
    its lines parted by line feeds. `around` is what stood around the reply where it was quoted:
    the rest of a log line, a name of the server that said it.
    """

    code: int | None
    enhanced: str | None
    text: str
    around: str = field(default="", compare=False)


def parse(text: str) -> ParsedReply:
    """Take a reply apart: one line or many, with or without codes, bare or as a log quotes it."""
    text = text[:_LONGEST]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "$B" in text:
        text = _without_shifts(text)
    text = text.strip(" \t\n")
    first = _CODE.match(text)
    if first is not None:
        return _with_code(text, first)
    quoted = jsonlog.find(text) if text.startswith("{") else None
    quoted = quoted or logs.find(text)
    if quoted is None:
        return _without_code(text)
    found = _taken(quoted.reply)
    enhanced = found.enhanced
    # X.0.0 says nothing that a code does not, but where there is none it says something.
    if enhanced is None and (found.code is None or not quoted.status.endswith(".0.0")):
        enhanced = quoted.status or None
    return ParsedReply(found.code, enhanced, found.text, quoted.around)


def _without_shifts(text: str) -> str:
    """Decode ISO-2022-JP (RFC 1468) that nobody has decoded, also without its escapes."""
    pieces: list[str] = []
    position = 0
    while (start := text.find("$B", position)) >= 0 and (end := text.find("(B", start)) >= 0:
        shifted = text[start + 2 : end].removesuffix("\x1b")
        pieces.append(text[position:start].removesuffix("\x1b"))
        try:
            pieces.append(f"\x1b$B{shifted}\x1b(B".encode("ascii").decode("iso2022_jp"))
        except UnicodeError:
            pieces.append(f"$B{shifted}(B")
        position = end + 2
    return "".join((*pieces, text[position:]))


def _taken(text: str) -> ParsedReply:
    text = text.strip(" \t\n")
    first = _CODE.match(text)
    return _without_code(text) if first is None else _with_code(text, first)


def _with_code(text: str, first: re.Match[str]) -> ParsedReply:
    digits = first[1]
    if digits == _SMTP_BANNER and (quoted := logs.behind_banner(text)) is not None:
        return replace(_taken(quoted.reply), around=quoted.around)
    if first[2] == "-" and "\n" not in text:
        # Somebody put the lines of a reply behind each other.
        text = text.replace(f" {digits}-", f"\n{digits}-").replace(f" {digits} ", f"\n{digits} ")
    found: str | None = None
    lines: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip(" \t")
        code = _CODE.match(line)
        if code is not None and code[1] == digits:
            line = line[code.end() :].lstrip(" ")
            if line.startswith(digits) and (again := _CODE.match(line)) is not None:
                line = line[again.end() :].lstrip(" ")  # `550 550 5.1.1 …`
        enhanced, rest = _enhanced(line)
        if enhanced is not None and found in (None, enhanced):
            found, line = enhanced, rest
        lines.append(line)
    text = "\n".join(lines).strip("\n")
    if found is None:
        within = _WITHIN.search(text)
        # That of another class may be a version of a program.
        if within is not None and within[1][0] == digits[0]:
            found = within[1]
    return ParsedReply(int(digits), found, text)


def _without_code(text: str) -> ParsedReply:
    enhanced, rest = _enhanced(text)
    return ParsedReply(None, enhanced, rest)


def _enhanced(line: str) -> tuple[str | None, str]:
    match = _ENHANCED.match(line)
    if match is None:
        return None, line
    rest = line[match.end() :].lstrip(" ")
    return match[1], rest[2:] if rest.startswith((": ", "- ")) else rest
