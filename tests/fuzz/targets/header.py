"""The header of a message (RFC 5322 §2): read in place, judged, and never a reason to fall."""

from __future__ import annotations

from tests.fuzz.octets import Octets, sound

from ulak.bounce import header as written
from ulak.mail import message, transport
from ulak.mail.encoded import decode
from ulak.policy.message import MessageJudge, MessageRules, nul_in
from ulak.replies.catalog import CATALOG

_JUDGES = (
    MessageJudge(),
    MessageJudge(MessageRules(need_from=False, once=frozenset({"from", "to", "date"}))),
    MessageJudge(MessageRules(max_header=200, max_line=60, max_fields=5, max_hops=2)),
)


def one(data: bytes) -> None:
    given = Octets(data)
    judge = given.choice(_JUDGES)
    octets = given.rest()

    header, body = message.split(octets)
    assert octets in (header + b"\r\n" + body, header + body)
    found = list(message.fields(header))
    assert [field.name.encode() for field in found] == message.names(header)
    assert message.hops(header) == sum(field.name.lower() == "received" for field in found)
    for field in found:
        assert field.value in header
        read = message.unfold(field.value)
        assert "\r" not in read
        assert "\n" not in read
        assert message.first(header, field.name) is not None
        shown = decode(read)
        assert "\r" not in shown
        assert "\n" not in shown
        rewritten(shown)
    for name in ("Subject", "From", "X"):
        values = message.values(header, name)
        assert message.first(header, name) == (message.unfold(values[0]) if values else "")
    assert len(message.message_id(header)) <= 250
    assert message.content_language(header).isascii()
    message.subject(header)
    if transport.is_text(octets):
        assert sound(octets)
        assert b"\0" not in octets
    transport.needs_utf8(octets)

    raw = message.raw_fields(header)
    assert [name for name, _ in raw] == [name.lower() for name in message.names(header)]
    refused = judge(octets)
    if refused is not None:
        assert refused.cause in CATALOG
        assert not refused.positive
        assert refused.to_wire().isascii()
        assert refused.to_wire().count(b"\r\n") == 1
    else:
        assert nul_in(octets) is None
        ended = header.removesuffix(b"\r\n") + b"\r\n" if header else b""
        assert b"".join(octets for _, octets in raw) == ended


def rewritten(text: str) -> None:
    """Write a stranger's text into a field of ours: it stays within it."""
    for made in (
        written.field("X", text),
        written.text_field("Subject", text),
        written.mailbox_field("From", "Postmaster", written.clean(text)),
    ):
        octets = made.encode()
        assert sound(octets)
        lines = octets.split(b"\r\n")
        assert lines.pop() == b""
        assert not lines[0].startswith((b" ", b"\t"))
        assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
