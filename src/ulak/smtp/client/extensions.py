"""What a server offers in its answer to EHLO, and what of it a transaction uses (RFC 5321 §2.2).

One row an extension: its keyword, its RFC, and the parameters with which MAIL and RCPT use it. An
extension that is new to the client is a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from ulak.language.case import upper
from ulak.mail import unitext, xtext
from ulak.mail.envelope import NO_WISHES, RecipientWishes, Wishes
from ulak.smtp.client.reply import PeerReply

_DIGITS = frozenset("0123456789")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NOTHING_ASKED: Mapping[str, RecipientWishes] = MappingProxyType({})
_MOST_DIGITS = 20  # RFC 1870 §3
_LIMIT_DIGITS = 6  # RFC 9422 §3
_RET = frozenset({"FULL", "HDRS"})
_NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})
_LONGEST_ORCPT = 500  # characters, RFC 3461 §4.2
_LONGEST_TIME = 999_999_999  # seconds, RFC 2852 §4: nine digits


class Transaction(NamedTuple):  # made for every message, and a tuple is made fastest
    """One message to some recipients, as its commands need it.

    Addresses are in wire form without brackets, the null reverse-path is `""`. `size` is in
    octets and 0 where not known. `body` is `7BIT`, `8BITMIME` where there are octets above 127,
    or `BINARYMIME`. `smtputf8`: the sender, a recipient or a header needs RFC 6531. `chunking`:
    the message goes by BDAT (RFC 3030). `asked` has the wishes of recipients that have any;
    `now` is the time in seconds since the epoch, for wishes that have one.
    """

    sender: str
    recipients: tuple[str, ...]
    size: int = 0
    body: str = "7BIT"
    smtputf8: bool = False
    chunking: bool = False
    wishes: Wishes = NO_WISHES
    asked: Mapping[str, RecipientWishes] = _NOTHING_ASKED
    now: float = 0.0


Parameters = Callable[[Transaction], str]
RecipientParameters = Callable[[Transaction, RecipientWishes], str]


@dataclass(frozen=True, slots=True)
class Extension:
    """One row: what the client does with a keyword.

    `mail` gives the parameters of MAIL with a space before each, `""` for none; `wish` does too,
    and is asked only where the message has wishes. `rcpt` gives those of RCPT from what was asked
    for a recipient.
    """

    keyword: str
    section: str
    mail: Parameters | None = None
    wish: Parameters | None = None
    rcpt: RecipientParameters | None = None


def _body(transaction: Transaction) -> str:
    # RFC 6531 §3.6: a message with SMTPUTF8 goes with BODY=8BITMIME.
    body = transaction.body
    if body == "8BITMIME" or (transaction.smtputf8 and body == "7BIT"):
        return " BODY=8BITMIME"
    return ""


def _report(transaction: Transaction) -> str:
    # §5.2.1: what came goes on, and nothing else.
    wishes = transaction.wishes
    ret = f" RET={wishes.ret}" if wishes.ret in _RET else ""
    return f"{ret} ENVID={xtext.encode(wishes.envid)}" if wishes.envid else ret


def _notify(transaction: Transaction, asked: RecipientWishes) -> str:
    notify = ",".join(sorted(asked.notify & _NOTIFY))
    words = f" NOTIFY={notify}" if notify else ""
    orcpt = asked.orcpt
    if not orcpt and asked.through:  # §5.2.1 (d): what RCPT said here, where there was no ORCPT
        orcpt = f"{'rfc822' if asked.through.isascii() else 'utf-8'};{asked.through}"
    if not orcpt:
        return words
    kind, _, address = orcpt.partition(";")
    if kind == "utf-8":
        # RFC 6533 §3: letters beyond ASCII stand for themselves only under SMTPUTF8.
        address = unitext.encode(address, ascii_only=not transaction.smtputf8)
    else:
        address = xtext.encode(address)
    orcpt = f"{xtext.encode(kind)};{address}"
    # What grew too long in ASCII is left out: better than that the recipient is refused for it.
    return f"{words} ORCPT={orcpt}" if len(orcpt.encode()) <= _LONGEST_ORCPT else words


def _deliver_by(transaction: Transaction) -> str:
    by = transaction.wishes.deliver_by
    if by is None:
        return ""
    left = int(by.until - transaction.now)
    left = max(-_LONGEST_TIME, min(left, _LONGEST_TIME))
    return f" BY={left};{'R' if by.mode == 'R' else 'N'}{'T' if by.trace else ''}"


def _priority(transaction: Transaction) -> str:
    priority = transaction.wishes.priority
    return f" MT-PRIORITY={priority}" if priority else ""


def _submitter(transaction: Transaction) -> str:
    submitter = transaction.wishes.auth
    return f" AUTH={xtext.encode(submitter)}" if submitter else ""


EXTENSIONS: Mapping[str, Extension] = {
    row.keyword: row
    for row in (
        Extension("PIPELINING", "RFC 2920 §3.1"),
        Extension("SIZE", "RFC 1870 §6.1", lambda t: f" SIZE={t.size}" if t.size else ""),
        Extension("8BITMIME", "RFC 6152 §3", _body),
        Extension("SMTPUTF8", "RFC 6531 §3.4", lambda t: " SMTPUTF8" if t.smtputf8 else ""),
        Extension("CHUNKING", "RFC 3030 §2"),
        Extension(
            "BINARYMIME",
            "RFC 3030 §3",
            lambda t: " BODY=BINARYMIME" if t.body == "BINARYMIME" else "",
        ),
        Extension("DSN", "RFC 3461 §5.2.1", wish=_report, rcpt=_notify),
        Extension(
            "REQUIRETLS",
            "RFC 8689 §4.2.1",
            wish=lambda t: " REQUIRETLS" if t.wishes.require_tls else "",
        ),
        Extension("MT-PRIORITY", "RFC 6710 §4.3", wish=_priority),
        Extension("DELIVERBY", "RFC 2852 §4", wish=_deliver_by),
        Extension("AUTH", "RFC 4954 §5", wish=_submitter),
        Extension("LIMITS", "RFC 9422 §3"),
        Extension("STARTTLS", "RFC 3207 §4"),
        Extension("ENHANCEDSTATUSCODES", "RFC 2034 §4"),
    )
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers: its name, and its keywords in upper case with their arguments.

    `size` is the largest message it takes, in octets (RFC 1870). `transactions` and `domains` are
    how many it takes in one session, `recipients` how many in one transaction (RFC 9422 §4). All
    are 0 where it does not say.
    """

    name: str = ""
    keywords: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    size: int = 0
    transactions: int = 0
    recipients: int = 0
    domains: int = 0

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    def number(self, keyword: str) -> int:
        """Give the number behind a keyword, 0 where there is none."""
        return _number(self.keywords.get(keyword, ""), _MOST_DIGITS)

    @property
    def rows(self) -> Iterable[Extension]:
        """The rows of what is offered and known here."""
        return [row for keyword, row in EXTENSIONS.items() if keyword in self.keywords]


