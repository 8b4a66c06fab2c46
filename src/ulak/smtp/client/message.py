"""A message on its way out: dot-stuffed, with only CRLF for line ends (RFC 5321 §4.5.2, §2.3.8).

What is queued may hold a bare CR or LF (it did not come over SMTP, or a program put it there). It
never goes out as it is, since a server that takes it for a line end could be made to see the end
of the message there, and commands behind it (SMTP smuggling). A bare LF becomes CRLF, which is
what its writer meant; a bare CR becomes a space, as Postfix does.
"""

from __future__ import annotations

import re

_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
END = b".\r\n"


def encode(message: bytes) -> bytes:
    """Give a whole message as it goes over the wire, with the dot that ends it."""
    pairs = message.count(b"\r\n")
    if message.count(b"\n") != pairs or message.count(b"\r") != pairs:
        message = _mend(message)
    message = message.replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        message = b"." + message
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    return message + END


def _mend(message: bytes) -> bytes:
    return _BARE_LF.sub(b"\r\n", _BARE_CR.sub(b" ", message))


class Encoder:
    """The same for a message that comes in pieces."""

    __slots__ = ("_held", "_line_begins")

    def __init__(self) -> None:
        self._line_begins = True
        self._held = b""  # a CR whose LF may be in the next piece

    def feed(self, piece: bytes) -> bytes:
        """Take a piece; give what can go over the wire now."""
        if self._held:
            piece = self._held + piece
            self._held = b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        if not piece:
            return b""
        pairs = piece.count(b"\r\n")
        if piece.count(b"\n") != pairs or piece.count(b"\r") != pairs:
            piece = _mend(piece)
        begins, self._line_begins = self._line_begins, piece.endswith(b"\n")
        wire = piece.replace(b"\r\n.", b"\r\n..")
        return b"." + wire if begins and wire.startswith(b".") else wire

    def end(self) -> bytes:
        """Give what is left and the dot that ends the message."""
        left = b" " if self._held else b""
        self._held = b""
        if left or not self._line_begins:
            left += b"\r\n"
        self._line_begins = True
        return left + END
