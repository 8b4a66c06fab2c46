"""Whose turn it is after a reply: the one who can do something about it.

A reply names a fault and seldom a person. Who can mend it follows from what it is about, so
families of causes, and with them every cause, have a role here; codes have theirs beside them.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Somebody, or something, that can act on a reply."""

    NOBODY = "nobody"
    CLIENT = "client"  # the program that sends goes on by itself
    QUEUE = "queue"  # the sender's server tries again by itself
    SENDER = "sender"  # the person who wrote
    USER = "user"  # whoever logs in
    OWNER = "owner"  # of the recipient's mailbox or of the list
    DOMAIN = "domain"  # whoever keeps the DNS of the sender's domain
    SERVER = "server"  # the operator of the sending server
    RECEIVER = "receiver"  # the operator of the receiving server
    PROGRAM = "program"  # the maker of the program that sends


_FAMILIES: dict[str, Role] = {
    "accepted": Role.CLIENT,
    "verification-withheld": Role.NOBODY,
    "recipient-unknown": Role.SENDER,
    "recipient-moved": Role.SENDER,
    "recipient-disabled": Role.OWNER,
    "recipient-refuses": Role.OWNER,
    "mailbox-full": Role.OWNER,
    "domain-unknown": Role.SENDER,
    "sender-unknown": Role.DOMAIN,
    "sender-refused": Role.SENDER,
    "ip-blocklisted": Role.SERVER,
    "domain-blocklisted": Role.DOMAIN,
    "low-reputation": Role.SERVER,
    "reverse-dns": Role.SERVER,
    "helo-refused": Role.SERVER,
    "spf-fail": Role.DOMAIN,
    "dkim-fail": Role.DOMAIN,
    "dmarc-fail": Role.DOMAIN,
    "unauthenticated": Role.DOMAIN,
    "spam-content": Role.SENDER,
    "virus": Role.SENDER,
    "content-refused": Role.SENDER,
    "malformed-message": Role.PROGRAM,
    "message-too-large": Role.SENDER,
    "too-many-recipients": Role.QUEUE,
    "rate-limited": Role.SERVER,
    "greylisted": Role.QUEUE,
    "relay-denied": Role.USER,
    "auth-required": Role.USER,
    "tls-required": Role.SERVER,
    "protocol-error": Role.PROGRAM,
    "system-full": Role.RECEIVER,
    "system-error": Role.RECEIVER,
    "connection-failed": Role.RECEIVER,
    "dns-failure": Role.RECEIVER,
    "routing-loop": Role.RECEIVER,
    "expired": Role.SENDER,
    "policy": Role.SENDER,
    "suppressed": Role.SENDER,
}


def of_family(family: str) -> Role:
    """Say whose turn it is where a reply belongs to a family of causes."""
    return _FAMILIES.get(family, Role.SENDER)
