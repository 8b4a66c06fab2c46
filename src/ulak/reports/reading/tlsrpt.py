"""TLS reports in JSON (RFC 8460 §4.4, which is I-JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ulak.reports.fields import one_line
from ulak.reports.reading.trouble import Trouble, UnreadableError
from ulak.reports.tlsrpt import Failure, TlsPolicy, TlsReport

OCTETS = 10_000_000  # JSON becomes objects whole, a hundred octets for some of its own
POLICIES = 1_000
FAILURES = 10_000
_BRACKETS = 500_000  # each may become an object
_HOSTS = 50
_MOST = 10**15


def read(octets: bytes) -> TlsReport:
    """Read a report. Raises UnreadableError."""
    if len(octets) > OCTETS:
        raise UnreadableError(Trouble.TOO_LARGE, str(len(octets)))
    if octets.count(b"{") + octets.count(b"[") > _BRACKETS:
        raise UnreadableError(Trouble.TOO_MANY, str(_BRACKETS))
    try:
        document = json.loads(octets, parse_int=_integer, parse_constant=_nothing)
    except RecursionError as error:
        raise UnreadableError(Trouble.TOO_DEEP) from error
    except ValueError as error:  # UnicodeDecodeError is one
        raise UnreadableError(Trouble.NOT_JSON) from error
    if not isinstance(document, dict) or "policies" not in document:
        raise UnreadableError(Trouble.OTHER_FORMAT, "policies")
    period = _table(document, "date-range")
    policies = _list(document, "policies")
    if not policies:
        raise UnreadableError(Trouble.MISSING, "policies")
    if len(policies) > POLICIES:
        raise UnreadableError(Trouble.TOO_MANY, str(POLICIES))
    return TlsReport(
        organization=_text(document, "organization-name") or _needed(document, "contact-info"),
        contact=_text(document, "contact-info"),
        report_id=_needed(document, "report-id"),
        begin=_moment(period, "start-datetime"),
        end=_moment(period, "end-datetime"),
        policies=tuple(_policy(one) for one in policies),
    )


def _policy(one: object) -> TlsPolicy:
    if not isinstance(one, dict):
        raise UnreadableError(Trouble.WRONG_VALUE, "policies")
    policy, summary = _table(one, "policy"), _table(one, "summary")
    failures = _list(one, "failure-details")
    if len(failures) > FAILURES:
        raise UnreadableError(Trouble.TOO_MANY, str(FAILURES))
    hosts = policy.get("mx-host", [])
    return TlsPolicy(
        kind=_needed(policy, "policy-type"),
        domain=_needed(policy, "policy-domain").lower().rstrip("."),
        succeeded=_count(summary, "total-successful-session-count"),
        failed=_count(summary, "total-failure-session-count"),
        hosts=tuple(
            one_line(str(host)) for host in (hosts if isinstance(hosts, list) else [hosts])[:_HOSTS]
        ),
        failures=tuple(_failure(each) for each in failures),
    )


def _failure(one: object) -> Failure:
    if not isinstance(one, dict):
        raise UnreadableError(Trouble.WRONG_VALUE, "failure-details")
    return Failure(
        kind=_needed(one, "result-type"),
        sessions=_count(one, "failed-session-count"),
        sending_ip=_text(one, "sending-mta-ip"),
        receiving_host=_text(one, "receiving-mx-hostname"),
        receiving_ip=_text(one, "receiving-ip"),
        comment=_text(one, "failure-reason-code") or _text(one, "additional-information"),
    )


def _table(of: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = of.get(name)
    if not isinstance(found, dict):
        raise UnreadableError(Trouble.MISSING if found is None else Trouble.WRONG_VALUE, name)
    return found


def _list(of: Mapping[str, object], name: str) -> list[object]:
    found = of.get(name)
    if found is not None and not isinstance(found, list):
        raise UnreadableError(Trouble.WRONG_VALUE, name)
    return found or []


def _text(of: Mapping[str, object], name: str) -> str:
    found = of.get(name)
    return one_line(found) if isinstance(found, str) else ""


def _needed(of: Mapping[str, object], name: str) -> str:
    text = _text(of, name)
    if not text:
        raise UnreadableError(Trouble.MISSING, name)
    return text


def _count(of: Mapping[str, object], name: str) -> int:
    found = of.get(name, 0)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _MOST:
        raise UnreadableError(Trouble.WRONG_VALUE, name)
    return found


def _moment(of: Mapping[str, object], name: str) -> int:
    """Read a time of RFC 3339, in seconds since the epoch."""
    try:
        at = datetime.fromisoformat(_needed(of, name)[:40])
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UnreadableError(Trouble.WRONG_VALUE, name) from None


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= len(str(_MOST)) else _MOST + 1


def _nothing(constant: str) -> object:
    message = f"{constant} is no JSON"
    raise ValueError(message)
