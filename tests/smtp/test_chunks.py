"""What is read of the chunks of BDAT depends on their octets, not on the pieces they came in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from ulak.replies import catalog
from ulak.smtp import events
from ulak.smtp.server import Limits, ServerCore

HELLO = catalog.HELLO.reply(hostname="mx", client="c")
OK = catalog.SENDER_OK.reply()
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LIMITS = Limits(message_size=1000, cheap_commands=10_000, errors=10_000)


@dataclass
class Heard:
    """What came of a stream: the octets kept, and the ends with their faults."""

    kept: bytes
    ends: list[str]


def core(*, binary: bool = False, limits: Limits = LIMITS) -> ServerCore:
    """Give a core that has accepted a recipient."""
    made = ServerCore("mx", limits)
    made.greet(catalog.READY.reply(hostname="mx"))
    kind = b" BODY=BINARYMIME" if binary else b""
    made.feed(b"EHLO c\r\nMAIL FROM:<>" + kind + b"\r\nRCPT TO:<ada@example.org>\r\n")
    for reply in (HELLO, OK, OK):
        event = made.next_event()
        assert event is not None
        made.answer(event, reply)
    return made


def hear(made: ServerCore, pieces: list[bytes]) -> Heard:
    """Feed pieces, answer what wants an answer as a session does."""
    heard = Heard(b"", [])
    for piece in pieces:
        made.feed(piece)
        while (event := made.next_event()) is not None:
            match event:
                case events.Chunk(data):
                    heard.kept += data
                case events.Bdat():
                    pass
                case events.EndOfChunk(size):
                    heard.ends.append(f"chunk {size}")
                    made.answer(event, catalog.CHUNK_RECEIVED.reply(octets=size))
                case events.EndOfData(size, fault):
                    heard.ends.append(f"end {size} {fault.cause if fault else ''}")
                    made.answer(event, fault or catalog.MESSAGE_QUEUED.reply(id="1"))
                case events.Refused(reply):
                    heard.ends.append(reply.cause)
                    made.answer(event, reply)
                case _:
                    heard.ends.append(type(event).__name__)
                    made.answer(event, OK)
    return heard


def stream(chunks: list[bytes]) -> bytes:
    """Write a message in chunks, the last one as such, with a command behind it."""
    *others, last = chunks
    wire = b"".join(b"BDAT %d\r\n%b" % (len(chunk), chunk) for chunk in others)
    return wire + b"BDAT %d LAST\r\n%bNOOP\r\n" % (len(last), last)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(marks)]


TEXT = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"\0", b"a", b"BDAT 1\r\n", b"\xff"]), max_size=6
).map(b"".join)
CHUNKS = st.lists(TEXT, min_size=1, max_size=6)
PLACES = st.lists(st.integers(0, 500), max_size=12)


@given(CHUNKS, PLACES)
@example([b"a\r", b"\nb"], [])
@example([b"a\r", b"", b"\nb"], [])
@example([b"a", b"b\r"], [])
def test_text_is_kept_as_it_is_or_refused(chunks: list[bytes], places: list[int]) -> None:
    heard = hear(core(), cut(stream(chunks), places))
    whole = b"".join(chunks)
    if BARE.search(whole) or b"\0" in whole:
        failed = [end for end in heard.ends if "bare-line-end" in end or "nul-in-message" in end]
        assert len(failed) == 1
        assert not any("end" in end and end.endswith(" ") for end in heard.ends)
    else:
        assert heard.kept == whole
        assert heard.ends == [
            *(f"chunk {len(chunk)}" for chunk in chunks[:-1]),
            f"end {len(whole)} ",
            "Noop",
        ]
    assert heard.ends[-1] == "Noop"
    assert len(heard.ends) == len(chunks) + 1


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), PLACES)
def test_binary_is_kept_as_it_is(chunks: list[bytes], places: list[int]) -> None:
    heard = hear(core(binary=True), cut(stream(chunks), places))
    assert heard.kept == b"".join(chunks)
    assert heard.ends[-2:] == [f"end {len(heard.kept)} ", "Noop"]


@given(CHUNKS, PLACES)
def test_pieces_do_not_matter(chunks: list[bytes], places: list[int]) -> None:
    data = stream(chunks)
    whole = hear(core(), [data])
    pieces = hear(core(), cut(data, places))
    assert pieces.ends == whole.ends
    if whole.ends[-2].endswith(" "):
        assert pieces.kept == whole.kept


@given(st.lists(st.integers(0, 700), min_size=1, max_size=5), PLACES)
def test_what_is_too_large_is_let_pass_to_its_end(sizes: list[int], places: list[int]) -> None:
    chunks = [b"x" * size for size in sizes]
    heard = hear(core(), cut(stream(chunks), places))
    assert len(heard.kept) <= LIMITS.message_size
    assert ("message-too-large" in " ".join(heard.ends)) == (sum(sizes) > LIMITS.message_size)
    assert heard.ends[-1] == "Noop"


@given(st.binary(max_size=30), PLACES)
@example(b"5 FOO\r\nhello", [])
@example(b"\r\nNOOP", [])
@example(b" 5", [])
@example(b"5" * 21, [])
def test_a_bdat_is_counted_or_ends_the_session(arguments: bytes, places: list[int]) -> None:
    line, _, rest = arguments.partition(b"\r\n")
    made = core()
    heard = hear(made, cut(b"BDAT " + line + b"\r\n" + rest + b"x" * 20_000, places))
    if not made.closed:
        size = next(word for word in line.rstrip(b" \t").split(b" ") if word)
        assert size.isdigit()
        assert heard.ends == [] or made.state.name in ("CHUNKS", "READY")


def test_octets_of_a_chunk_are_no_line_however_long() -> None:
    made = core(limits=Limits(command_line=600))
    heard = hear(made, [b"BDAT 5000 LAST\r\n", b"x" * 5000, b"NOOP\r\n"])
    assert heard.ends == ["end 5000 ", "Noop"]


def test_tiny_chunks_are_commands_that_bring_no_message() -> None:
    made = core(limits=Limits(cheap_commands=50))
    heard = hear(made, [b"BDAT 1\r\na" * 3000])
    assert heard.ends == ["chunk 1"] * 49 + ["too-many-errors"]  # EHLO was one, too
    assert made.closed
    made = core(limits=Limits(cheap_commands=50))
    heard = hear(made, [b"BDAT 256\r\n" + b"a" * 256] * 3000)
    assert heard.ends == ["chunk 256"] * 3000
