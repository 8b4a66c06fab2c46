"""What needs a token: how the server is, its queue, its stories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from ulak.journal.figures import Span
from ulak.journal.story import tell, to_dict
from ulak.journal.trace import JournalError
from ulak.queue.item import Selection, State
from ulak.queue.told import as_json
from ulak.web.api.operation import Call, Content, Operation, Parameter
from ulak.web.api.problem import Problem
from ulak.web.api.reference import JSON, LANG
from ulak.web.api.schemas import VERBS, enum
from ulak.web.console.ports import Operation as Server
from ulak.web.console.ports import OperationError

T = TypeVar("T")

_LATEST = 253_402_300_799  # the last second of the year 9999
_WORD = {"type": "string", "maxLength": 255}
TIME = {"type": "number", "minimum": 0, "maximum": _LATEST}
LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
_SELECTING = (
    Parameter("id", {"type": "array", "maxItems": 100, "items": _WORD}),
    Parameter("domain", _WORD),
    Parameter("cause", _WORD),
    Parameter("state", enum(*State)),
    Parameter("before", TIME),
    Parameter("after", TIME),
)
_NAMED = {"type": "string", "minLength": 1, "maxLength": 255}
# Nothing named is nobody, and never everybody.
_CHOICE = {
    "type": "object",
    "properties": {
        "ids": {"type": "array", "minItems": 1, "maxItems": 1000, "items": _NAMED},
        "domain": _NAMED,
        "cause": _NAMED,
        "state": enum(*State),
        "before": TIME,
        "after": TIME,
        "everything": {"type": "boolean", "const": True},
    },
    "minProperties": 1,
    "additionalProperties": False,
}
_MOST = 100_000  # octets


def operations(server: Server) -> tuple[Operation, ...]:
    """Give the operations on a server."""

    def missing() -> dict[str, Any]:
        """Say which servers that share the queue have not answered."""
        return asdict(server.missing())

    async def now(_: Call) -> dict[str, Any]:
        return asdict(await asked_of(server.now))

    async def figures(call: Call) -> dict[str, Any]:
        told = await asked_of(lambda: server.figures(Span(call.values["span"])))
        series = [
            {"kind": str(one.kind), "cause": one.cause, "counts": list(one.counts)}
            for one in told.series
        ]
        return {
            "span": str(told.span),
            "begin": told.begin,
            "step": told.step,
            "series": series,
            "missing": missing(),
        }

    async def sessions(call: Call) -> dict[str, Any]:
        told = await asked_of(lambda: server.sessions(call.values["limit"]))
        rows = [asdict(one) for one in told.shown]
        return {"sessions": rows, "total": told.total, "missing": missing()}

    async def destinations(call: Call) -> dict[str, Any]:
        told = await asked_of(lambda: server.destinations(call.values["limit"]))
        rows = [asdict(one) for one in told.shown]
        return {"destinations": rows, "total": told.total, "missing": missing()}

    async def queue(call: Call) -> dict[str, Any]:
        which = _selected(call.values)
        offset, limit = call.values["offset"], call.values["limit"]
        told = await asked_of(lambda: server.queue(which, offset, limit))
        return {
            "recipients": [as_json(row) for row in told.rows],
            "total": told.total,
            "offset": told.offset,
        }

    async def act(call: Call) -> dict[str, Any]:
        verb, which = call.values["verb"], _chosen(call.json(_CHOICE))
        count = await asked_of(lambda: server.act(verb, which, call.by))
        return {"verb": verb, "count": count}

    async def story(call: Call) -> dict[str, Any]:
        identifier = call.values["id"]
        found = await asked_of(lambda: server.story(identifier))
        if found is None:
            raise Problem(404, "unknown-id", id=identifier)
        return {**to_dict(tell(found, call.language)), "missing": missing()}

    span = Parameter("span", {**enum(*Span), "default": Span.DAY.value})
    offset = Parameter(
        "offset", {"type": "integer", "minimum": 0, "maximum": 10_000_000, "default": 0}
    )
    verb = Parameter("verb", enum(*VERBS), "path", required=True)
    identifier = Parameter("id", _WORD, "path", required=True)
    return (
        Operation("now", "GET", "/now", now, "Now", "status:read", problems=(503,)),
        Operation(
            "figures", "GET", "/figures", figures, "Figures", "status:read", (span,),
            problems=(503,),
        ),
        Operation(
            "sessions", "GET", "/sessions", sessions, "Sessions", "status:read", (LIMIT,),
            problems=(503,),
        ),
        Operation(
            "destinations", "GET", "/destinations", destinations, "Destinations", "status:read",
            (LIMIT,), problems=(503,),
        ),
        Operation(
            "queue", "GET", "/queue", queue, "Queue", "queue:read", (*_SELECTING, offset, LIMIT),
            problems=(503,),
        ),
        Operation(
            "act", "POST", "/queue/{verb}", act, "Done", "queue:write", (verb,),
            Content({JSON: _CHOICE}, _MOST), problems=(413, 415, 503),
        ),
        Operation(
            "story", "GET", "/stories/{id}", story, "Story", "journal:read", (identifier, LANG),
            problems=(503,),
        ),
    )  # fmt: skip


async def asked_of(question: Callable[[], Awaitable[T]]) -> T:
    """Ask the server. Raises Problem where it cannot tell."""
    try:
        return await question()
    except JournalError as error:
        raise Problem(404, "not-one-id", id=error.facts.get("id", "")) from error
    except OperationError as error:
        name = "not-running" if error.name == "not-running" else "storage"
        raise Problem(503, name, {"retry-after": "10"}) from error


def _selected(values: Any) -> Selection:  # noqa: ANN401 -- values by name
    which = Selection(
        tuple(values["id"]),
        (values["domain"],) if values["domain"] else (),
        values["cause"] or "",
        state=State(values["state"]) if values["state"] else None,
        before=values["before"],
        after=values["after"],
    )
    return Selection(everything=True) if which.empty else which


def _chosen(given: dict[str, Any]) -> Selection:
    """Take which recipients a verb is for."""
    return Selection(
        ids=tuple(given.get("ids", ())),
        domains=(given["domain"],) if given.get("domain") else (),
        cause=given.get("cause", ""),
        everything=given.get("everything", False),
        state=State(given["state"]) if "state" in given else None,
        before=given.get("before"),
        after=given.get("after"),
    )
