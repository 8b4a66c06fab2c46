"""What the tools need from outside: names, policies, handshakes, and the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ulak.checks.dnsbl import Blocklist
from ulak.diagnose.domain.mta_sts import FetchPolicy
from ulak.diagnose.domain.starttls import Shake
from ulak.diagnose.message import Answering
from ulak.dns.records import Resolver
from ulak.web.site import Incident


@dataclass(frozen=True, slots=True)
class Ports:
    """The world as the tools see it.

    `fetch` fetches a policy of MTA-STS, `shake` shakes hands with a mail server; both refuse
    addresses that a stranger must not reach through us, and both have fixed ports. `lists` are
    those of the configuration. `answering` says what this server would answer to a message.
    `now` is the time in seconds since the epoch, `clock` gives seconds that only grow, `new_id`
    an id that nobody guesses.
    """

    resolver: Resolver
    fetch: FetchPolicy
    shake: Shake
    lists: Sequence[Blocklist]
    answering: Answering
    now: Callable[[], float]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    incident: Incident
