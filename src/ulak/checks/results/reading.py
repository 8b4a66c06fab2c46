"""Reading Authentication-Results (RFC 8601 §2.2) of servers that may be careless or hostile.

Lenient where no meaning is lost: a value may stand without the quotes it needs, a property without
its type. What cannot be read is skipped up to the next semicolon. Every octet is looked at a
bounded number of times, and nothing calls itself.
"""

from __future__ import annotations

import re

from ulak.checks.results.resinfo import Field, Property, Resinfo
from ulak.mail.address import ascii_lower

LONGEST = 65_536  # octets of a field; one that is longer is not read
_LONGEST_COMMENT = 1_000
_MOST_RESINFOS = 1_000

_SPACE = re.compile(r"[ \t\r\n]++")
_COMMENT_PART = re.compile(r"[^()\\]++|\\.|[()]|\\", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_TOKEN = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]++")
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*+)")
_DIGITS = re.compile(r"[0-9]++")
_NUMBER = re.compile(r"[0-9]{1,9}(?![0-9])")
# A backslash is always taken with what follows: whether a quote is escaped does not depend on where
# reading began, so that no place is looked at again and again for an end that is not there.
_BARE = re.compile(r'(?:[^\x00-\x20\x7f();"\\]++|\\.)++', re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SKIPPED = re.compile(r'[^;("\\]++|\\.|"(?:[^"\\]++|\\.)*+"|"|\\', re.DOTALL)


class Scanner:
    """A place in a text, and what stands there. Comments that were passed are in `comments`."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.comments: list[str] = []
        self.broken = False  # a comment that never ended

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Take what the pattern matches here; of a pattern with a group, the group."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[pattern.groups]

    def literal(self, character: str) -> bool:
        """Take a character if it stands here."""
        if self.text[self.at : self.at + 1] != character:
            return False
        self.at += 1
        return True

    def digits(self) -> str:
        """Take a number of any length as it stands, or `""`."""
        return self.take(_DIGITS) or ""

    def cfws(self) -> None:
        """Pass over spaces, folds and comments (RFC 5322 §3.2.2)."""
        while True:
            self.take(_SPACE)
            if self.text[self.at : self.at + 1] != "(":
                return
            self._comment()

    def value(self) -> str | None:
        """Take a token or a quoted string, without its quotes."""
        if self.text[self.at : self.at + 1] == '"':
            text = self.take(_QUOTED)
            return None if text is None else _PAIR.sub(r"\1", text)
        return self.take(_TOKEN)

    def lenient_value(self) -> str | None:
        """Take what stands for a value: up to a space, a semicolon or a comment.

        A quoted string may be a part of it, as the local part of an address is.
        """
        parts: list[str] = []
        whole = self.value() if self.text[self.at : self.at + 1] == '"' else None
        if whole is not None and self.text[self.at : self.at + 1] != "@":
            return whole
        if whole is not None:
            parts.append('"' + whole.replace("\\", "\\\\").replace('"', '\\"') + '"')
        bare = self.take(_BARE)
        if bare is not None:
            parts.append(bare)
        return "".join(parts) if parts else None

    def skip(self) -> None:
        """Go to the next semicolon that is in no quotes and no comment, or to the end."""
        while not self.over and self.text[self.at] != ";":
            if self.text[self.at] == "(":
                self._comment()
            else:
                self.take(_SKIPPED)

    def _comment(self) -> None:
        depth, start = 0, self.at
        while True:
            part = self.take(_COMMENT_PART)
            if part is None:
                self.broken = True
                self.at = len(self.text)
                break
            depth += (part == "(") - (part == ")")
            if depth == 0:
                break
        inner = self.text[start + 1 : min(self.at - 1, start + _LONGEST_COMMENT)]
        self.comments.append(_PAIR.sub(r"\1", " ".join(inner.split())))


def read(value: bytes) -> Field | None:
    """Read what stands after the colon; None where not even the authserv-id can be read."""
    return read_text(text_of(value)) if len(value) <= LONGEST else None


def text_of(value: bytes) -> str:
    """Decode a value: UTF-8 (RFC 6532), with U+FFFD for what is none."""
    return value.decode("utf-8", "replace")


def head(scanner: Scanner) -> tuple[str, int] | None:
    """Read the authserv-id and the version strictly; what follows is a semicolon or nothing."""
    scanner.cfws()
    name = scanner.value()
    if name is None:
        return None
    scanner.cfws()
    number = scanner.take(_NUMBER)
    scanner.cfws()
    if scanner.broken or not (scanner.over or scanner.text[scanner.at] == ";"):
        return None
    return name, int(number) if number else 1


def read_text(text: str, instance: int = 0) -> Field | None:
    """Read a value that is text; `instance` is for the field of an ARC set."""
    scanner = Scanner(text)
    start = head(scanner)
    if start is None:
        return None
    resinfos: list[Resinfo] = []
    whole = True
    while scanner.literal(";"):
        scanner.comments.clear()
        scanner.cfws()
        if scanner.over:  # a semicolon at the end: careless, and clear
            break
        resinfo = _resinfo(scanner) if len(resinfos) < _MOST_RESINFOS else None
        if resinfo is not None:
            resinfos.append(resinfo)
        elif not _is_none(scanner):
            whole = False
            scanner.skip()
    return Field(
        start[0], tuple(resinfos), start[1], whole and scanner.over and not scanner.broken, instance
    )


def _is_none(scanner: Scanner) -> bool:
    """Whether here it says that there are no results."""
    start = scanner.at
    word = scanner.take(_KEYWORD)
    scanner.cfws()
    if word is not None and ascii_lower(word) == "none" and scanner.over:
        return True
    scanner.at = start
    return False


def _resinfo(scanner: Scanner) -> Resinfo | None:
    """Read a method, its result, the reason and the properties; None and back where it is none."""
    start = scanner.at
    method = scanner.take(_KEYWORD)
    scanner.cfws()
    version = 1
    if method is not None and scanner.literal("/"):
        scanner.cfws()
        number = scanner.take(_NUMBER)
        method = method if number else None
        version = int(number or 1)
        scanner.cfws()
    if method is None or not scanner.literal("="):
        scanner.at = start
        return None
    scanner.cfws()
    result = scanner.take(_KEYWORD)
    if result is None:
        scanner.at = start
        return None
    reason, properties = _rest(scanner)
    comment = " ".join(scanner.comments)[:_LONGEST_COMMENT]
    return Resinfo(
        ascii_lower(method), ascii_lower(result), tuple(properties), reason, comment, version
    )


def _rest(scanner: Scanner) -> tuple[str, list[Property]]:
    """Read reason and properties up to what is neither."""
    reason = ""
    properties: list[Property] = []
    while True:
        scanner.cfws()
        start = scanner.at
        ptype, name = "", scanner.take(_KEYWORD)
        if name is None:
            return reason, properties
        scanner.cfws()
        if scanner.literal("."):
            scanner.cfws()
            ptype, name = name, scanner.take(_KEYWORD)
            scanner.cfws()
        if name is None or not scanner.literal("="):
            scanner.at = start
            return reason, properties
        scanner.cfws()
        text = scanner.lenient_value()
        if text is None:
            scanner.at = start
            return reason, properties
        if not ptype and ascii_lower(name) == "reason":
            reason = text
        else:
            properties.append(Property(ascii_lower(ptype), ascii_lower(name), text))
