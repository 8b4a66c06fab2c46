"""What others report about our domains: DMARC (RFC 9990, RFC 7489) and TLS (RFC 8460).

And what they say together of who sends in our name, and what became of our own reports.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from ulak.language.case import lower
from ulak.reports.aggregate import Aggregate
from ulak.reports.plain import DMARC, table_of
from ulak.reports.sources import Source, sources
from ulak.web.api.operating import LIMIT, TIME, asked_of
from ulak.web.api.operation import Call, Operation, Parameter
from ulak.web.api.problem import Problem
from ulak.web.console.ports import Operation as Server

_SCOPE = "reports:read"
_LISTED = 1000
_LARGEST = 2**53 - 1  # that every reader of JSON reads as it was written (RFC 8259 §6)


def operations(server: Server) -> tuple[Operation, ...]:
    """Give the operations on what a server has read."""

    async def reports(call: Call) -> dict[str, Any]:
        values = call.values
        domain, since = lower(values["domain"] or ""), values["since"]
        found = await asked_of(lambda: server.reports(domain, since, values["limit"]))
        return {"reports": [asdict(kept) for kept in found]}

    async def report(call: Call) -> dict[str, Any]:
        number = call.values["number"]
        found = await asked_of(lambda: server.report(number))
        if found is None:
            raise Problem(404, "unknown-report", number=number)
        return table_of(found)

    async def sent(call: Call) -> dict[str, Any]:
        found = await asked_of(lambda: server.parcels(call.values["limit"]))
        return {"parcels": [asdict(parcel) for parcel in found]}

    async def who(call: Call) -> dict[str, Any]:
        values = call.values
        domain, since = lower(values["domain"] or ""), values["since"]
        kept = await asked_of(lambda: server.reports(domain, since, _LISTED))
        dmarc = [one.number for one in kept if one.kind == DMARC][: values["limit"]]
        read = [await asked_of(partial(server.report, number)) for number in dmarc]
        found = sources(one for one in read if isinstance(one, Aggregate))
        return {"reports": len(read), "sources": list(map(_source, found[:_LISTED]))}

    domain = Parameter("domain", {"type": "string", "maxLength": 253})
    since = Parameter("since", {**TIME, "default": 0})
    number = Parameter(
        "number", {"type": "integer", "minimum": 1, "maximum": _LARGEST}, "path", required=True
    )
    return (
        Operation(
            "reports", "GET", "/reports", reports, "Reports", _SCOPE, (domain, since, LIMIT),
            problems=(503,),
        ),
        Operation(
            "sent-reports", "GET", "/reports/sent", sent, "Parcels", _SCOPE, (LIMIT,),
            problems=(503,),
        ),
        Operation(
            "report-sources", "GET", "/reports/sources", who, "Sources", _SCOPE,
            (domain, since, LIMIT), problems=(503,),
        ),
        Operation(
            "report", "GET", "/reports/{number}", report, "Report", _SCOPE, (number,),
            problems=(503,),
        ),
    )  # fmt: skip


def _source(source: Source) -> dict[str, Any]:
    counts = ("messages", "passed", "dkim", "spf", "refused")
    return {
        "ip": source.ip,
        **{name: getattr(source, name) for name in counts},
        "advice": source.advice.value,
        "domains": dict(source.domains),
        "named": list(source.named),
    }
