"""What waits, a page at a time, and why."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from ulak.queue.item import Order, State
from ulak.web.console.desk import Here
from ulak.web.console.explained import explained, of_cause
from ulak.web.console.once import Result
from ulak.web.console.queue.choice import AGES, MEANT, Choice

_PAGE = 25  # rows
_FURTHEST = 10_000_000


async def show(here: Here) -> Response:
    """Show a page of the queue."""
    query = here.request.query_params
    choice = Choice.of(query)
    offset = number(query.get("offset", ""), _FURTHEST)
    which = choice.selection(here.desk.clock())
    order, backwards = choice.order, choice.backwards
    listing = await here.operation.queue(which, offset, _PAGE, order, backwards=backwards)
    depth = await here.operation.depth()
    done: Result | None = here.desk.once.result(here.account.key, query.get("done", ""))
    return here.page(
        "console/queue.html",
        title=here.say("console.queue.title"),
        section="queue",
        choice=choice,
        listing=listing,
        rows=[(row, explained(row.pending, here.language)) for row in listing.rows],
        depth=depth,
        titles=_titles(here, [name for name, _ in depth.by_cause]),
        waiting=sum(depth.by_state.values()),
        states=list(State),
        ages=list(AGES),
        orders=(Order.DOMAIN, Order.AGE, Order.DUE),
        verbs=list(MEANT),
        done=done,
        before=str(max(0, offset - _PAGE)) if offset else "",
        after=str(offset + _PAGE) if offset + _PAGE < listing.total else "",
    )


def _titles(here: Here, causes: Sequence[str]) -> dict[str, str]:
    """Give what causes are called; those that this version does not know by their names."""
    found = {name: of_cause(name, here.language) for name in causes}
    return {name: text.title if text else name for name, text in found.items()}


def number(text: str, most: int) -> int:
    """Read a number in ASCII digits; 0 for what is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return 0
    return min(int(text), most)
