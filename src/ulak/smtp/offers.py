"""What a listener allows, and where a session stands: together they decide what EHLO offers.

RFC 5321 §2.2: an extension is to be had only when the answer to EHLO has named it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offers:
    """What one listener allows to its clients.

    `kind` is `mx` for mail from other servers, `submission` for one's own users, `lmtp` for
    local delivery. `withheld` are keywords of extensions that are not offered. `tls`: STARTTLS
    is to be had. `vrfy` and `expn`: the commands are answered with more than a refusal.
    `recipients` is how many a message may have. `longest_hold` is for how many seconds a message
    may be held for its sender, 0 for not at all (RFC 4865); `least_deliver_by` the shortest time
    in seconds in which delivery may be demanded, 0 for any (RFC 2852). `mechanisms` are those of
    AUTH, in the order of their listing.
    """

    kind: str = "mx"
    withheld: frozenset[str] = frozenset()
    tls: bool = False
    vrfy: bool = True
    expn: bool = False
    recipients: int = 1000
    longest_hold: int = 0
    least_deliver_by: int = 0
    mechanisms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a session.

    `largest` is the limit of a message in octets. `authenticated`: the client has logged in;
    `trusted`: it comes from a network that may send anywhere without that.
    """

    offers: Offers
    largest: int
    secure: bool = False
    authenticated: bool = False
    trusted: bool = False

    @property
    def known(self) -> bool:
        """Whether the client is one of our own: it may ask for more than a stranger."""
        return self.authenticated or self.trusted

    def allows(self, *keywords: str) -> bool:
        """Whether none of these extensions is withheld."""
        return self.offers.withheld.isdisjoint(keywords)
