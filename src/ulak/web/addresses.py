"""The addresses of pages: English ones as they are, others behind their language.

A page's path is what all its languages share: `/codes/252` is `/tr/codes/252` in Turkish.
"""

from __future__ import annotations

from urllib.parse import quote

from ulak.language import FALLBACK

_PATH = "/:@!$&'()*+,;=~-._"  # RFC 3986 §3.3


def localized(path: str, language: str) -> str:
    """Give the address of a page in a language. `path` is not quoted yet."""
    prefix = "" if language == FALLBACK else f"/{language}"
    if path == "/":
        return f"{prefix}/" if prefix else "/"
    return prefix + quote(path, safe=_PATH)
