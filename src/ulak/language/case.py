"""Upper and lower case of protocol tokens: the letters A to Z, and no others.

Protocols compare ASCII letters without regard to case (RFC 5321 §2.4), and nothing else.
Unicode knows more: `"ı".upper()` is I and `"ſ".upper()` is S, `"K"` (KELVIN SIGN) has k as its
small letter and `"İ"` an i with a dot, so that `str.upper` would take `BODY=8BıTMIME` for what it
is not. Locales have no part in this, whatever LC_ALL says.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase

_TO_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)


def lower(text: str) -> str:
    """Make A to Z small; every other character stays what it is."""
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


def upper(text: str) -> str:
    """Make a to z large; every other character stays what it is."""
    return text.upper() if text.isascii() else text.translate(_TO_UPPER)
