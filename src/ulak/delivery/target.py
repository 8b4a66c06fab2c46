"""Where mail for a domain goes next: found by the route, used by the attempt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.replies.reply import Reply


class Way(StrEnum):
    """How mail is handed on."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    LMTP = "lmtp"


class Told(StrEnum):
    """Who says that these are the hosts."""

    OPERATOR = "operator"  # the configuration
    ADDRESS = "address"  # the recipient's address: its domain itself, or its literal
    DNSSEC = "dnssec"  # MX records that are signed
    DNS = "dns"  # MX records that anybody could have sent


@dataclass(frozen=True, slots=True)
class Host:
    """One server to try. `addresses` are IP texts in the order to try; `path` is a unix socket."""

    name: str
    addresses: tuple[str, ...] = ()
    port: int = 25
    path: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A way and, for SMTP and LMTP, the hosts in the order to try.

    `key` is the same for mail that can share connections and limits: the hosts rolled up.
    `refusal` is set where there is no way: a temporary one defers, a permanent one fails.
    """

    way: Way
    key: str
    hosts: tuple[Host, ...] = ()
    refusal: Reply | None = None
    told: Told = Told.DNS
