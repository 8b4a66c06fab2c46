"""How the blocklists answer that are asked about clients, and whether they work at all."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from ulak.web.console.desk import Here
from ulak.web.console.ports import Probed, Zone
from ulak.web.console.table import Place

_MANY = 0.2  # so large a part of unusable answers is more than bad luck
_FEW = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One list and its state, which names a text: `good`, `resting`, `failing` or `silent`."""

    zone: Zone
    state: str
    tone: str
    probed: Probed | None = None


async def _show(here: Here) -> Response:
    return await _page(here, None)


async def _probe(here: Here) -> Response:
    """Ask a list for its test entries, and show what came of it."""
    form = await here.request.form()
    zone = form.get("zone", "")
    probed = await here.operation.probe(zone) if isinstance(zone, str) else None
    if probed is None:
        return here.lead("/blocklists")
    return await _page(here, probed)


async def _page(here: Here, probed: Probed | None) -> Response:
    zones = await here.operation.blocklists()
    lines = []
    for zone in zones:
        state, tone = state_of(zone)
        mine = probed if probed is not None and probed.zone == zone.zone else None
        lines.append(Line(zone, state, tone, mine))
    return here.page(
        "console/blocklists.html",
        title=here.say("watch.blocklists.title"),
        section="blocklists",
        lines=lines,
    )


def state_of(zone: Zone) -> tuple[str, str]:
    """Say how a list is, and the tone of that."""
    if zone.resting is not None:
        return "resting", "bad"
    if not zone.asked:
        return "silent", ""
    if zone.unanswered >= _FEW and zone.unanswered > zone.asked * _MANY:
        return "failing", "bad"
    if zone.unanswered == zone.asked:
        return "failing", "bad"
    return "good", "good"


PLACES = (
    Place("/blocklists", show=_show, section="blocklists"),
    Place("/blocklists/probe", act=_probe),
)
