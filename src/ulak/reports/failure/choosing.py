"""Which failures are reported: those that are asked for, that beget no others, and not too many."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from ulak.checks.dmarc.record import Record, read
from ulak.mail.address import ascii_lower
from ulak.mail.message import first
from ulak.reports.observation import Observation

HOUR = 3600.0
_WAITING = 50
_OF_A_DOMAIN = 5  # in an hour
_KNOWN = 1_000
_REPORT = re.compile(r"multipart/report", re.IGNORECASE | re.ASCII)
_NO_ANSWER = re.compile(r"no\b", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A failure to be reported, and how many like it there were since the last one."""

    observation: Observation
    record: Record
    incidents: int = 1


class Chooser:
    """A `Collector` that chooses failures and keeps them until somebody takes them.

    Of one address and one domain there is one report an hour; what comes meanwhile is counted
    (`Incidents`, RFC 5965 §3.2), since different failures are to be told, and not each (RFC 9991
    §8.1). At most `limit` reports are chosen in an hour.
    """

    def __init__(self, addresses: Collection[str] = (), *, limit: int) -> None:
        self._addresses = frozenset(map(ascii_lower, addresses))
        self._limit = limit
        self._hour = 0
        self._chosen = 0
        self._domains: dict[str, int] = {}
        self._seen: dict[tuple[str, str], int] = {}  # this hour's, with what came after the first
        self._before: dict[tuple[str, str], int] = {}  # the last hour's
        self._waiting: deque[Chosen] = deque()

    def note(self, observation: Observation) -> None:
        """Choose one, or let it be."""
        if "ruf" not in observation.record.lower() or not self._may_be_told(observation):
            return
        record = read(observation.record.encode("utf-8", "replace"))
        # A public suffix would learn of mail of others (RFC 9991 §3).
        if record is None or not record.ruf or record.psd == "y":
            return
        if not asked_for(observation, record):
            return
        self._turn(observation.time)
        key = (observation.record_domain, observation.ip)
        if key in self._seen:
            self._seen[key] += 1
            return
        domain = observation.record_domain
        if (
            self._chosen >= self._limit
            or self._domains.get(domain, 0) >= _OF_A_DOMAIN
            or len(self._seen) >= _KNOWN
            or len(self._waiting) >= _WAITING
        ):
            return
        self._chosen += 1
        self._domains[domain] = self._domains.get(domain, 0) + 1
        self._seen[key] = 0
        self._waiting.append(Chosen(observation, record, 1 + self._before.pop(key, 0)))

    def take(self) -> tuple[Chosen, ...]:
        """Give the failures that wait to be reported."""
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken

    def _may_be_told(self, observation: Observation) -> bool:
        """Whether a report of this begets no others, and tells of nobody's report."""
        if observation.envelope_from == "" or not observation.header:
            return False
        if observation.recipients and self._addresses.issuperset(
            map(ascii_lower, observation.recipients)
        ):
            return False
        answering = first(observation.header, "Auto-Submitted")
        if answering and not _NO_ANSWER.match(answering):
            return False
        return not _REPORT.match(first(observation.header, "Content-Type"))

    def _turn(self, now: float) -> None:
        hour = int(now // HOUR)
        if hour != self._hour:
            self._before = self._seen if hour == self._hour + 1 else {}
            self._hour, self._chosen = hour, 0
            self._seen, self._domains = {}, {}


def asked_for(observation: Observation, record: Record) -> bool:
    """Whether the tag `fo` asks for a report of this (RFC 9989 §4.7).

    `0`: nothing aligned has passed. `1`: something aligned has not. `d` and `s`: a signature, or
    SPF, has failed, aligned or not.
    """
    signatures = [each.result for each in observation.signatures]
    sender = observation.sender
    return (
        ("0" in record.fo and not observation.passed)
        or ("1" in record.fo and not (observation.dkim_aligned and observation.spf_aligned))
        or ("d" in record.fo and "fail" in signatures)
        or ("s" in record.fo and sender is not None and sender.result in ("fail", "softfail"))
    )
