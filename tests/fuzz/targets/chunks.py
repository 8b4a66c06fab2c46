"""Counted chunks (RFC 3030 §2): what is wrong with a message shows in any pieces of it."""

from __future__ import annotations

import re

from tests.fuzz.octets import Octets, pieces

from ulak.smtp.chunks import ChunkReader

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def read(chunks: list[list[bytes]], *, binary: bool) -> tuple[int, str, int]:
    """Read a message in chunks that come in pieces; give its size and what is wrong with it."""
    reader = ChunkReader(binary=binary)
    for number, parts in enumerate(chunks, 1):
        size = sum(map(len, parts))
        reader.begin(size, last=number == len(chunks))
        for part in parts:
            reader.feed(part)
        assert reader.left == 0
        assert reader.chunk == size
    assert reader.last
    reader.end()
    return reader.size, reader.bare, reader.nul


def one(data: bytes) -> None:
    given = Octets(data)
    chunked, cut = given.places(), given.places()
    message = given.rest()
    whole = read([[message]], binary=False)
    assert read([pieces(message, cut)], binary=False) == whole
    assert read([[part] for part in pieces(message, chunked)] or [[]], binary=False) == whole
    assert read([pieces(p, cut) for p in pieces(message, chunked)] or [[]], binary=False) == whole
    assert read([pieces(message, cut)], binary=True) == (len(message), "", -1)

    size, bare, nul = whole
    first = _BARE.search(message)
    assert size == len(message)
    assert nul == message.find(0)
    assert bare == ("" if first is None else {b"\r": "CR", b"\n": "LF"}[first[0]])
