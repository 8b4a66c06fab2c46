"""What `ulak reports` prints for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from ulak.cli import output
from ulak.cli.frame import say
from ulak.reports.aggregate import Aggregate
from ulak.reports.sources import Source
from ulak.reports.sources import sources as added_up
from ulak.reports.store import Parcel, State
from ulak.reports.tlsrpt import TlsReport


def source_table(source: Source) -> dict[str, Any]:
    """Give a source as a table for programs."""
    return {
        "ip": source.ip,
        "messages": source.messages,
        "passed": source.passed,
        "dkim": source.dkim,
        "spf": source.spf,
        "refused": source.refused,
        "domains": dict(source.domains),
        "others": dict(source.others),
        "advice": str(source.advice),
    }


def dmarc(ctx: click.Context, report: Aggregate) -> None:
    """Print a report of DMARC."""
    policy = report.published
    output.line(
        output.prose(
            say(
                ctx,
                "reports.dmarc",
                organization=report.organization,
                domain=policy.domain,
                period=period(report.begin, report.end),
                count=report.messages,
                policy=policy.p or "none",
                id=report.report_id,
            )
        )
    )
    for error in report.errors:
        output.line(output.prose(say(ctx, "reports.error", error=error)))
    output.line()
    sources(ctx, added_up([report]))


def sources(ctx: click.Context, found: Iterable[Source]) -> None:
    """Print sources, and what to do about each kind of them."""
    found = tuple(found)
    named = heads(ctx, "ip", "messages", "passed", "dkim", "spf", "refused", "from", "others")
    rows = [
        (
            source.ip,
            source.messages,
            share(source.passed, source.messages),
            share(source.dkim, source.messages),
            share(source.spf, source.messages),
            source.refused,
            ", ".join(name for name, _ in source.domains.most_common(3)),
            ", ".join(source.named[:3]) or "-",
        )
        for source in found
    ]
    output.line(output.table(rows, named))
    for advice in dict.fromkeys(source.advice for source in found):
        addresses = [source.ip for source in found if source.advice is advice]
        shown = ", ".join(addresses[:5]) + (" …" if len(addresses) > 5 else "")  # noqa: PLR2004 -- as many as are shown
        output.line()
        output.line(output.prose(say(ctx, f"reports.advice.{advice}", addresses=shown)))


def tls(ctx: click.Context, report: TlsReport) -> None:
    """Print a report of TLS."""
    days = period(report.begin, report.end)
    facts = {"organization": report.organization, "period": days, "id": report.report_id}
    output.line(output.prose(say(ctx, "reports.tls", **facts)))
    for policy in report.policies:
        output.line()
        facts = {
            "domain": policy.domain,
            "policy": policy.kind,
            "succeeded": str(policy.succeeded),
            "failed": str(policy.failed),
        }
        output.line(output.prose(say(ctx, "reports.tls-policy", **facts)))
        if not policy.failures:
            continue
        named = heads(ctx, "failure", "sessions", "host", "ip", "comment")
        rows = [
            (
                failure.kind,
                failure.sessions,
                failure.receiving_host or failure.receiving_ip or "-",
                failure.sending_ip or "-",
                failure.comment or "-",
            )
            for failure in policy.failures
        ]
        output.line(output.table(rows, named))
        for kind in dict.fromkeys(failure.kind for failure in policy.failures):
            known = kind if kind in _FAILURES else "other"
            output.line(output.prose(say(ctx, f"reports.tls-failure.{known}", kind=kind)))


_FAILURES = frozenset(  # RFC 8460 §4.3
    {
        "starttls-not-supported",
        "certificate-host-mismatch",
        "certificate-expired",
        "certificate-not-trusted",
        "validation-failure",
        "tlsa-invalid",
        "dnssec-invalid",
        "dane-required",
        "sts-policy-fetch-error",
        "sts-policy-invalid",
        "sts-webpki-invalid",
    }
)


def parcels(ctx: click.Context, found: Iterable[Parcel], *, as_json: bool) -> None:
    """Print reports on their way to the owners of domains."""
    waiting = list(found)
    if as_json:
        output.json_object({"parcels": [asdict(parcel) for parcel in waiting]})
        return
    if not waiting:
        output.line(say(ctx, "reports.no-parcels"))
        return
    named = heads(ctx, "domain", "to", "id", "state", "why", "changed")
    rows = [
        (
            parcel.domain,
            parcel.address or parcel.uri,
            parcel.id if parcel.state is State.SENT else "-",
            say(ctx, f"reports.state.{parcel.state}"),
            say(ctx, f"reports.why.{parcel.why}") if parcel.why else "-",
            moment(parcel.changed),
        )
        for parcel in waiting
    ]
    output.line(output.table(rows, named))


def heads(ctx: click.Context, *names: str) -> list[str]:
    """Give the heads of columns."""
    return [say(ctx, f"reports.head.{name}") for name in names]


def share(part: int, whole: int) -> str:
    """Write a part of a whole."""
    return f"{part} ({100 * part // whole} %)" if whole else "0"


def moment(at: float) -> str:
    """Write a time, in UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return str(at)


def period(begin: int, end: int) -> str:
    """Write the days of a report."""
    first, last = moment(begin)[:10], moment(end)[:10]
    return first if first == last else f"{first}…{last}"
