"""One check against a small zone, without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import pytest

from ulak.checks.spf import Finding, check
from ulak.dns import Resolver, Status, Zone
from ulak.dns.zone import Written

T = TypeVar("T")
Table = Mapping[tuple[str, str], Sequence[Written] | Status]


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    value: T = end.value.value
    return value


def published(record: str, table: Table | None = None) -> Zone:
    """A zone where example.org publishes a record."""
    zone = Zone(table or {})
    zone.put("example.org", "TXT", [record])
    return zone


def judge(
    resolver: Resolver,
    ip: str = "192.0.2.1",
    *,
    mail_from: str = "ada@example.org",
    helo: str = "mail.example.org",
    receiver: str = "mx.example.net",
    now: float = 1_700_000_000.9,
) -> Finding:
    """Ask whether a client may send for example.org."""
    return drive(check(resolver, ip=ip, helo=helo, mail_from=mail_from, receiver=receiver, now=now))


def said(finding: Finding) -> list[str]:
    """Give the keys of a finding's reasons, without the name of the check."""
    return [reason.key.removeprefix("spf.") for reason in finding.reasons]
