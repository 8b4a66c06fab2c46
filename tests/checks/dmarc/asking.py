"""What the tests of DMARC ask with: findings of SPF and DKIM in short, and a table of records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ulak.checks.dmarc import Finding, check, check_header
from ulak.dns import Status, Zone


@dataclass(frozen=True)
class Spf:
    result: str
    domain: str
    identity: str = "mailfrom"
    mail_from: str = "ada@there.example"


@dataclass(frozen=True)
class Dkim:
    result: str
    domain: str
    selector: str = "s1"


Table = Mapping[str, str | Status | Sequence[str]]


def zone(table: Table) -> Zone:
    """Make DNS of DMARC records by domain; `+name` is a name that exists and has none."""
    entries: dict[tuple[str, str], Sequence[str] | Status] = {}
    for name, record in table.items():
        if name.startswith("+"):
            entries[name[1:], "A"] = [str(record)] if not isinstance(record, Status) else record
        elif isinstance(record, str) and not isinstance(record, Status):
            entries[f"_dmarc.{name}", "TXT"] = [record]
        else:
            entries[f"_dmarc.{name}", "TXT"] = record
    return Zone(entries)


def judge(
    table: Table | Zone, author: str, *, spf: Spf | None = None, dkim: Sequence[Dkim] = ()
) -> Finding:
    resolver = table if isinstance(table, Zone) else zone(table)
    return asyncio.run(check(resolver, from_domain=author, spf=spf, dkim=dkim))


def judge_header(
    table: Table, header: bytes, *, spf: Spf | None = None, dkim: Sequence[Dkim] = ()
) -> Finding:
    return asyncio.run(
        check_header(zone(table), header=header, spf=spf, dkim=dkim, gather=asyncio.gather)
    )


def keys(finding: Finding) -> list[str]:
    return [reason.key.removeprefix("dmarc.") for reason in finding.reasons]
