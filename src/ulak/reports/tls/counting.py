"""Sessions with the hosts of other domains, counted until they are reported (RFC 8460 §4.2).

A session is counted when it has begun, or has failed to, over TLS or for want of it: a connection
that carries a hundred messages is one. What is counted lies in memory until somebody takes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ulak.mail.address import ascii_lower
from ulak.reports.counting import DAY
from ulak.reports.fields import one_line

ROWS = 5_000  # different ones in memory
_STRINGS = 30
_STRING = 300
_COMMENT = 200
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What held for a session: `kind` is `tlsa`, `sts` or `no-policy-found` (§4.4).

    `strings` are its records or lines, `hosts` the patterns of hosts in it. `domain` is whose it
    is, `""` for the domain that the session is counted for: TLSA records belong to a host (§1.1).
    """

    kind: str
    strings: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `result` is a type of failure (§4.3), `""` where all was well."""

    time: float
    domain: str
    policy: Policy
    host: str
    result: str = ""
    ip: str = ""
    own_ip: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What sessions that went the same way have in common."""

    policy: Policy
    result: str = ""
    host: str = ""
    ip: str = ""
    own_ip: str = ""
    comment: str = ""


@dataclass(slots=True)
class Counted:
    """What was counted for one day and one policy domain."""

    day: int
    domain: str
    rows: dict[Row, int] = field(default_factory=dict)

    @property
    def sessions(self) -> int:
        """How many sessions there were."""
        return sum(self.rows.values())


class TlsCounter:
    """Counts sessions; what is over the bound of different rows is forgotten."""

    def __init__(self, *, rows: int = ROWS) -> None:
        self._most = rows
        self._counted: dict[tuple[int, str], Counted] = {}
        self._rows = 0

    def note(self, session: Session) -> None:
        """Count one session. Never waits and never raises."""
        if not _DOMAIN.fullmatch(session.domain):
            return
        key = (int(session.time) // DAY, ascii_lower(session.domain).rstrip("."))
        counted = self._counted.get(key)
        row = row_of(session)
        if counted is None or row not in counted.rows:
            if self._rows >= self._most:
                return
            self._rows += 1
        if counted is None:
            counted = self._counted[key] = Counted(*key)
        counted.rows[row] = counted.rows.get(row, 0) + 1

    @property
    def waiting(self) -> bool:
        """Whether something was counted that nobody has taken."""
        return bool(self._counted)

    def take(self) -> tuple[Counted, ...]:
        """Give what was counted, and count anew."""
        taken, self._counted, self._rows = self._counted, {}, 0
        return tuple(taken.values())


def row_of(session: Session) -> Row:
    """Give the row to which a session belongs; of one that went well nothing but its policy."""
    policy = Policy(
        session.policy.kind,
        tuple(one_line(each, _STRING) for each in session.policy.strings[:_STRINGS]),
        tuple(one_line(each, _STRING) for each in session.policy.hosts[:_STRINGS]),
        one_line(session.policy.domain, _STRING),
    )
    if not session.result:
        return Row(policy)
    return Row(
        policy,
        session.result,
        one_line(session.host, _STRING),
        session.ip,
        session.own_ip,
        one_line(session.comment, _COMMENT),
    )
