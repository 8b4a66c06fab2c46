"""The reply reader and the encoder of messages, for whatever octets and however cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ulak.replies.reply import Reply
from ulak.smtp.body import BodyReader
from ulak.smtp.client import Babble, Encoder, PeerReply, ReplyReader, encode
from ulak.smtp.client.reply import MAX_LINE, MAX_LINES

WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
CODES = st.integers(200, 559)
DETAILS = st.one_of(
    st.none(), st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 999), st.integers(0, 999))
)
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [b"250", b"-", b" ", b"5.1.1", b"\r\n", b"\n", b"\r", b"250 ok\r\n", b"\xff", b"220-"]
        ),
        max_size=30,
    ).map(b"".join),
)
CUTS = st.lists(st.integers(0, 300), max_size=6)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({min(c, len(data)) for c in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def read(chunks: Iterable[bytes]) -> list[PeerReply | Babble]:
    reader, found = ReplyReader(), list[PeerReply | Babble]()
    for chunk in chunks:
        reader.feed(chunk)
        while (reply := reader.next()) is not None:
            found.append(reply)
            if isinstance(reply, Babble):
                return found
    return found


@given(CODES, DETAILS, st.lists(WORDS, min_size=1, max_size=5), CUTS)
def test_a_reply_is_read_as_it_was_written(
    code: int, detail: str | None, lines: list[str], cuts: list[int]
) -> None:
    if detail is None:  # else a text that begins with a code would be taken for one
        lines = ["-" + line for line in lines]
    if code // 100 == 3:  # RFC 2034 §4: 3yz has no enhanced code
        detail = None
        lines = ["-" + line for line in lines]
    written = Reply(code, detail, tuple(lines))
    (reply,) = read(pieces(written.to_wire(), cuts))
    assert reply == PeerReply(code, written.enhanced, tuple(lines))
    assert str(reply) == str(written).rstrip(" ")


@given(HOSTILE, CUTS)
def test_pieces_do_not_matter_and_nothing_raises(data: bytes, cuts: list[int]) -> None:
    whole = read([data])
    assert read(pieces(data, cuts)) == whole
    assert read(data[i : i + 1] for i in range(len(data))) == whole
    for reply in whole:
        if isinstance(reply, PeerReply):
            assert 200 <= reply.code <= 599
            assert str(reply).isprintable()
        else:
            assert reply.problem.isprintable()


@pytest.mark.parametrize(
    "octets",
    [
        b"2200 mx\r\n",
        b"25 short\r\n",
        b"25\r\n",
        b"5\n",
        b"\r\n",
        b"150 too low\r\n",
        b"600 too high\r\n",
        b"250_ok\r\n",
        b"+25 ok\r\n",
        b" 250 ok\r\n",
        "٢٥٠ ok\r\n".encode(),
        b"250-yes\r\n550 no\r\n",
        b"220 " + b"x" * (MAX_LINE + 1),
        b"220 " + b"x" * (MAX_LINE + 1) + b"\r\n",
        b"220-x\r\n" * MAX_LINES,
    ],
)
def test_what_is_no_reply_is_babble_for_ever(octets: bytes) -> None:
    for reader_input in ([octets], [octets[i : i + 1] for i in range(len(octets))]):
        found = read(reader_input)
        assert len(found) == 1
        assert isinstance(found[0], Babble)
    reader = ReplyReader()
    reader.feed(octets)
    assert reader.next() is not None
    reader.feed(b"250 ok\r\n")
    assert isinstance(reader.next(), Babble)


@pytest.mark.parametrize(
    ("octets", "enhanced", "lines"),
    [
        (b"250\r\n", None, ("",)),
        (b"250 \r\n", None, ("",)),
        (b"250-a\r\n250\r\n", None, ("a", "")),
        (b"250 2.0.0\r\n", "2.0.0", ("",)),
        (b"550 5.1.1 no\n", "5.1.1", ("no",)),
        (b"550-5.1.1 no\r\n550 5.1.1 nobody\r\n", "5.1.1", ("no", "nobody")),
        (b"550-5.1.1 no\r\n550 see 5.1.1\r\n", "5.1.1", ("no", "see 5.1.1")),
        (b"550-no\r\n550 5.1.1 nobody\r\n", None, ("no", "5.1.1 nobody")),
        (b"550 3.1.1 no\r\n", None, ("3.1.1 no",)),
        (b"550 5.1.1000 no\r\n", None, ("5.1.1000 no",)),
        (b"550\tno\r\n", None, ("no",)),
        (b"550 a\tb\x1b[1m\rc\x00\r\n", None, ("a b?[1m?c?",)),
        ("550 \u202eyok\u2028\r\n".encode(), None, ("?yok?",)),
        (b"550 kullan\xfdc\xfd\r\n", None, ("kullan\\xfdc\\xfd",)),
    ],
)
def test_odd_replies_are_read_and_made_harmless(
    octets: bytes, enhanced: str | None, lines: tuple[str, ...]
) -> None:
    (reply,) = read([octets])
    assert isinstance(reply, PeerReply)
    assert (reply.enhanced, reply.lines) == (enhanced, lines)


BODIES = st.one_of(
    st.binary(max_size=100),
    st.lists(
        st.sampled_from(
            [b"\r\n", b".", b"\r", b"\n", b"a", b"\r\n.\r\n", b"\n.\n", b"..", b"\xfc"]
        ),
        max_size=30,
    ).map(b"".join),
)


@given(BODIES, CUTS)
@example(b".a\r\n", [])
@example(b"a\r\n.\r\n", [])
@example(b"a\nb\r\n", [])
@example(b"a\rb\r\n", [])
@example(b"a\r\nb", [])
def test_a_message_goes_out_the_same_in_pieces_and_ends_only_at_its_end(
    body: bytes, cuts: list[int]
) -> None:
    wire = encode(body)
    encoder = Encoder()
    assert b"".join([*map(encoder.feed, pieces(body, cuts)), encoder.end()]) == wire
    assert wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
    reader = BodyReader()
    taken, rest = reader.feed(wire)
    assert reader.done
    assert rest == b""
    assert reader.bare == ""
    if body.count(b"\r\n") == body.count(b"\r") == body.count(b"\n"):
        assert taken == (body if body.endswith(b"\r\n") or not body else body + b"\r\n")


@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\r\n.\r\r\n",
        b"\0\n.\n",
    ],
)
def test_no_false_end_of_data_gets_out(end: bytes) -> None:
    body = b"From: a\r\n\r\none" + end + b"MAIL FROM:<evil@example.net>\r\n"
    wire = encode(body)
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5
    assert wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
