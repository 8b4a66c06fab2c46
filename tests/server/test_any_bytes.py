"""Whatever a client sends, in whatever pieces: only replies and a closed connection come of it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from .dialogue import Client, configured, kept

FRAGMENTS = [
    b"EHLO client.example.net\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<grace@example.net>\r\n",
    b"MAIL FROM:<> SIZE=99 BODY=8BITMIME SMTPUTF8\r\n",
    b"MAIL FROM:<> BODY=BINARYMIME RET=HDRS ENVID=x+20y BY=100;R MT-PRIORITY=3\r\n",
    b"RCPT TO:<ada@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z\r\n",
    b"RCPT TO:<ada@example.org>\r\n",
    b"RCPT TO:<team@example.org>\r\n",
    b"RCPT TO:<nobody@example.org>\r\n",
    b"DATA\r\n",
    b"BDAT 7\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 40 LAST\r\n",
    b"BDAT 3 FOO\r\n",
    b"From: g@example.net\r\n\r\nhello\r\n",
    b"From: g@example.net\r\n\r\n",
    b".\r\n",
    b"\r\n.\r\n",
    b"..\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY ada\r\n",
    b"EXPN team SMTPUTF8\r\n",
    b"HELP data\r\n",
    b"STARTTLS\r\n",
    b"QUIT\r\n",
    b"GET / HTTP/1.1\r\n",
    b"AUTH PLAIN AAAA\r\n",
    b"AUTH SCRAM-SHA-256\r\n",
    b"auth scram-sha-256 biwsbj1hZGFAZXhhbXBsZS5vcmcscj1hYmM=\r\n",  # n,,n=ada@example.org,r=abc
    b"AUTH SCRAM-SHA-256 =\r\n",
    b"AUTH EXTERNAL\r\n",
    b"biwsbj1hZGFAZXhhbXBsZS5vcmcscj1hYmM=\r\n",
    b"Yz1iaXdzLHI9YWJjLHA9QUFBQQ==\r\n",  # c=biws,r=abc,p=AAAA
    b"*\r\n",
    b"=\r\n",
    b"\x16\x03\x01",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b" ",
    b"x" * 300,
    "RCPT TO:<çağrı@örnek.example>\r\n".encode(),
]
ORDERLY = [
    b"EHLO client.example.net\r\n",
    b"MAIL FROM:<grace@example.net>\r\n",
    b"RCPT TO:<ada@example.org>\r\n",
    b"DATA\r\n",
]
STREAMS = st.tuples(
    st.integers(0, 4).map(lambda n: b"".join(ORDERLY[:n])),
    st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=25).map(b"".join),
).map(b"".join)
REPLY = re.compile(
    r"[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3} )?[\x20-\x7e]+|354 [\x20-\x7e]+|334 [A-Za-z0-9+/]*=*"
)
HEAD = {"line": "200", "threshold": "40", "errors": "8", "login": "SCRAM-SHA-256", "clear": "yes"}


def outcome(pieces: list[bytes], *, hasty: bool = False) -> tuple[list[str], list[bytes]]:
    """Give what the client heard and what was kept."""
    with tempfile.TemporaryDirectory() as folder:
        server = configured(Path(folder), HEAD)

        async def talk(client: Client) -> list[str]:
            await client.send(*pieces, hasty=hasty)
            return client.take()

        lines = server.play(talk)
        assert not server.site.connections
        assert not server.site.held
        assert not server.incidents
        return [re.sub(r"Message id\d+", "Message", line) for line in lines], kept(server)


@settings(max_examples=120, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
@example(b"x" * 300 + b"\x16\x03\x01", [300])  # a handshake in the middle of a line is none
def test_the_pieces_in_which_octets_come_change_nothing(data: bytes, at: list[int]) -> None:
    places = sorted({min(place, len(data)) for place in at})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    whole = outcome([data])
    assert outcome(pieces) == whole
    assert outcome(pieces, hasty=True) == whole
    assert outcome([data[i : i + 1] for i in range(len(data))], hasty=True) == whole


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_every_answer_is_a_reply_of_smtp(data: bytes) -> None:
    lines, messages = outcome([data])
    for line in lines:
        assert line == "CLOSED" or REPLY.fullmatch(line), line
        assert len(line) <= 510
    assert "CLOSED" not in lines[:-1]
    assert len(messages) == sum("safely queued" in line for line in lines)
    for message in messages:
        assert b"\0" not in message
        assert message.count(b"\r\n") == message.count(b"\r") == message.count(b"\n")
