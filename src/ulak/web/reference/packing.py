"""Pages that are made anew for each who asks, sent as small as the browser takes them.

What is packed has nothing secret in it, so that its length tells nobody anything (BREACH).
"""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

from ulak.web.asset import takes_gzip
from ulak.web.reference.kept import Maker

_LEVEL = 6
_LEAST = 1000  # octets that are worth it


def packing(maker: Maker) -> Maker:
    """Have what a maker makes sent in gzip to who takes it (RFC 9110 §12.5.3)."""

    async def make(request: Request) -> Response:
        response = await maker(request)
        body = bytes(response.body)
        if len(body) < _LEAST:
            return response
        response.headers["vary"] = "accept-encoding"
        if takes_gzip(request.headers.get("accept-encoding", "")):
            response.body = gzip.compress(body, _LEVEL, mtime=0)
            response.headers["content-encoding"] = "gzip"
            response.headers["content-length"] = str(len(response.body))
        return response

    return make
