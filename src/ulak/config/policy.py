"""The settings of what is taken and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.greylist import Greylist, Reputation
from ulak.config.kinds import Choice, Count, Duration, Flag, ListOf, Size, Text
from ulak.config.names import DomainName, ListCode, NetworkRange
from ulak.config.sections import Each, Section, setting
from ulak.config.values import Network

_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dnsbl:
    """One list of addresses that are not welcome (RFC 5782).

    `codes` are the answers that count, as `ulak.checks.dnsbl.read_codes` takes them; none: all
    of 127.0.0.0/8 but the errors in 127.255.255.0/24.
    """

    zone: str = setting(DomainName())
    codes: tuple[str, ...] = setting(ListOf(ListCode()), ())
    label: str = setting(Text(), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is taken and what is refused."""

    vrfy: str = setting(Choice(("withhold", "verify", "refuse")), "withhold")
    expn: str = setting(Choice(("withhold", "expand", "refuse")), "withhold")
    max_message_size: int = setting(Size(), 50_000_000)
    max_recipients: int = setting(Count(1, 1_000_000), 1000)
    max_hold: float = setting(Duration(least=0.0), 30 * _DAY)
    min_deliver_by: float = setting(Duration(least=0.0), 0.0)
    need_from: bool = setting(Flag(), default=True)
    max_hops: int = setting(Count(1, 10_000), 100)
    max_header_size: int = setting(Size(1000), 102_400)
    max_header_line: int = setting(Count(78, 1_000_000), 998)
    min_free_disk: int = setting(Size(0), 100_000_000)
    deny: tuple[Network, ...] = setting(ListOf(NetworkRange()), ())
    dnsbl: tuple[Dnsbl, ...] = setting(Each(Dnsbl), ())
    greylist: Greylist = setting(Section(Greylist), Greylist())
    reputation: Reputation = setting(Section(Reputation), Reputation())
