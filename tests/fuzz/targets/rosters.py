"""Lines of rosters, and rewritten senders (SRS): what is read is whole, and comes back."""

from __future__ import annotations

from tests.fuzz.octets import Octets

from ulak.mail import srs
from ulak.mail.address import Address
from ulak.rosters import lines
from ulak.smtp.grammar import GrammarError, parse_mailbox

_SECRETS = (b"a secret of many letters", b"another secret")


def one(data: bytes) -> None:
    given = Octets(data)
    if given.flag():
        line(given.rest())
    else:
        sender(given.text())


def line(octets: bytes) -> None:
    try:
        found = lines.read(octets)
    except lines.LineError:
        return
    if found is None:
        return
    # Written again from what was read, it says the same, but for what would be a comment.
    text = found.key
    if text.startswith("#"):
        return
    if found.members:
        text += ": " + ", ".join(found.members)
    assert lines.read(text.encode()) == found
    assert not set(text) & set("\r\n\0")


def sender(text: str) -> None:
    try:
        address = parse_mailbox(text)
    except GrammarError:
        return
    leads = srs.reverse(address, _SECRETS, 20_000, 21)
    assert isinstance(leads, srs.Problem), "nobody guesses a secret"
    made = srs.forward(address, "example.org", _SECRETS[1], 19_990)
    if made is None:
        return
    assert parse_mailbox(str(made)) == made
    assert srs.rewritten(made)
    back = srs.reverse(made, _SECRETS, 20_000, 21)
    assert isinstance(back, Address)
    if made.local.startswith("SRS0"):
        assert back == address
    else:
        assert back.local.startswith("SRS0")
