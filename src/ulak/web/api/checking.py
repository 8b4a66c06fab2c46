"""What anybody may have checked: an address, a domain, a message, within the pages' limits."""

from __future__ import annotations

from typing import Any

from ulak.checks.dkim import with_crlf
from ulak.diagnose.diagnosis import Diagnosis, to_dict
from ulak.web.api.operation import Call, Content, Operation, Parameter
from ulak.web.api.problem import Problem
from ulak.web.api.reference import LANG, MAIL
from ulak.web.api.schemas import STRING
from ulak.web.tools import Bench
from ulak.web.tools.check import Checking, too_large
from ulak.web.tools.live import attended
from ulak.web.tools.reading import LARGEST
from ulak.web.tools.runs import BusyError, Run
from ulak.web.tools.target import domain_of, ip_of

_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_HELO = {"type": "string", "maxLength": 255}
_SELECTORS = {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 63}}
_WEIGHT = 5.0  # as many requests as one that only looks something up


def operations(bench: Bench) -> tuple[Operation, ...]:
    """Give the operations, which share the bench of the pages."""
    checking = Checking(bench)

    async def ip(call: Call) -> dict[str, Any]:
        address = ip_of(call.values["ip"])
        if address is None:
            raise Problem(400, "parameter-wrong", name="ip")
        run = checking.of_ip(call.request, address, call.values["helo"] or "")
        return await _told(bench, run, call)

    async def domain(call: Call) -> dict[str, Any]:
        name = domain_of(call.values["domain_name"])
        if name is None:
            raise Problem(400, "parameter-wrong", name="domain_name")
        run = checking.of_domain(call.request, name, tuple(call.values["selector"]))
        return await _told(bench, run, call)

    async def message(call: Call) -> dict[str, Any]:
        if not call.body.strip():
            raise Problem(400, "body-wrong")
        octets = with_crlf(call.body)
        if too_large(octets):
            raise Problem(413, "body-too-large")
        return await _told(bench, checking.of_message(call.request, octets), call)

    return (
        Operation(
            "check-ip", "GET", "/check/ip/{ip}", ip, "Diagnosis", weight=_WEIGHT, fresh=True,
            parameters=(
                Parameter("ip", _NAME, "path", required=True), Parameter("helo", _HELO), LANG,
            ),
            problems=(503, 504),
        ),
        Operation(
            "check-domain", "GET", "/check/domain/{domain_name}", domain, "Diagnosis",
            weight=_WEIGHT, fresh=True,
            parameters=(
                Parameter("domain_name", _NAME, "path", required=True),
                Parameter("selector", _SELECTORS),
                LANG,
            ),
            problems=(503, 504),
        ),
        Operation(
            "check-message", "POST", "/check/message", message, "Diagnosis", weight=_WEIGHT,
            fresh=True, parameters=(LANG,), body=Content({MAIL: STRING}, LARGEST),
            problems=(413, 415, 503, 504),
        ),
    )  # fmt: skip


async def _told(bench: Bench, run: Run, call: Call) -> dict[str, Any]:
    """Wait for the end of a run, for as long as whoever asked does."""
    try:
        await attended(call.request, bench.runs.finished(run))
    except BusyError as busy:
        if busy.theirs:
            raise Problem(429, "too-many", {"retry-after": "20"}, seconds="20") from busy
        raise Problem(503, "busy", {"retry-after": "20"}) from busy
    if isinstance(run.result, Diagnosis):
        return to_dict(run.result, call.language)
    if run.problem == "failed":
        raise Problem(500, "incident", id=run.incident)
    if run.problem == "too-late":
        raise Problem(504, "too-late", {"retry-after": "60"})
    raise Problem(503, "busy", {"retry-after": "20"})
