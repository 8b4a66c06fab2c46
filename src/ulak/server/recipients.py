"""RCPT: whether a recipient is one too many, who it is, and what its transaction learns of it."""

from __future__ import annotations

from ulak.accounts.account import Account
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.answers import recipient
from ulak.server.directory import Found, Result, Unknown
from ulak.server.site import Site
from ulak.server.transaction import Transaction
from ulak.smtp.events import Recipient


def full(site: Site, transaction: Transaction) -> Reply | None:
    """Give the refusal of a recipient more than a transaction may have."""
    most = site.rules.max_recipients
    return None if transaction.count < most else catalog.TOO_MANY_RECIPIENTS.reply(limit=most)


async def ask(site: Site, transaction: Transaction, event: Recipient, here: str) -> Result:
    """Look a recipient up, and wait for a roster."""
    return await site.directory.ask(event.address, here, bounce=not transaction.sender)


async def meet(
    site: Site, transaction: Transaction, event: Recipient, found: Result
) -> Reply | None:
    """Give the refusal where the sender is not known yet, and count a recipient who is nobody."""
    if site.newcomers is not None and transaction.network:
        if isinstance(found, Found):
            return await site.newcomers.look(transaction, event)
        if isinstance(found, Unknown):
            site.newcomers.unknown(transaction)
    return None


def take(
    site: Site,
    transaction: Transaction,
    event: Recipient,
    found: Result,
    ip: str,
    account: Account | None,
    *,
    relay: bool,
    submits: bool,
) -> Reply:
    """Answer RCPT of a client, and give the transaction whom it was accepted for.

    `relay`: it may name recipients of other servers; `submits`: it is one of our own.
    """
    reply, taken = recipient(
        event.address, found, ip, relay=relay, smtputf8=transaction.mail.smtputf8
    )
    if taken is not None:
        if submits and (far := _too_far(site, transaction, event, account)):
            return far
        if site.gate is not None and (relay or submits):
            utf8 = transaction.mail.smtputf8
            refusal = site.gate.refusal(transaction.sender, event.address, utf8=utf8)
            if refusal is not None:
                return refusal
        transaction.add(event, taken)
    return reply


def _too_far(
    site: Site, transaction: Transaction, event: Recipient, account: Account | None
) -> Reply | None:
    """Give the refusal of a recipient that is one too many, or nowhere."""
    if site.desk is None:
        return None
    address = event.address
    if not site.directory.local(address.domain) and address.domain:
        refusal = site.desk.recipient(address)
        if refusal is not None:
            return refusal
    if transaction.sent is None or account is None:
        return None
    return site.desk.enough(account, transaction.sent, transaction.count + 1)
