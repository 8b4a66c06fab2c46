"""Chunks of the client: what is announced is what follows, and only the last yes delivers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ulak.delivery import reading
from ulak.delivery.reading import Reading, WrongSizeError
from ulak.smtp.client import ClientCore, Encoder, Mender, Stage, Step, Transaction, encode, mend

HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"\0", b"x"]), max_size=60).map(
        b"".join
    ),
)
CUTS = st.lists(st.integers(0, 300), max_size=6)
REPLIES = st.sampled_from(
    [
        b"250 2.0.0 ok",
        b"250-ok\r\n250 ok",
        b"354 go",
        b"421 4.3.2 Closing",
        b"452 4.3.1 Full",
        b"552 5.3.4 Big",
        b"550 5.1.1 No",
        b"what?",
        b"",
    ]
)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({min(c, len(data)) for c in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(HOSTILE, CUTS)
def test_lines_are_mended_the_same_however_they_are_cut(body: bytes, cuts: list[int]) -> None:
    mender = Mender()
    wire = b"".join([*map(mender.feed, pieces(body, cuts)), mender.end()])
    assert wire == mend(body)
    assert wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
    assert not wire or wire.endswith(b"\r\n")
    if body.count(b"\r\n") == body.count(b"\r") == body.count(b"\n"):
        assert wire == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE, st.integers(1, 40), st.integers(-2, 2))
def test_a_file_is_read_whole_or_never_to_its_end(
    tmp_path: Path, body: bytes, piece: int, wrong: int
) -> None:
    file = tmp_path / "body"
    file.write_bytes(body)
    usual, reading._PIECE = reading._PIECE, piece
    try:
        for coder, whole in ((None, body), (Mender(), mend(body)), (Encoder(), encode(body))):
            read = Reading(file, max(len(body) + wrong, 0), coder)
            got, last = b"", False
            try:
                while not last:
                    octets, last = read.next()
                    got += octets
            except WrongSizeError:
                assert wrong
                assert not last
            else:
                assert not wrong or len(body) + wrong <= 0 == len(body)
                assert got == whole
            read.close()
    finally:
        reading._PIECE = usual


@given(
    sizes=st.lists(st.integers(0, 99), min_size=1, max_size=5),
    replies=st.lists(REPLIES, max_size=9),
    pipelining=st.booleans(),
    lmtp=st.booleans(),
)
def test_whatever_is_said_to_chunks_only_a_yes_to_all_of_them_delivers(
    *, sizes: list[int], replies: list[bytes], pipelining: bool, lmtp: bool
) -> None:
    core = ClientCore("client.example.org", lmtp=lmtp)
    core.feed(b"220 mx\r\n")
    core.feed(
        b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
        if pipelining
        else b"250-mx\r\n250 CHUNKING\r\n"
    )
    core.begin(Transaction("g@example.org", ("ada@example.net",), chunking=True))
    step = core.feed(b"250 ok\r\n")
    step = core.feed(b"250 ok\r\n")
    assert step is Step.BODY
    core.output()
    left, said = list(sizes), list(replies)
    yes = 0
    while step not in (Step.DONE, Step.OVER):
        if core.stage is Stage.BODY and left and core.takes_more:
            size = left.pop(0)
            core.chunk(size, last=not left)
            announced = b"BDAT %d LAST\r\n" % size if not left else b"BDAT %d\r\n" % size
            assert core.output() == announced
            if not left:
                core.body_sent()
            continue
        if not said:
            break
        reply = said.pop(0)
        yes += reply.startswith(b"250")
        step = core.feed(reply + b"\r\n")
    (answer,) = core.answers
    delivered = answer is not None and answer.reply.positive
    if delivered:
        assert not left
        assert yes == len(sizes)
    if step is Step.DONE:
        assert answer is not None
        assert not re.match(rb"BDAT", core.output())
