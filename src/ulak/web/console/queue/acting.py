"""What an operator does to mail in the queue: asked once more, done once, and noted.

The page that asks says what will happen to how many. It holds a token, under which the deed is
done once, and the time at which it was made: mail that came later is not meant.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from starlette.datastructures import FormData
from starlette.responses import Response

from ulak.queue.item import Selection
from ulak.web.console.desk import Here
from ulak.web.console.explained import explained
from ulak.web.console.once import Result
from ulak.web.console.queue.choice import MEANT, Choice
from ulak.web.console.table import refusal

_SHOWN = 20  # recipients on the page that asks
_MOST = 1000  # ids in one form
_TOKEN = 16  # octets
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ONCE = re.compile(r"[0-9a-f]{32}")
_FINAL = frozenset({"drop"})  # nobody is told, and nothing brings it back


@dataclass(frozen=True, slots=True)
class _Meant:
    """What is meant: a verb, and the recipients that it is for."""

    verb: str
    choice: Choice
    ids: tuple[str, ...]
    before: float
    which: Selection


async def ask(here: Here) -> Response:
    """Say what will happen to how many, and ask whether it is to be done."""
    meant = _read(here, await here.request.form())
    if meant is None:
        return refusal(here.request, "nothing-chosen", 400)
    return await _asking(here, meant, here.desk.chance(_TOKEN).hex())


async def do(here: Here) -> Response:
    """Do it, once."""
    form = await here.request.form()
    meant = _read(here, form)
    token = form.get("once")
    if meant is None or not isinstance(token, str) or not _ONCE.fullmatch(token):
        return refusal(here.request, "nothing-chosen", 400)
    done = here.desk.once.result(here.account.key, token)
    if meant.verb in _FINAL and done is None:
        listing = await here.operation.queue(meant.which, 0, 1)
        if _digits(form.get("count")) != str(listing.total):
            return await _asking(here, meant, token, wrong=True)

    async def work() -> Result:
        count = await here.operation.act(meant.verb, meant.which, here.by)
        return Result(meant.verb, count)

    await here.desk.once.do(here.account.key, token, work)
    return here.lead("/queue", meant.choice.query(done=token))


async def _asking(here: Here, meant: _Meant, token: str, *, wrong: bool = False) -> Response:
    listing = await here.operation.queue(meant.which, 0, _SHOWN)
    return here.page(
        "console/ask.html",
        title=here.say(f"console.queue.ask.{meant.verb}"),
        section="queue",
        meant=meant,
        total=listing.total,
        rows=[(row, explained(row.pending, here.language)) for row in listing.rows],
        once=token,
        final=meant.verb in _FINAL,
        wrong=wrong,
        status=422 if wrong else 200,
    )


def _read(here: Here, form: FormData) -> _Meant | None:
    """Read what is meant; None where nothing is."""
    verb = form.get("verb")
    if not isinstance(verb, str) or verb not in MEANT:
        return None
    whole = form.get("whole") == "yes"
    given = () if whole else form.getlist("id")
    ids = tuple(dict.fromkeys(one for one in given if isinstance(one, str) and _ID.fullmatch(one)))
    if len(ids) > _MOST or not (ids or whole):
        return None
    now = here.desk.clock()
    before = _time(form.get("before"), now)
    choice = Choice.of(form)
    which = choice.selection(before, ids, None if ids else before)
    state = MEANT[verb]
    if state is not None:
        if choice.state not in (None, state):
            which = Selection(("",))  # nobody is in two states
        else:
            which = replace(choice, state=state).selection(before, ids, None if ids else before)
    return _Meant(verb, choice, ids, before, which)


def _time(given: object, now: float) -> float:
    """Read the time at which the page was made; now where it does not say."""
    text = given if isinstance(given, str) else ""
    if not re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", text, re.ASCII):
        return now
    return min(float(text), now)


def _digits(given: object) -> str:
    """Give the digits that somebody has typed, in whichever script, as ASCII has them."""
    text = given.strip() if isinstance(given, str) else ""
    found = [unicodedata.decimal(character, None) for character in text[:20]]
    return "".join(str(digit) for digit in found if digit is not None)
