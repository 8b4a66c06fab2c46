"""What a listener allows, and where a session stands: together they decide what EHLO offers.

RFC 5321 §2.2: an extension is to be had only when the answer to EHLO has named it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulak.smtp.sasl.table import Channel, Ways, offered

_NO_WAYS = Ways()
_IN_CLEAR = Channel()


@dataclass(frozen=True, slots=True)
class Offers:
    """What one listener allows to its clients.

    `kind` is `mx` for mail from other servers, `submission` for one's own users, `lmtp` for
    local delivery. `withheld` are keywords of extensions that are not offered. `tls`: STARTTLS
    is to be had. `vrfy` and `expn`: the commands are answered with more than a refusal.
    `recipients` is how many a message may have. `longest_hold` is for how many seconds a message
    may be held for its sender, 0 for not at all (RFC 4865); `least_deliver_by` the shortest time
    in seconds in which delivery may be demanded, 0 for any (RFC 2852). `ways` are those of
    logging in, and `needs_login` says that this comes before any mail (RFC 6409 §4.3).
    """

    kind: str = "mx"
    withheld: frozenset[str] = frozenset()
    tls: bool = False
    vrfy: bool = True
    expn: bool = True
    recipients: int = 1000
    longest_hold: int = 0
    least_deliver_by: int = 0
    ways: Ways = _NO_WAYS
    needs_login: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a session.

    `largest` is the limit of a message in octets. `authenticated`: the client has logged in;
    `trusted`: it comes from a network that may send anywhere without that; `front`: it may say
    whom it speaks for. `channel` is what its connection gives to a login.
    """

    offers: Offers
    largest: int
    channel: Channel = _IN_CLEAR
    authenticated: bool = False
    trusted: bool = False
    front: bool = False

    @property
    def secure(self) -> bool:
        """Whether TLS is on."""
        return self.channel.secure

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms of AUTH that may be used now, in the order of their listing."""
        ways = self.offers.ways
        return offered(ways, self.channel) if ways.allowed else ()

    @property
    def known(self) -> bool:
        """Whether the client is one of our own: it may ask for more than a stranger."""
        return self.authenticated or self.trusted

    def allows(self, *keywords: str) -> bool:
        """Whether none of these extensions is withheld."""
        return self.offers.withheld.isdisjoint(keywords)
