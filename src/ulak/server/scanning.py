"""A message is shown to the scanners before it is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ulak.checks.scanner import Asked
from ulak.replies.reply import Reply
from ulak.server.incoming import Incoming
from ulak.server.site import Site
from ulak.server.transaction import Transaction

if TYPE_CHECKING:  # loaded where a scanner is configured
    from ulak.server.scanners.scanners import Scanners


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who brings a message: over which session, on a listener of which kind, from where.

    `helo` and `account` are `""` where they are not known; `relay`: the client is of our own.
    """

    session: str
    kind: str
    ip: str
    helo: str
    account: str
    relay: bool = False

    @property
    def whose(self) -> str:
        """Say whose mail it is, as scanners are told."""
        if self.account:
            return "accounts"
        if self.kind == "lmtp":
            return "lmtp"
        if self.relay:
            return "networks"
        return "accounts" if self.kind == "submission" else "strangers"


async def scan(
    site: Site, scanners: Scanners, transaction: Transaction, incoming: Incoming, bearer: Bearer
) -> Reply | None:
    """Have a message scanned, note what was found, and give the refusal that comes of it.

    What is to stand above the message, what is to go from its header, and that it is to be put
    apart, is left with the transaction. OSError where the message cannot be read.
    """
    if not scanners.look_at(bearer.whose):
        return None
    body = incoming.body()
    asked = Asked(
        incoming.identifier,
        body.size,
        transaction.sender,
        tuple(transaction.members),
        ip=bearer.ip,
        helo=bearer.helo,
        user=bearer.account,
    )
    verdict = await scanners.scan(bearer.whose, body, asked)
    for entry in verdict.entries(site.clock(), bearer.session, incoming.identifier):
        site.journal.write(entry)
    if verdict.reply is not None:
        return verdict.reply
    if verdict.quarantine:
        transaction.put_apart(verdict.quarantine)
    transaction.top += verdict.top
    transaction.content = verdict
    return None
