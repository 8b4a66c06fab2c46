"""The servers that share a queue in PostgreSQL: how they are, and taking one out of service.

There is no such page where a server has its queue for itself. What is to be done is asked once
more, done once, and noted by the server that does it, as where the command line orders it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from starlette.responses import Response

from ulak.cluster import words
from ulak.cluster.member import Duty, Member, Order
from ulak.queue.item import State
from ulak.web.console.desk import Here
from ulak.web.console.now import SCRIPTS, live
from ulak.web.console.once import Result
from ulak.web.console.ports import Operation
from ulak.web.console.sharing import Servers
from ulak.web.console.table import Place, refusal
from ulak.web.console.times import Times
from ulak.web.console.watch import Make
from ulak.web.page import part
from ulak.web.pictures.words import number

_TOKEN = 16  # octets
_ONCE = re.compile(r"[0-9a-f]{32}")
_TONES = {Duty.SERVING: "good", Duty.DRAINING: "warn", Duty.DRAINED: "info"}


@dataclass(frozen=True, slots=True)
class Line:
    """One server. `order` is what may be asked of it, and `tone` how its state looks."""

    member: Member
    duty: str
    tone: str
    order: Order
    query: str  # of the page that asks whether that is to be done


async def _show(here: Here) -> Response:
    shown = _parts(here)
    done = here.desk.once.result(here.account.key, here.request.query_params.get("done", ""))
    return here.page(
        "console/servers.html",
        title=here.say("servers.title"),
        section="servers",
        scripts=SCRIPTS,
        done=done,
        shown=await shown["servers"](),
    )


async def _live(here: Here) -> Response:
    return live(here, _parts(here))


def _parts(here: Here) -> dict[str, Make]:
    """Say how it is made, once for all who look and may do the same."""
    admin, language = here.admin, here.language
    make = partial(servers, here.operation, language, here.desk.clock, admin=admin)
    return {"servers": partial(here.desk.watch.shown, ("servers", language, admin), make)}


async def servers(
    operation: Operation, language: str, clock: Callable[[], float], *, admin: bool
) -> str:
    """Write how the servers, the queue and the database are; `admin`: with what can be done."""
    found = await operation.servers()
    return part(
        language,
        "console/servers-list.html",
        found=found,
        lines=[line(member, language) for member in found.members],
        spilled=any(member.stand.spilled for member in found.members),
        problems=[(each.grave, words.sentence(each, language)) for each in found.problems],
        sentences=_sentences(found, language),
        admin=admin,
        word=partial(words.say, language),
        megabytes=words.megabytes,
        count=partial(number, language=language),
        times=Times(language, clock()),
    )


def line(member: Member, language: str) -> Line:
    """Tell of one server."""
    duty = member.stand.duty
    order = Order.DRAIN if duty is Duty.SERVING else Order.RESUME
    if member.wanted is not None:  # who has changed their mind may say so before it is heard
        order = Order.RESUME if member.wanted is Order.DRAIN else Order.DRAIN
    tone = "bad" if member.silent else _TONES[duty]
    query = urlencode({"name": member.name, "order": order.value})
    return Line(member, words.duty(member, language), tone, order, query)


def _sentences(found: Servers, language: str) -> list[str]:
    """Tell of the queue and the database."""
    made = []
    if found.depth is not None:
        counts = found.depth.counts
        states = {state.value: counts.by_state.get(state, 0) for state in State}
        facts = {name: number(n, language) for name, n in states.items()}
        facts |= {"messages": number(counts.messages, language)}
        facts |= {"due": number(found.depth.due, language)}
        made.append(words.say(language, "queue", **facts))
        if found.depth.oldest is not None:
            time = Times(language, 0.0).named(found.depth.oldest)
            made.append(words.say(language, "oldest", time=time))
    if found.database is not None:
        made.append(words.database(found.database, language))
    return made


# -- out of service, and back ---------------------------------------------------------------------


async def _ask(here: Here) -> Response:
    """Say what will happen, and ask whether it is to be done."""
    query = here.request.query_params
    order = _order(query.get("order"))
    if not here.admin:
        return refusal(here.request, "read-only", 403)
    if order is None:
        return refusal(here.request, "nothing-chosen", 400)
    found = await here.operation.servers()
    name = query.get("name", "")
    member = next((one for one in found.members if one.name == name), None)
    if member is None:
        return refusal(here.request, "no-such-server", 404, server=name)
    others = [one for one in found.members if one.name != name and not one.silent]
    last = not any(one.stand.duty is Duty.SERVING for one in others) and not found.away
    return here.page(
        "console/servers-ask.html",
        title=here.say(f"servers.ask.{order.value}", name=name),
        section="servers",
        order=order,
        line=line(member, here.language),
        here_itself=name == found.here,
        last=last and order is Order.DRAIN,
        word=partial(words.say, here.language),
        once=here.desk.chance(_TOKEN).hex(),
    )


async def _do(here: Here) -> Response:
    """Order it, once."""
    form = await here.request.form()
    order, name, token = _order(form.get("order")), form.get("name"), form.get("once")
    if order is None or not isinstance(name, str) or not name:
        return refusal(here.request, "nothing-chosen", 400)
    if not isinstance(token, str) or not _ONCE.fullmatch(token):
        return refusal(here.request, "nothing-chosen", 400)

    async def work() -> Result:
        await here.operation.order(name, order, here.by)
        return Result(order.value, 1)

    await here.desk.once.do(here.account.key, token, work)
    return here.lead("/servers", urlencode({"done": token}))


def _order(given: object) -> Order | None:
    return next((order for order in Order if order.value == given), None)


PLACES = (
    Place("/servers", show=_show, section="servers"),
    Place("/servers/live", show=_live),
    Place("/servers/ask", show=_ask),
    Place("/servers/do", act=_do),
)
