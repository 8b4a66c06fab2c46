"""A page that costs nothing, for comparison: Starlette's hello, served by uvicorn."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello, world!")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/", _hello)]),
        port=int(sys.argv[1]),
        log_level="critical",
        access_log=False,
    )
