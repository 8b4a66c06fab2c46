"""From what a day has counted to the report about it (RFC 9990 §3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ulak import __version__
from ulak.checks.dmarc.record import Record, read
from ulak.mail.envelope import domain_of
from ulak.reports.aggregate import Aggregate, Published
from ulak.reports.counting import DAY, Counted

_ERRORS = 10
_NO_ATOM = re.compile(r"[^A-Za-z0-9._-]|^\.|\.$|\.(?=\.)")


@dataclass(frozen=True, slots=True)
class Author:
    """Who reports: the name of the organization, how to reach it, and the server's own name.

    `sender` is the address that reports come from; it has to be one at which mail is taken.
    """

    organization: str
    email: str
    hostname: str
    sender: str
    contact: str = ""

    @property
    def domain(self) -> str:
        """Who reports, as a domain: that of the address at which one is reached (RFC 8460 §5.3)."""
        return domain_of(self.email)


def report_of(counted: Counted, author: Author) -> Aggregate:
    """Make the report of one day and one policy domain, with the policy that was seen last."""
    begin = counted.day * DAY
    record = read(counted.policy.record.encode("utf-8", "replace"))
    errors = [] if record is None else [reason.text() for reason in record.mistakes[:_ERRORS]]
    if counted.left_out:
        errors.append(f"{counted.left_out} more messages were seen, and not kept apart.")
    rows = [replace(row, count=count) for row, count in counted.rows.items()]
    rows.sort(key=lambda row: (-row.count, row.ip))
    return Aggregate(
        organization=author.organization,
        email=author.email,
        report_id=report_id(begin, counted.domain, author.hostname),
        begin=begin,
        end=begin + DAY - 1,
        published=_published(counted.domain, record),
        rows=tuple(rows),
        contact=author.contact,
        errors=tuple(errors),
        generator=f"Ulak {__version__}",
    )


def report_id(begin: int, domain: str, hostname: str) -> str:
    """Name a report: one domain has one from one server for one period (RFC 9990 §3.5.1)."""
    return f"{begin}-{_atom(domain)}@{_atom(hostname)}"


def _atom(text: str) -> str:
    return _NO_ATOM.sub("-", text) or "-"


def _published(domain: str, record: Record | None) -> Published:
    if record is None:
        return Published(domain, "none")
    return Published(
        domain,
        # What is missing or wrong stands for p=none (RFC 9989 §4.10.1).
        p=record.policy.value if record.sound and record.policy else "none",
        sp="" if record.subdomains is None else record.subdomains.value,
        np="" if record.nonexistent is None else record.nonexistent.value,
        adkim="s" if record.strict_dkim else "r",
        aspf="s" if record.strict_spf else "r",
        fo=":".join(record.fo),
        testing="y" if record.testing else "n",
        discovery="treewalk",
    )
