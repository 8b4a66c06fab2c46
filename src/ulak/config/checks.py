"""The settings of the checks of where mail comes from: SPF, DKIM, DMARC, ARC, reverse DNS, HELO."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Choice, Duration, Flag, ListOf
from ulak.config.names import DomainName, NetworkRange
from ulak.config.sections import setting
from ulak.config.values import Network

_MODE = Choice(("off", "mark", "enforce"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Which checks are made of mail from strangers, and what follows from them.

    `authserv_id` is our name in Authentication-Results (RFC 8601 §2.5), None: the host name.
    """

    spf: str = setting(_MODE, "mark")
    dkim: str = setting(_MODE, "mark")
    dmarc: str = setting(_MODE, "enforce")
    arc: str = setting(_MODE, "mark")
    iprev: str = setting(_MODE, "mark")
    helo: str = setting(_MODE, "mark")
    dkim_author: bool = setting(Flag(), default=False)
    one_pass: bool = setting(Flag(), default=False)
    arc_trusted: tuple[str, ...] = setting(ListOf(DomainName()), ())
    arc_seal: bool = setting(Flag(), default=False)
    received_spf: bool = setting(Flag(), default=False)
    authserv_id: str | None = setting(DomainName(), None)
    exempt: tuple[Network, ...] = setting(ListOf(NetworkRange()), ())
    timeout: float = setting(Duration(least=1.0), 30.0)
