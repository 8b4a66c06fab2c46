"""The signing of one message while it comes in.

Its header is known before its body is there, and with it the length of the fields that will go on
top: in a file, room is left for them, and they are written when the last octet has been hashed.
So a large message is neither read nor written twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Signing(Protocol):
    """One message that is being signed; `ulak.keys.signatory.Signing` follows it."""

    @property
    def domain(self) -> str:
        """For which domain."""

    @property
    def selectors(self) -> tuple[str, ...]:
        """With which keys."""

    @property
    def size(self) -> int:
        """How many octets the fields will have."""

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body."""

    def finish(self) -> bytes:
        """Give the fields."""


Sign = Callable[[bytes], Signing | None]


class Sealing:
    """Signs a message. `failure` is the first error of it; after that nothing more is done."""

    __slots__ = ("_sign", "_signing", "failure", "room", "signed")

    def __init__(self, sign: Sign) -> None:
        self.failure: Exception | None = None
        self.room = 0  # octets at the beginning of a file
        self.signed = ""  # for which domain, and with which keys
        self._sign = sign
        self._signing: Signing | None = None

    def begin(self, beginning: bytes, *, leave_room: bool) -> None:
        """Begin with a message, or with as much of it as has the whole header."""
        end = 0 if beginning[:2] == b"\r\n" else beginning.find(b"\r\n\r\n") + 2
        if end == 1:  # there is no empty line, and no body
            end = len(beginning)
        try:
            self._signing = self._sign(beginning[:end])
            if self._signing is not None:
                self.room = self._signing.size if leave_room else 0
                self._signing.feed(beginning[end + 2 :])
        except Exception as error:  # noqa: BLE001 -- whoever waits for the message notes it
            self._fail(error)

    def feed(self, data: bytes) -> None:
        """Take more of the body."""
        if self._signing is None:
            return
        try:
            self._signing.feed(data)
        except Exception as error:  # noqa: BLE001 -- as above
            self._fail(error)

    def finish(self) -> bytes:
        """Give the fields, `b""` for none; in a file they fill the room."""
        signing, self._signing = self._signing, None
        if signing is None:
            return b""
        try:
            fields = signing.finish()
        except Exception as error:  # noqa: BLE001 -- as above
            self._fail(error)
            return b""
        if self.room and len(fields) != self.room:
            self._fail(AssertionError(f"{len(fields)} octets of signatures for {self.room}"))
            return b""
        self.signed = f"{signing.domain} ({', '.join(signing.selectors)})"
        return fields

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._signing = None
