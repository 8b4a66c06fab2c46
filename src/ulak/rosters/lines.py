"""The lines of a roster that is a file: an address each, or an alias with its members. Pure.

`ada@example.org`, `ada` (of whichever domain asks), `info: ada, grace@example.net`; what begins
with `#` is a comment, empty lines are nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ulak.mail.address import Address, ascii_lower, fold
from ulak.smtp.grammar import GrammarError, parse_mailbox

LONGEST = 65_536  # octets of a line
_SPACE = " \t\r"
_SHORT = 64  # characters of what is an address by its looks alone
# Most lines are such, and there may be millions of them.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+=-]+(?:\.[A-Za-z0-9_+=-]+)*"
    r"(?:@[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*)?"
)


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. `key` is the address as it is compared, without `@` where it has none.

    `members` are empty for a mailbox; each is in wire form, without a domain where it has none.
    """

    key: str
    members: tuple[str, ...] = ()


class LineError(ValueError):
    """The line is none of a roster; the text says why."""


def read(octets: bytes) -> Line | None:
    """Read a line without its end; None for a comment or nothing. Raises LineError."""
    if len(octets) > LONGEST:
        message = f"longer than {LONGEST} octets"
        raise LineError(message)
    try:
        text = octets.decode("utf-8").strip(_SPACE)
    except UnicodeDecodeError:
        message = "not UTF-8"
        raise LineError(message) from None
    if not text or text.startswith("#"):
        return None
    if len(text) <= _SHORT and _PLAIN.fullmatch(text):
        return Line(text.lower())
    return _whole(text)


def _whole(text: str) -> Line:
    name, colon, rest = _parted(text)
    address = _address(name.rstrip(_SPACE))
    if not colon:
        return Line(key_of(address))
    members = [str(_address(one.strip(_SPACE))) for one in _commas(rest) if one.strip(_SPACE)]
    if not members:
        message = "an alias without members"
        raise LineError(message)
    return Line(key_of(address), tuple(dict.fromkeys(members)))


def key_of(address: Address) -> str:
    """Give an address as it is compared: folded, and quoted where it has to be."""
    domain = ascii_lower(address.domain)
    return str(Address(fold(address.local), domain))


def _address(text: str) -> Address:
    try:
        if "@" in text.rpartition('"')[2]:
            return parse_mailbox(text)
        return Address(parse_mailbox(f"{text}@example.org").local, "")
    except GrammarError as error:
        message = f"no address: {error}"
        raise LineError(message) from None


def _parted(text: str) -> tuple[str, str, str]:
    """Part a line at its first colon outside of quotes and brackets."""
    at = _first(text, ":")
    return (text, "", "") if at < 0 else (text[:at], ":", text[at + 1 :])


def _commas(text: str) -> list[str]:
    if '"' not in text and "[" not in text:
        return text.split(",")
    parts: list[str] = []
    start = 0
    for at in _outside(text, ","):
        parts.append(text[start:at])
        start = at + 1
    return [*parts, text[start:]]


def _first(text: str, mark: str) -> int:
    """Give where a mark stands first outside of quotes and brackets; -1 for nowhere."""
    if '"' not in text and "[" not in text:
        return text.find(mark)
    return next(_outside(text, mark), -1)


def _outside(text: str, mark: str) -> Iterator[int]:
    quoted = bracketed = skip = False
    for at, character in enumerate(text):
        if skip:
            skip = False
        elif quoted and character == "\\":
            skip = True
        elif character == '"' and not bracketed:
            quoted = not quoted
        elif quoted:
            continue
        elif character in "[]":
            bracketed = character == "["
        elif character == mark and not bracketed:
            yield at
