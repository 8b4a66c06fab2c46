"""What the octets of a message need of the way they go (RFC 2045 §2, RFC 6531 §3.6, RFC 6532).

A message is `bytes` or a file mapped into memory; nothing here copies more than a piece of it, and
all of it is linear in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

_PIECE = 1_000_000  # octets looked at at once
_BLOCK = 262_144  # octets of one header
_LONGEST = 998  # octets of a line, RFC 5322 §2.1.1
_CODING = b"content-transfer-encoding"
_BINARY = re.compile(rb"[ \t]*:[ \t\r\n]*binary")
_OVERLAP = 200  # octets: a field of that name with its value
_NAME = 100  # octets of the name of a field
_FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")


class Octets(Protocol):
    """`bytes`, or a memory-mapped file."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: slice, /) -> bytes: ...
    def find(self, wanted: bytes, start: int = ..., end: int = ..., /) -> int:
        """Find octets; -1 where they are not."""


def is_text(message: Octets) -> bool:
    """Whether a message that came as BINARYMIME is made of lines, so that 8BITMIME can carry it.

    Every line ends with CRLF and has at most 998 octets, there is no NUL, and no part says of
    itself that it is binary (RFC 2045 §6.2).
    """
    before = b""
    run = returns = feeds = pairs = 0
    for start in range(0, len(message), _PIECE):
        piece = message[start : start + _PIECE]
        both = before + piece
        if b"\0" in piece or _says_binary(both):
            return False
        returns += piece.count(b"\r")
        feeds += piece.count(b"\n")
        pairs += piece.count(b"\r\n") + (before.endswith(b"\r") and piece.startswith(b"\n"))
        first, *others = map(len, piece.split(b"\n"))
        lengths = [run + first, *others]
        if max(lengths) > _LONGEST + 1:  # with the CR
            return False
        run = lengths[-1]
        before = both[-_OVERLAP:]
    return returns == feeds == pairs and run <= _LONGEST


def _says_binary(piece: bytes) -> bool:
    low = piece.lower()
    at = low.find(_CODING)
    while at >= 0:
        at += len(_CODING)
        if _BINARY.match(low, at):
            return True
        at = low.find(_CODING, at)
    return False


def needs_utf8(message: Octets) -> bool:
    """Whether a header, the message's or one of its parts', is an internationalized one."""
    return any(not b.isascii() or b"message/global" in b.lower() for b in _headers(message))


def _headers(message: Octets) -> Iterator[bytes]:
    """Give the header of the message, then what looks like the headers of its parts."""
    at = 0
    while at >= 0:
        if at == 0 or _FIELD.match(message[at : at + _NAME]):
            end = message.find(b"\r\n\r\n", at, at + _BLOCK)
            block = message[at : at + _BLOCK if end < 0 else end]
            yield block
            at += len(block)
            if end >= 0 and b"message/" in block.lower():
                at += 4  # the header of the message inside
                continue
        at = _behind_boundary(message, at)


def _behind_boundary(message: Octets, at: int) -> int:
    """Give where the line begins that follows one like a boundary (RFC 2046 §5.1.1), or -1."""
    at = message.find(b"\r\n--", at)
    while at >= 0:
        end = message.find(b"\r\n", at + 4, at + 4 + _LONGEST)
        if end >= 0:
            return end + 2
        at = message.find(b"\r\n--", at + 4)
    return -1
