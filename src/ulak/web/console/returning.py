"""Where somebody wanted to go who had to log in first: a page of the console, and no other."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request

from ulak.web.console.desk import ROOT
from ulak.web.page import path_of

FIELD = "next"
_LONGEST = 2000  # characters
# A path below the console and its query, as they stand in an address (RFC 3986 §3.3, §3.4).
_INSIDE = re.compile(
    rf"{ROOT}((?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)*)(?:\?([A-Za-z0-9._~%!$&'()*+,;=:@/?-]*))?"
)


def asked(request: Request) -> str:
    """Give the query that makes the login lead back to a page."""
    here = quote(path_of(request), safe="/:@!$&'()*+,;=~-._")
    if request.url.query:
        here += f"?{request.url.query}"
    if inside(here) is None or here == ROOT:
        return ""
    return urlencode({FIELD: here})


def inside(address: str) -> tuple[str, str] | None:
    """Take an address apart: path below the console, not quoted, and query; None for others."""
    if len(address) > _LONGEST:
        return None
    parts = _INSIDE.fullmatch(address)
    if parts is None or parts[1] == "/login":
        return None
    path = unquote(parts[1], errors="replace")
    if any(part in (".", "..") for part in path.split("/")) or not path.isprintable():
        return None
    if "\\" in path or "//" in path:
        return None
    return path, parts[2] or ""
