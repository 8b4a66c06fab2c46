"""A submitted message put in order (RFC 6409 §8): nobody writes in another's name."""

from __future__ import annotations

from tests.fuzz.octets import Octets, sound

from ulak.accounts.account import Account
from ulak.mail.address import Address
from ulak.mail.mailboxes import mailboxes
from ulak.mail.message import fields, names, values
from ulak.policy.message import MessageJudge, MessageRules
from ulak.policy.submission import Mended, Submission, Submitted
from ulak.replies.catalog import CATALOG
from ulak.smtp import grammar
from ulak.smtp.client.message import mend

_ACCOUNT = Account("ada@example.org", "", None, send_as=("info@example.org", "ö@örnek.example"))
_SUBMISSION = Submission(
    "own", local=lambda _domain: False, judge=MessageJudge(MessageRules(need_from=False))
)
_SUBMITTED = Submitted(_ACCOUNT, "Tue, 03 Nov 2026 12:00:00 +0000", "<1@example.org>")


def one(data: bytes) -> None:
    given = Octets(data)
    as_list = given.flag()
    octets = given.rest()
    if as_list:
        addresses(octets)
        return
    octets = mend(octets)  # nothing else gets as far as this
    mended = _SUBMISSION.mend(octets, _SUBMITTED)
    if not isinstance(mended, Mended):
        assert mended.cause in CATALOG
        assert not mended.positive
        assert mended.to_wire().isascii()
        return
    assert sound(mended.header)
    before, after = octets[: mended.old], mended.header
    kinds = [name.lower() for name in names(after)]
    for once in (b"from", b"date", b"message-id"):
        assert once in kinds
    assert b"bcc" not in kinds
    assert kinds.count(b"from") == 1
    authors = mailboxes(values(after, "From")[0])
    assert authors
    assert all(_ACCOUNT.owns(author) for author in authors)
    kept = [f for f in fields(before) if f.name.lower() not in ("bcc", "resent-bcc", "sender")]
    rest = [f for f in fields(after) if f.name.lower() != "sender"]
    assert rest[: len(kept)] == kept
    assert octets[mended.old :][:2] in (b"", b"\r\n")

    again = _SUBMISSION.mend(after + octets[mended.old :], _SUBMITTED)
    assert isinstance(again, Mended)
    assert again.header == after


def addresses(value: bytes) -> None:
    """Read a list of mailboxes; each, written as we would, is read as the same."""
    found = mailboxes(value)
    for address in found or ():
        written = str(address).encode()
        assert mailboxes(b" <" + written + b">") == (address,)
        assert mailboxes(b' "x, <y@z>" <' + written + b">, (c (d)) " + written) == (address,) * 2
    try:
        text = value.decode()
        address = grammar.parse_mailbox(text)
    except (UnicodeDecodeError, grammar.GrammarError):
        return
    same(text, address)


def same(text: str, address: Address) -> None:
    """Hold the two readers of addresses against each other."""
    if address.literal:  # of any tag in an envelope
        return
    assert mailboxes(text.encode()) == (address,)