def _number(text: str, digits: int) -> int:
    # Not int() alone: that takes `1_000`, `+5` and the digits of every script.
    return int(text) if text and len(text) <= digits and _DIGITS.issuperset(text) else 0


def read_offer(reply: PeerReply) -> Offer:
    """Read the answer to EHLO (RFC 5321 §4.1.1.1). What is malformed in it is not offered."""
    keywords: dict[str, str] = {}
    for line in reply.lines[1:]:
        word, _, argument = line.strip(" ").partition(" ")
        if word.isascii() and word:
            keywords.setdefault(upper(word), argument.strip(" "))
    limits: dict[str, int] = {}
    for limit in keywords.get("LIMITS", "").split(" "):
        name, _, value = limit.partition("=")
        limits.setdefault(upper(name), _number(value, _LIMIT_DIGITS))
    return Offer(
        first_word(reply),
        keywords,
        _number(keywords.get("SIZE", ""), _MOST_DIGITS),
        limits.get("MAILMAX", 0),
        limits.get("RCPTMAX", 0),
        limits.get("RCPTDOMAINMAX", 0),
    )


def first_word(reply: PeerReply) -> str:
    """Give the name by which a server calls itself in a greeting or in its answer to EHLO."""
    return reply.lines[0].strip(" ").partition(" ")[0]
