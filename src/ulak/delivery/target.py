"""Where mail for a domain goes next: found by the route, used by the attempt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.delivery.transport.policy import Dane, Sts
from ulak.replies.reply import Reply


class Way(StrEnum):
    """How mail is handed on."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    LMTP = "lmtp"
    PIPE = "pipe"  # a program of the operator's
    HTTP = "http"  # a program of the operator's behind an address of the web

    @property
    def ends_here(self) -> bool:
        """Whether nobody but us can report what becomes of the mail."""
        return self in (Way.MAILDIR, Way.PIPE, Way.HTTP)


class Told(StrEnum):
    """Who says that these are the hosts."""

    OPERATOR = "operator"  # the configuration
    ADDRESS = "address"  # the recipient's address: its domain itself, or its literal
    DNSSEC = "dnssec"  # MX records that are signed
    DNS = "dns"  # MX records that anybody could have sent


@dataclass(frozen=True, slots=True)
class Host:
    """One server to try. `addresses` are IP texts in the order to try; `path` is a unix socket.

    `dane` is what signed DNS says of its certificate.
    """

    name: str
    addresses: tuple[str, ...] = ()
    port: int = 25
    path: str = ""
    dane: Dane | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A way and, for SMTP and LMTP, the hosts in the order to try.

    `key` is the same for mail that can share connections: the hosts. `site` is the same for mail
    that shares limits (`ulak.delivery.site.rollup`): `""` where that is what shares connections.
    `refusal` is set where there is no way: a temporary one defers, a permanent one fails. `domain`
    is for which it was found in DNS, `expanded` the name at the end of its aliases where they are
    signed as the MX records are, and `sts` what that domain says of TLS. What is `apart` from
    other mail must not go in one attempt with it, though the hosts are the same.
    """

    way: Way
    key: str
    hosts: tuple[Host, ...] = ()
    refusal: Reply | None = None
    told: Told = Told.DNS
    site: str = ""
    domain: str = ""
    expanded: str = ""
    sts: Sts | None = None
    apart: str = ""
