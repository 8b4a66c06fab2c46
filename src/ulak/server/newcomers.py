"""Strangers: those whom we may not know yet are put off, and what they bring is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ulak.checks.reason import packed
from ulak.clients.network import network_of
from ulak.clients.told import minutes_of
from ulak.journal.entry import Entry, Kind
from ulak.language.case import lower
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.site import Network, within

if TYPE_CHECKING:
    from ulak.clients.keeper import Keeper
    from ulak.server.site import Site
    from ulak.server.transaction import Transaction
    from ulak.smtp.events import Recipient

_POSTMASTER = "postmaster"
_ADDRESSES = 4096  # whose networks are remembered

# Refusals that say something of who sends, and not of the form of a message or of us.
_UNWANTED = frozenset(
    {
        "content-refused",
        "dkim-fail",
        "dmarc-fail",
        "domain-blocklisted",
        "low-reputation",
        "spam-content",
        "spf-fail",
        "unauthenticated",
        "virus",
    }
)
_FAMILIES = {cause.name: cause.family for cause in catalog.CATALOG.values()}


class Newcomers:
    """What a server does about strangers; those in `exempt` are none."""

    def __init__(self, keeper: Keeper, exempt: tuple[Network, ...]) -> None:
        self._keeper = keeper
        self._exempt = exempt
        self._networks: dict[str, str] = {}  # by address

    def network(self, ip: str) -> str:
        """Give the network that a client counts for; `""` for one that is not looked at."""
        network = self._networks.get(ip)
        if network is None:
            if len(self._networks) >= _ADDRESSES:
                self._networks.clear()
            network = "" if within(ip, self._exempt) else network_of(ip)
            self._networks[ip] = network
        return network

    async def look(self, transaction: Transaction, event: Recipient) -> Reply | None:
        """Give the refusal of a recipient who is there, but whose sender has to come again.

        Never put off is the null sender: another server asks so whether an address exists before
        it takes mail from it, and would put off ours (RFC 6647). Nor is anybody who writes
        to the postmaster (RFC 5321 §4.5.1).
        """
        address = event.address
        if not self._keeper.greylists or not transaction.sender:
            return None
        if lower(address.local) == _POSTMASTER:
            return None
        decision = await self._keeper.judge(transaction.network, transaction.sender, str(address))
        if not decision.wait:
            transaction.let_in[decision.reasons[0].key] = decision
            return None
        return catalog.GREYLISTED_HERE.reply(
            address=address,
            minutes=minutes_of(decision.wait),
            sender=transaction.sender,
            check="greylist",
            reasons=decision.noted,
        )

    def unknown(self, transaction: Transaction) -> None:
        """Count a recipient that does not exist."""
        self._keeper.count(transaction.network, unknown=1)

    def conclude(self, site: Site, transaction: Transaction, reply: Reply, session: str) -> None:
        """Note why a message was let in as far as its end, and count what came of it."""
        decisions = list(transaction.let_in.values())
        if decisions:
            reasons = [reason for one in decisions for reason in one.reasons]
            incoming = transaction.incoming
            site.journal.write(
                Entry(
                    site.clock(),
                    Kind.CHECKED,
                    session=session,
                    message=incoming.identifier if incoming is not None else "",
                    facts={
                        "check": "greylist",
                        "result": "pass",
                        "reasons": decisions[0].noted if len(decisions) == 1 else packed(reasons),
                    },
                )
            )
        unwanted = _FAMILIES.get(reply.cause) in _UNWANTED and reply.permanent
        if unwanted or (reply.positive and transaction.wishes.quarantine):
            self._keeper.count(transaction.network, unwanted=1)
        elif reply.positive:
            self._keeper.count(transaction.network, accepted=1)
