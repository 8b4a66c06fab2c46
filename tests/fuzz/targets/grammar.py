"""What follows a command's verb (RFC 5321 §4.1): an event, a refusal, or an error in ASCII."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.octets import Octets

from ulak.mail.address import Address
from ulak.mail.envelope import RecipientWishes, Wishes
from ulak.replies.catalog import CATALOG
from ulak.replies.reply import Reply
from ulak.smtp import commands, events, extensions, grammar, xclient
from ulak.smtp.client import Transaction
from ulak.smtp.client import extensions as sending
from ulak.smtp.grammar import GrammarError
from ulak.smtp.offers import Offers, Standing
from ulak.smtp.parameters import date_time
from ulak.smtp.sasl.table import Channel
from ulak.smtp.terms import settle

_NOW = 1_793_707_200.0  # 3 November 2026, 12:00 UTC
_RELAY = Standing(Offers(), 10_000)
_OWN = Standing(
    Offers(kind="submission", longest_hold=86_400, least_deliver_by=10),
    10_000,
    Channel(secure=True),
    authenticated=True,
)
_READ: tuple[Callable[[str], object], ...] = (
    lambda rest: commands.mail(rest, _RELAY, extensions.offered(_RELAY).mail),
    lambda rest: commands.mail(rest, _OWN, extensions.offered(_OWN).mail),
    lambda rest: commands.mail(rest, _RELAY, {}),
    lambda rest: commands.recipient(rest, extensions.offered(_OWN).rcpt, smtputf8=True),
    lambda rest: commands.recipient(rest, extensions.offered(_OWN).rcpt, smtputf8=False),
    lambda rest: commands.user("VRFY", rest),
    commands.bdat,
    grammar.parse_path,
    grammar.parse_mailbox,
    grammar.parse_domain,
    grammar.parse_literal,
    grammar.parse_hello,
    grammar.parse_parameters,
    date_time,
    lambda rest: commands.auth(rest, _RELAY, extended=True),
    xclient.parse,
)
_ROWS = [row for row in sending.EXTENSIONS.values() if row.keyword != "SIZE"]


def one(data: bytes) -> None:
    given = Octets(data)
    read = given.choice(_READ)
    try:
        text = commands.text_of(given.rest())
        got = read(text)
    except GrammarError as error:
        if not (str(error).isascii() and str(error).isprintable()):
            raise
        return
    match got:
        case events.Mail(sender):
            whole(sender)
            mail(got)
        case events.Recipient(address, wishes):
            whole(address)
            recipient(address, wishes)
        case events.Verify(user):
            whole(user)
        case events.Refused(reply):
            refused(reply)
        case Address():
            whole(got)


def whole(address: Address | None) -> None:
    """Hold an address against its own spelling."""
    if address is None:
        return
    wire = str(address)
    assert wire.isprintable() or not wire.isascii()
    if address.domain:
        assert grammar.parse_mailbox(wire) == address
    else:
        assert grammar.parse_user(wire) == address


def refused(reply: Reply) -> None:
    """Hold a refusal against what may be said."""
    assert reply.cause in CATALOG
    assert not reply.positive
    assert reply.to_wire().isascii()
    assert reply.to_wire().count(b"\r\n") == 1


def mail(event: events.Mail) -> None:
    """Settle what MAIL asked for, and ask another server for it: it is the same again."""
    wishes: Wishes = event.wishes
    if event.terms is not None:
        wishes, reply = settle(wishes, event.terms, _OWN, _NOW)
        if not reply.positive:
            refused(reply)
            return
        assert wishes.hold_until <= _NOW + _OWN.offers.longest_hold
        assert -9 <= wishes.priority <= 9
    sender = "" if event.sender is None else str(event.sender)
    sent = Transaction(
        sender, (), body=event.body, smtputf8=event.smtputf8, wishes=wishes, now=_NOW
    )
    said = "".join(row.mail(sent) for row in _ROWS if row.mail is not None)
    said += "".join(row.wish(sent) for row in _ROWS if row.wish is not None)
    assert said.isascii()
    assert said.isprintable()
    again = commands.mail(f"FROM:<{sender}>{said}", _OWN, extensions.offered(_OWN).mail)
    assert isinstance(again, events.Mail), again
    assert (again.sender, again.smtputf8) == (event.sender, event.smtputf8)
    same = (wishes.ret, wishes.envid, wishes.require_tls)
    assert (again.wishes.ret, again.wishes.envid, again.wishes.require_tls) == same
    assert again.wishes.auth == wishes.auth
    assert (again.terms.priority if again.terms else 0) == wishes.priority


def recipient(address: Address, wishes: RecipientWishes) -> None:
    """Ask another server for what RCPT asked for: it is the same again, under SMTPUTF8 or not."""
    for smtputf8 in (True, False):
        sent = Transaction("", (), smtputf8=smtputf8)
        said = "".join(row.rcpt(sent, wishes) for row in _ROWS if row.rcpt is not None)
        assert smtputf8 or said.isascii()
        rest = f"TO:<{address if smtputf8 else 'a@example.org'}>{said}"
        again = commands.recipient(rest, extensions.offered(_OWN).rcpt, smtputf8=smtputf8)
        assert isinstance(again, events.Recipient), again
        if " ORCPT=" in said or not wishes.orcpt:
            assert again.wishes == wishes
