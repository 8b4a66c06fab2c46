"""A message of one's own users is put in order before it is sent (RFC 6409 §8).

What a mail program may leave to its server is added (Date, Message-ID, From), what is for nobody
else's eyes is taken out (Bcc), and who writes in whose name is held: the addresses in From have to
be the account's, and Sender says who it was where From does not. Fields stay octet by octet as
they came, in their order; what is added stands at the end of the header. The body is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ulak.accounts.account import Account
from ulak.mail.address import Address
from ulak.mail.mailboxes import mailboxes
from ulak.mail.message import raw_fields
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.grammar import GrammarError, parse_mailbox

_SHOWN = 5  # addresses in a reply
_FOR_NOBODY = frozenset({b"bcc", b"resent-bcc"})  # RFC 5322 §3.6.3, §3.6.6


class Judge(Protocol):
    """Looks at the form of a message; `policy.message.MessageJudge` follows it."""

    def __call__(self, message: bytes, /, *, binary: bool = False) -> Reply | None:
        """Give the refusal that a message earns."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What is known of a message that is submitted.

    `account` is who has logged in, None for a client that may send without that. `date` and
    `message_id` are the values of these fields, if they are needed. `smtputf8` and `binary` are
    what MAIL said.
    """

    account: Account | None
    date: str
    message_id: str
    smtputf8: bool = False
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Mended:
    """A new header, which takes the place of the first `old` octets of the message."""

    header: bytes
    old: int


class Submission:
    """Puts messages in order.

    `author` is whose addresses From may name: `own` are the account's, `local` also all in our
    domains, about which `local` is asked, `any` anybody's. `judge` looks first whether the header
    is one, and may be large or strange (`policy.message`, which need not miss From here).
    """

    def __init__(self, author: str, *, local: Callable[[str], bool], judge: Judge) -> None:
        self._author = author
        self._local = local
        self._judge = judge

    def mend(self, message: bytes, submitted: Submitted) -> Mended | Reply:
        """Give the new header of a message, or of the beginning of one with its whole header."""
        fault = self._judge(message, binary=submitted.binary)
        if fault is not None:
            return fault
        old = _end(message)
        fields = raw_fields(message[:old])
        drop, added = set(_FOR_NOBODY), list[str]()
        if submitted.account is not None:
            senders = [raw for name, raw in fields if name == b"sender"]
            authors = self._authors(submitted.account, [r for n, r in fields if n == b"from"])
            if isinstance(authors, Reply):
                return authors
            own = submitted.account.address
            if authors is None:
                added.append(f"From: {own}")
            if not _owned(submitted.account, senders):
                drop.add(b"sender")
                alone = authors is None or _is_alone(submitted.account, authors)
                if not alone:
                    added.append(f"Sender: {own}")
            if added and not (own.isascii() or submitted.smtputf8):
                return catalog.NEEDS_SMTPUTF8.reply(code=550)
        names = {name for name, _ in fields}
        if b"date" not in names:
            added.append(f"Date: {submitted.date}")
        if b"message-id" not in names:
            added.append(f"Message-ID: {submitted.message_id}")
        kept = [raw for name, raw in fields if name not in drop]
        return Mended(b"".join([*kept, *(line.encode() + b"\r\n" for line in added)]), old)

    def may_be(self, account: Account, address: Address) -> bool:
        """Whether an account may send in the name of an address."""
        match self._author:
            case "any":
                return True
            case "local" if self._local(address.domain):
                return True
            case _:
                return account.owns(address)

    def _authors(
        self, account: Account, fields: Sequence[bytes]
    ) -> tuple[Address, ...] | Reply | None:
        """Give whom From names, None for nobody, or the reply that refuses them."""
        if not fields:
            return None
        authors = _mailboxes(fields[0])
        if not authors or not all(map(_is_valid, authors)):
            return catalog.FROM_UNREADABLE.reply()
        for author in authors:
            if not self.may_be(account, author):
                return catalog.FROM_NOT_OWNED.reply(
                    author=author, account=account.address, addresses=shown(account)
                )
        return authors


def shown(account: Account) -> str:
    """Name the addresses that an account may send as; the first of many."""
    addresses = account.addresses
    if len(addresses) <= _SHOWN:
        return ", ".join(addresses)
    return ", ".join(addresses[:_SHOWN]) + f" and {len(addresses) - _SHOWN} more"


def _end(message: bytes) -> int:
    """Give how many octets the header has, with the CRLF of its last line."""
    if message[:2] == b"\r\n":
        return 0
    end = message.find(b"\r\n\r\n")
    return len(message) if end < 0 else end + 2


def _mailboxes(field: bytes) -> tuple[Address, ...] | None:
    return mailboxes(field.partition(b":")[2].removesuffix(b"\r\n"))


def _is_valid(address: Address) -> bool:
    """Whether all readers will see the same address: no domain in a disguise that IDNA undoes."""
    try:
        return parse_mailbox(str(address)) == address
    except GrammarError:
        return False


def _owned(account: Account, senders: Sequence[bytes]) -> bool:
    """Whether there is a Sender field, only one, that names an address of the account's."""
    if len(senders) != 1:
        return False
    named = _mailboxes(senders[0])
    return named is not None and len(named) == 1 and account.owns(named[0])


def _is_alone(account: Account, authors: tuple[Address, ...]) -> bool:
    """Whether From says enough: RFC 5322 §3.6.2 wants Sender for several authors, or another."""
    return len(authors) == 1 and account.owns(authors[0])
