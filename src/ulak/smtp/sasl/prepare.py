"""Names and passwords as they are compared: SASLprep (RFC 4013, RFC 3454).

RFC 5802 and RFC 4616 want SASLprep, over Unicode 3.2. Code points that came later are let through
as they are, in passwords too, where RFC 5802 §2.2 would refuse them: RFC 8265 §4, which follows
SASLprep, takes them, and where SASLprep has an answer this is the same one.
"""

from __future__ import annotations

import stringprep
import unicodedata

# RFC 4616 §2 has a server take 255 octets of each.
MAX_NAME = 255  # octets
MAX_PASSWORD = 1024  # octets

_PASSWORD = "the password"  # noqa: S105 -- is none

_PROHIBITED = (  # RFC 4013 §2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class PreparationError(ValueError):
    """A name or password cannot be one; the text says why, and nothing of what it is."""


def name(given: bytes | str) -> str:
    """Prepare a name. Raises PreparationError."""
    return _prepared(given, "the name", MAX_NAME)


def password(given: bytes | str) -> str:
    """Prepare a password for SCRAM. Raises PreparationError."""
    return _prepared(given, _PASSWORD, MAX_PASSWORD)


def secret(given: bytes) -> str:
    """Read a password that came as it is: whoever keeps its hash knows how he prepared it.

    Raises PreparationError for what is no text, or cannot be typed.
    """
    text = _text(given, _PASSWORD, MAX_PASSWORD)
    if any(map(stringprep.in_table_c21_c22, text)):
        problem = f"{_PASSWORD} has a control character in it"
        raise PreparationError(problem)
    if not text:
        problem = f"{_PASSWORD} is empty"
        raise PreparationError(problem)
    return text


def _text(given: bytes | str, what: str, most: int) -> str:
    try:
        octets = given.encode() if isinstance(given, str) else given
        text = octets.decode()
    except UnicodeError:
        problem = f"{what} is not UTF-8"
        raise PreparationError(problem) from None  # the cause would show it
    if len(octets) > most:
        problem = f"{what} is longer than {most} octets"
        raise PreparationError(problem)
    return text


def _prepared(given: bytes | str, what: str, most: int) -> str:
    text = _text(given, what, most)
    if not (text.isascii() and text.isprintable()):
        text = _mapped(text)
        if any(prohibited(c) for c in text for prohibited in _PROHIBITED):
            problem = f"{what} has a character that may not be in it"
            raise PreparationError(problem)
        if not _goes_one_way(text):
            problem = f"{what} runs in both directions"
            raise PreparationError(problem)
    if not text:
        problem = f"{what} is empty"
        raise PreparationError(problem)
    return text


def _mapped(text: str) -> str:
    """Map and normalize (RFC 4013 §2.1, §2.2)."""
    text = "".join(
        " " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c)
    )
    return unicodedata.ucd_3_2_0.normalize("NFKC", text)


def _goes_one_way(text: str) -> bool:
    """Whether what is written from right to left is so from end to end (RFC 3454 §6)."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    if any(map(stringprep.in_table_d2, text)):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
