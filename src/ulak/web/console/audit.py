"""What operators did, when, and from where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from ulak.journal.entry import Entry
from ulak.web.console.desk import Here
from ulak.web.console.queue.listing import number
from ulak.web.console.table import Place
from ulak.web.words import has

_FEW, _MOST = 200, 5_000  # entries
_DENIED = "login-denied"
_TOGETHER = 2.0  # seconds between two entries of one deed
_NAMED = 5  # messages of a deed that are named
_QUIET = frozenset({"verb", "who", "from", "ip", "recipient"})


@dataclass(frozen=True, slots=True)
class Deed:
    """One deed, of one entry or of many: `count` recipients of `messages`, some of them named.

    `time` is that of its first entry.
    """

    time: float
    verb: str
    who: str
    via: str
    ip: str
    count: int = 0
    messages: tuple[str, ...] = ()
    more: bool = False
    recipient: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    def joins(self, other: Deed) -> bool:
        """Whether another one, which came before, is a part of the same."""
        mine = (self.verb, self.who, self.via, self.ip)
        return (
            mine == (other.verb, other.who, other.via, other.ip)
            and bool(self.messages and other.messages)
            and self.time - other.time < _TOGETHER
        )


async def _show(here: Here) -> Response:
    query = here.request.query_params
    limit = number(query.get("limit", ""), _MOST) or _FEW
    denied = query.get("show") == "denied"
    # Whoever guesses at passwords must not push out of sight what operators did.
    read = await here.operation.deeds(_MOST)
    entries = [entry for entry in read if (entry.facts.get("verb") == _DENIED) is denied]
    whole, entries = len(entries) <= limit, entries[:limit]
    return here.page(
        "console/audit.html",
        title=here.say("console.audit.title"),
        section="audit",
        deeds=deeds(entries),
        worded=lambda verb: has("en", f"console.deed.{verb}"),
        via=lambda via: has("en", f"console.via.{via}"),
        denied=denied,
        strangers=sum(entry.facts.get("verb") == _DENIED for entry in read),
        more="" if whole else str(min(limit * 5, _MOST)),
    )


def deeds(entries: Sequence[Entry]) -> list[Deed]:
    """Put entries together, newest first, that one deed has left: one for each recipient."""
    found: list[Deed] = []
    for entry in entries:
        deed = _deed(entry)
        if found and found[-1].joins(deed):
            last = found[-1]
            known = deed.messages[0] in last.messages
            room = len(last.messages) < _NAMED
            found[-1] = replace(
                last,
                time=deed.time,
                count=last.count + 1,
                messages=last.messages if known or not room else (*last.messages, *deed.messages),
                more=last.more or not (known or room),
                recipient="",
            )
        else:
            found.append(deed)
    return found


def _deed(entry: Entry) -> Deed:
    facts = entry.facts
    return Deed(
        entry.time,
        facts.get("verb", ""),
        facts.get("who", ""),
        facts.get("from", ""),
        facts.get("ip", ""),
        1 if entry.message else 0,
        (entry.message,) if entry.message else (),
        recipient=facts.get("recipient", ""),
        facts=tuple((k, v) for k, v in facts.items() if k not in _QUIET and v),
    )


PLACES = (Place("/audit", show=_show, section="audit"),)
