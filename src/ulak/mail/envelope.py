"""The envelope: who sent a message, who is to have it, and what was asked for (RFC 5321 §2.3.1).

What extensions let a client ask for is a *wish*: of the whole message where MAIL says it, of one
recipient where RCPT does. Wishes travel with the message: through the queue, into reports, and on
to the next server where that one can take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ulak.mail.address import ascii_lower


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """The time by which a message is to be delivered (RFC 2852 §4).

    `until` is in seconds since the epoch. `mode` says what happens when it has passed: `R`, the
    message goes back; `N`, the sender is told of the delay and the attempts go on. `trace` asks
    for a notice at every relay.
    """

    until: float
    mode: str
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the parameters of MAIL asked for.

    `ret` is what a report of failure is to bring back: `FULL`, `HDRS`, or `""` where nothing was
    said (RFC 3461 §4.3). `envid` is the sender's own name of the message, decoded (§4.4).
    `require_tls`: only to servers that are proven, over TLS, and promise the same (RFC 8689).
    `priority` is -9 to 9 (RFC 6710). `hold_until` is the time before which nothing is sent, in
    seconds since the epoch, 0 for none (RFC 4865); `hold` is that request as it was made, for
    reports: `for;3600` or `until;2027-01-01T07:00:00Z` (§5.1.2). `auth` is who submitted the
    message first as an earlier server told us, decoded, `<>` for unknown and `""` for not said
    (RFC 4954 §5). `quarantine` is no client's wish but ours: the cause for which the message is
    put apart from the other mail, by its name in the catalog; `""` for none.
    """

    ret: str = ""
    envid: str = ""
    require_tls: bool = False
    priority: int = 0
    deliver_by: DeliverBy | None = None
    hold_until: float = 0.0
    hold: str = ""
    auth: str = ""
    quarantine: str = ""


@dataclass(frozen=True, slots=True)
class RecipientWishes:
    """What the parameters of RCPT asked for (RFC 3461 §4.1, §4.2).

    `notify` holds `NEVER` alone or some of `SUCCESS`, `FAILURE`, `DELAY`; empty where nothing was
    said. `orcpt` is the recipient as the sender named it, with its address type, decoded:
    `rfc822;bob@example.org`; `""` where nothing was said. `expanded`: this is an alias whose
    members are recipients beside it; nothing is delivered to it, its sender is told that much
    (§5.2.7.3; `ulak.mail.expansion`). `through` is the alias by which a recipient was reached,
    as the client wrote it, `""` for none: a relay may be told it as ORCPT where there is none
    (§5.2.1 d), a report of ours must not (§6.3 d).
    """

    notify: frozenset[str] = frozenset()
    orcpt: str = ""
    expanded: bool = False
    through: str = ""


NO_WISHES = Wishes()
_NO_RECIPIENTS: Mapping[str, RecipientWishes] = MappingProxyType({})
NOTHING_ASKED = RecipientWishes()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL and RCPT said.

    `sender` is the reverse-path without brackets and `""` for the null reverse-path
    (RFC 5321 §4.5.5); `recipients` are addresses in wire form, in the order given.
    `body` is `7BIT`, `8BITMIME` (RFC 6152) or `BINARYMIME` (RFC 3030); `smtputf8` says whether
    the client asked for RFC 6531. `asked` has the wishes of those recipients that have any.
    """

    sender: str
    recipients: tuple[str, ...]
    smtputf8: bool = False
    body: str = "7BIT"
    wishes: Wishes = NO_WISHES
    asked: Mapping[str, RecipientWishes] = field(default_factory=lambda: _NO_RECIPIENTS, hash=False)

    def asked_for(self, recipient: str) -> RecipientWishes:
        """Give what was asked for one recipient."""
        return self.asked.get(recipient, NOTHING_ASKED)


def domain_of(address: str) -> str:
    """Give the domain of a wire-form address in lower case; `""` where it has none."""
    return ascii_lower(address.rpartition("@")[2]) if "@" in address else ""
