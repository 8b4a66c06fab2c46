"""Files that pages need: under a name that changes with them, so that they may be kept for ever."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
PLACE = "/static"
_KINDS = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
    }
)


_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(rb"(\"[^\"]*\")")
_SPACE = re.compile(rb"\s+")
_AROUND = re.compile(rb" ?([{};,>]) ?")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `path` is where it is served."""

    name: str
    path: str
    kind: str
    data: bytes


@cache
def assets() -> dict[str, Asset]:
    """Give every file by its name below `static/` (`ulak.css`, `vendor/htmx.js`)."""
    found = {}
    for file in sorted(FOLDER.rglob("*")):
        if file.suffix in _KINDS:
            data = file.read_bytes()
            if file.suffix == ".css":
                data = lean(data)
            name = file.relative_to(FOLDER).as_posix()
            mark = hashlib.sha256(data).hexdigest()[:12]
            path = f"{PLACE}/{file.stem}.{mark}{file.suffix}"
            found[name] = Asset(name, path, _KINDS[file.suffix], data)
    return found


def lean(styles: bytes) -> bytes:
    """Leave out of a style sheet what is for its readers: comments, and spaces that part nothing.

    What stands in quotation marks is left as it is; a comment has none in it.
    """
    parts = _QUOTED.split(_COMMENT.sub(b"", styles))
    for place in range(0, len(parts), 2):
        text = _SPACE.sub(b" ", parts[place])
        text = _AROUND.sub(rb"\1", text)
        parts[place] = text.replace(b": ", b":").replace(b";}", b"}")
    return b"".join(parts).strip()


def static(name: str) -> str:
    """Give the path of a file. No such file is a KeyError."""
    return assets()[name].path


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding field takes gzip (RFC 9110 §12.5.3)."""
    for coding in accepted.split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return not weight or bool(weight.strip(" q=0."))  # `q=0.00` takes none
    return False


def routes() -> list[Route]:
    """Serve every file, each at its own path: no path of a request ever names a file."""

    def route(asset: Asset) -> Route:
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
        }
        packed = gzip.compress(asset.data, 9, mtime=0)

        async def serve(request: Request) -> Response:
            if takes_gzip(request.headers.get("accept-encoding", "")):
                small = {**headers, "content-encoding": "gzip"}
                return Response(packed, media_type=asset.kind, headers=small)
            return Response(asset.data, media_type=asset.kind, headers=headers)

        return Route(asset.path, serve, methods=["GET"])

    return [route(asset) for asset in assets().values()]
