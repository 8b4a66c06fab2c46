"""A message on its way out, with only CRLF for line ends (RFC 5321 §2.3.8, §4.5.2; RFC 3030).

What is queued may hold a bare CR or LF (it did not come over SMTP, or a program put it there). It
never goes out as it is, since a server that takes it for a line end could be made to see the end
of the message there, and commands behind it (SMTP smuggling). A bare LF becomes CRLF, which is
what its writer meant; a bare CR becomes a space, as Postfix does. Only a message that came as
BINARYMIME goes as it is, and only in counted chunks.
"""

from __future__ import annotations

import re

_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
# Where there is anything to do: a line that begins with a dot, or a CR without its LF.
_MARK = re.compile(rb"\r(?:\n\.|[^\n])")
_NOT_LINE_ENDS = bytes(octet for octet in range(256) if octet not in b"\r\n")
END = b".\r\n"


def encode(message: bytes) -> bytes:
    """Give a whole message as it goes after DATA: dot-stuffed, with the dot that ends it."""
    if _goes_as_it_is(message):
        return message + END
    message = mend(message).replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        message = b"." + message
    return message + END


def _goes_as_it_is(message: bytes) -> bool:
    """Whether there is nothing to mend and no dot to double, as with nearly every message.

    It ends with CRLF and every CR has its LF; so where there are as many LF as CR, none is bare.
    """
    if message[:1] == b"." or message[-2:] != b"\r\n" or _MARK.search(message) is not None:
        return False
    ends = message.translate(None, _NOT_LINE_ENDS)
    return ends.count(b"\r") * 2 == len(ends)


def mend(message: bytes) -> bytes:
    """Give a whole message without bare line ends, its last line ended too."""
    if message and not message.endswith(b"\r\n"):
        message = _mend(message)
        return message if message.endswith(b"\r\n") else message + b"\r\n"
    return _mend(message)


def _mend(piece: bytes) -> bytes:
    pairs = piece.count(b"\r\n")
    if piece.count(b"\n") == pairs == piece.count(b"\r"):
        return piece
    return _BARE_LF.sub(b"\r\n", _BARE_CR.sub(b" ", piece))


class Mender:
    """The same as `mend` for a message that comes in pieces."""

    __slots__ = ("_held", "_line_begins")

    def __init__(self) -> None:
        self._held = b""  # a CR whose LF may be in the next piece
        self._line_begins = True

    def feed(self, piece: bytes) -> bytes:
        """Take a piece; give what can go over the wire now."""
        if self._held:
            piece = self._held + piece
            self._held = b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        if not piece:
            return b""
        piece = _mend(piece)
        self._line_begins = piece.endswith(b"\n")
        return piece

    def end(self) -> bytes:
        """Give what is left."""
        left = b" " if self._held else b""
        if left or not self._line_begins:
            left += b"\r\n"
        self._held, self._line_begins = b"", True
        return left


class Encoder(Mender):
    """The same as `encode` for a message that comes in pieces."""

    __slots__ = ()

    def feed(self, piece: bytes) -> bytes:
        """Take a piece; give what can go over the wire now."""
        begins = self._line_begins
        wire = super().feed(piece).replace(b"\r\n.", b"\r\n..")
        return b"." + wire if begins and wire.startswith(b".") else wire

    def end(self) -> bytes:
        """Give what is left and the dot that ends the message."""
        return super().end() + END
