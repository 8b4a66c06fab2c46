"""The workers of all members: those of this server over their control sockets, others by asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ulak.app.asking.others import Others
from ulak.app.control import Request
from ulak.app.places import Places
from ulak.app.telling import tell
from ulak.questions.question import Heard

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What workers answered, all of them in a row; `expected` are as many as there should be.

    `members` are the servers that answered, none where there is only this one.
    """

    answers: Sequence[Row] = ()
    expected: int = 0
    members: tuple[str, ...] = ()


async def tell_all(places: Places, others: Others, verb: str, limit: int = 0) -> Told:
    """Ask the workers of all members at once."""
    request = Request(verb, limit=limit)
    own, heard = await asyncio.gather(tell(places, request), others.ask(verb, {"limit": limit}))
    return together(verb, own, heard, others.me)


def together(verb: str, own: Sequence[Row], heard: Heard, me: str, expected: int = 0) -> Told:
    """Put the answers of this server's workers and of the others into one."""
    if heard.alone:
        return Told(own, expected)
    from ulak.app.asking.understood import understood  # noqa: PLC0415 -- it knows all of the console

    answers = [{**answer, "member": me} for answer in own]
    members = [me] if own else []
    for member, answer in heard.answers.items():
        rows = answer.get("workers")
        there = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        known = [good for row in there if (good := understood(verb, row)) is not None]
        answers += [{**row, "member": member} for row in known]
        members.append(member)
        count = answer.get("expected")
        expected += max(count, 0) if type(count) is int else len(known)
    return Told(answers, expected, tuple(sorted(members)))
