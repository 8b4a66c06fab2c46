"""Observations, counted in memory until they are written down (RFC 9990 §3.1.1).

Messages that went the same way are one row with a number. A day is a day of UTC; what is counted
lies in memory until somebody takes it, so that receiving waits for no disk, and what is lost with
a process is the last moments' numbers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from ulak.mail.address import ascii_lower
from ulak.reports.aggregate import Note, Row
from ulak.reports.fields import one_line
from ulak.reports.observation import Observation, Sender, Signature

DAY = 86_400
ROWS = 5_000  # different ones in memory; a hostile one has some 4,000 octets
_SIGNATURES = 8  # RFC 9990 §3.1.3 allows 100; whoever signs nine times is known by eight
_NOTES = 4
_LONGEST_NAME = 253
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,253}")
_COMMENT = 120
_RECORD = 4_096  # characters of a DMARC record


@dataclass(frozen=True, slots=True)
class Policy:
    """What was published when a message was judged last; `seen` in seconds since the epoch."""

    record: str
    organizational_domain: str
    seen: float


@dataclass(slots=True)
class Counted:
    """What was counted for one day and one policy domain; `left_out` had no room."""

    day: int
    domain: str
    policy: Policy
    rows: dict[Row, int] = field(default_factory=dict)
    left_out: int = 0


class Counter:
    """A `Collector` that counts. Mail to `addresses` alone is none of its business.

    Reports about the mail that brings reports would only beget each other.
    """

    def __init__(self, addresses: Collection[str] = (), *, rows: int = ROWS) -> None:
        self._addresses = frozenset(ascii_lower(address) for address in addresses)
        self._most = rows
        self._counted: dict[tuple[int, str], Counted] = {}
        self._rows = 0

    def note(self, observation: Observation) -> None:
        """Count one message, if its domain's owner wants reports at all."""
        if "rua" not in observation.record.lower():
            return
        if not _DOMAIN.fullmatch(observation.record_domain):
            return  # what is no name of a host would have no place in a report's own name
        if observation.recipients and self._addresses.issuperset(
            map(ascii_lower, observation.recipients)
        ):
            return
        day = int(observation.time) // DAY
        domain = _name(observation.record_domain)
        counted = self._counted.get((day, domain))
        if counted is None:
            if self._rows >= self._most:
                return
            counted = Counted(day, domain, _policy(observation))
            self._counted[day, domain] = counted
            self._rows += 1  # a domain takes room, too
        elif observation.time >= counted.policy.seen:
            counted.policy = _policy(observation)
        row = row_of(observation)
        if row in counted.rows:
            counted.rows[row] += 1
        elif self._rows < self._most:
            counted.rows[row] = 1
            self._rows += 1
        else:
            counted.left_out += 1

    @property
    def waiting(self) -> bool:
        """Whether something was counted that nobody has taken."""
        return bool(self._counted)

    def take(self) -> tuple[Counted, ...]:
        """Give what was counted, and count anew."""
        taken, self._counted, self._rows = self._counted, {}, 0
        return tuple(taken.values())


def row_of(observation: Observation) -> Row:
    """Give the row of a report to which a message belongs, with a count of 0."""
    sender = observation.sender
    return Row(
        ip=_ip(observation.ip),
        count=0,
        disposition=observation.disposition.value,
        dkim="pass" if observation.dkim_aligned else "fail",
        spf="pass" if observation.spf_aligned else "fail",
        from_domain=_name(observation.from_domain),
        envelope_from=_name(observation.envelope_from),
        notes=tuple(
            Note(each.why.value, one_line(each.comment, _COMMENT))
            for each in observation.deviations[:_NOTES]
        ),
        signatures=tuple(map(_signature, _first(observation))),
        senders=()
        if sender is None
        else (Sender(_name(sender.domain), sender.result, one_line(sender.comment, _COMMENT)),),
    )


def _first(observation: Observation) -> list[Signature]:
    """Give the signatures that tell most, in the order of RFC 9990 §3.1.3."""
    if len(observation.signatures) <= 1:
        return list(observation.signatures)
    author = observation.from_domain

    def rank(signature: Signature) -> int:
        if signature.result != "pass":
            return 3
        if signature.domain == author:
            return 0
        related = author.endswith("." + signature.domain) or signature.domain.endswith("." + author)
        return 1 if related else 2

    return sorted(observation.signatures, key=rank)[:_SIGNATURES]


def _signature(signature: Signature) -> Signature:
    return Signature(
        _name(signature.domain),
        one_line(signature.selector, _LONGEST_NAME),
        signature.result,
        one_line(signature.comment, _COMMENT),
    )


def _policy(observation: Observation) -> Policy:
    return Policy(
        observation.record[:_RECORD], _name(observation.organizational_domain), observation.time
    )


def _ip(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _name(domain: str) -> str:
    return one_line(ascii_lower(domain).rstrip("."), _LONGEST_NAME)
