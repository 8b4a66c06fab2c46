"""Another server's replies (RFC 5321 §4.2): read the same in any pieces, and always explained."""

from __future__ import annotations

from tests.fuzz.octets import Octets, pieces

from ulak.replies.catalog import CATALOG
from ulak.replies.classify import classify
from ulak.replies.reply import Reply
from ulak.smtp.client import Babble, PeerReply, ReplyReader


def read(parts: list[bytes]) -> list[PeerReply | Babble]:
    """Feed pieces and give what comes of them, up to the first babble."""
    reader = ReplyReader()
    found: list[PeerReply | Babble] = []
    for part in parts:
        reader.feed(part)
        while (reply := reader.next()) is not None:
            found.append(reply)
            if isinstance(reply, Babble):
                return found
    return found


def one(data: bytes) -> None:
    given = Octets(data)
    places = given.places()
    repeated = given.choice((1, 1, 1, 1, 120))
    sent = given.rest() * repeated
    found = read([sent])
    assert read(pieces(sent, places)) == found
    if repeated == 1:
        assert read(pieces(sent, (-1,))) == found

    for reply in found:
        if isinstance(reply, Babble):
            assert reply.problem.isprintable()
            continue
        assert 200 <= reply.code <= 599
        assert str(reply).isprintable()
        cause = classify(reply.code, reply.enhanced, reply.text)
        assert cause.cause in CATALOG
        # Written by our own server, it would be read as the same.
        if reply.enhanced is None:
            lines = tuple("-" + line for line in reply.lines)
            assert read([Reply(reply.code, None, lines).to_wire()]) == [
                PeerReply(reply.code, None, lines)
            ]
