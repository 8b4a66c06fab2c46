"""The console as a piece of the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.responses import Response

from ulak.web.application import Piece
from ulak.web.console import (
    audit,
    door,
    finding,
    lists,
    now,
    queue,
    reports,
    servers,
    standing,
    story,
    suppressing,
    traffic,
)
from ulak.web.console.desk import ROOT, Desk, Here
from ulak.web.console.table import Place, routes, sections

ORDER = (
    "now",
    "servers",
    "queue",
    "sessions",
    "destinations",
    "suppressions",
    "blocklists",
    "reports",
    "settings",
    "records",
    "audit",
)
"""What navigation leads to, as far as there are pages of it."""

PLACES: tuple[Place, ...] = (
    *door.PLACES,
    *queue.PLACES,
    *story.PLACES,
    *finding.PLACES,
    *audit.PLACES,
    *now.PLACES,
    *traffic.PLACES,
    *lists.PLACES,
    *suppressing.PLACES,
    *reports.PLACES,
    *standing.PLACES,
)
"""Every page that is for who has logged in."""


def piece(desk: Desk, places: Sequence[Place] = PLACES) -> Piece:
    """Make the console of a server."""
    if desk.operation.member:  # else it has its queue for itself
        places = (*places, *servers.PLACES)
    desk = replace(desk, sections=sections(places, ORDER))
    if not any(place.path == "" for place in places):
        places = (*places, Place("", show=_first))
    return Piece(
        "console",
        pages=[*door.routes(desk), *routes(desk, places)],
        private=(ROOT,),
        sections=("console",),
    )


async def _first(here: Here) -> Response:
    """Lead to the first page that there is."""
    return here.lead(next((path for _, path in here.desk.sections), "/visits"))
