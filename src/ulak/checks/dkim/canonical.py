"""The two forms in which header and body are hashed, simple and relaxed (RFC 6376 §3.4).

A body comes in pieces of any size and goes out in pieces: what cannot be decided yet (empty lines
that may be the last, space that may end a line) is kept as a count and at most two octets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Protocol

_CRLF = b"\r\n"
_BLOCK = 1 << 16
_LINES = _CRLF * (_BLOCK // 2)
_SPACE = b" \t"
_TWO_SPACES = re.compile(rb"  ")
_SPACE_LAST = re.compile(rb" \r\n")


class Form(StrEnum):
    """How much a message may change on its way: nothing, or white space."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


def field(octets: bytes, form: Form) -> bytes:
    """Give a whole field, `Name: value CRLF`, in a form (§3.4.1, §3.4.2), with its CRLF."""
    if form is Form.SIMPLE:
        return octets
    name, _, value = octets.removesuffix(_CRLF).partition(b":")
    if b"\n" in value:  # only what is folded: a line that belongs to no field stays seen
        value = value.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return name.rstrip(_SPACE).lower() + b":" + _squeezed(value).strip(b" ") + _CRLF


def relaxed(fields: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Give all fields of a header, as `raw_fields` has them, in the relaxed form.

    It is what `field` gives for each, in one go over them all.
    """
    block = b"".join([octets for _, octets in fields])
    block = _squeezed(block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    lines = block.replace(b" \r\n", _CRLF).split(_CRLF)
    if len(lines) != len(fields) + 1:  # there are lines that belong to no field
        return [field(octets, Form.RELAXED) for _, octets in fields]
    return [
        b"%b:%b\r\n" % (name, line.partition(b":")[2].removeprefix(b" "))
        for (name, _), line in zip(fields, lines, strict=False)
    ]


class Body(Protocol):
    """Makes the form of a body."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take octets; give those that are certain. Large chunks are cut."""

    def finish(self) -> Iterator[bytes]:
        """Give the rest."""


def body(form: Form) -> Body:
    """Begin a body."""
    return SimpleBody() if form is Form.SIMPLE else RelaxedBody()


class SimpleBody:
    """As it came, but for empty lines at its end; an empty body is one CRLF (§3.4.3)."""

    __slots__ = ("_carry", "_lines")

    def __init__(self) -> None:
        self._lines = 0  # CRLFs that are not given yet
        self._carry = b""  # a CR at the end, that may be half a CRLF

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take octets; give those that are certain."""
        for start in range(0, len(chunk), _BLOCK):
            block = self._carry + chunk[start : start + _BLOCK]
            self._carry = b"\r" if block.endswith(b"\r") else b""
            end, lines = _ending(block, len(block) - len(self._carry))
            if end:
                yield from _repeated(self._lines)
                yield block[:end]
                self._lines = 0
            self._lines += lines

    def finish(self) -> Iterator[bytes]:
        """Give the rest."""
        if self._carry:
            yield from _repeated(self._lines)
            yield self._carry
        yield _CRLF


class RelaxedBody:
    """Without space at the ends of lines, other space as one SP, no empty lines last (§3.4.4)."""

    __slots__ = ("_any", "_carry", "_lines")

    def __init__(self) -> None:
        self._lines = 0
        self._carry = b""  # SP, CR or both at the end: what follows decides
        self._any = False  # whether anything was given

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take octets; give those that are certain."""
        for start in range(0, len(chunk), _BLOCK):
            block = _squeezed(self._carry + chunk[start : start + _BLOCK])
            if _SPACE_LAST.search(block):
                block = block.replace(b" \r\n", _CRLF)
            end = len(block) - (1 if block.endswith(b"\r") else 0)
            end -= 1 if block.endswith(b" ", 0, end) else 0
            self._carry = block[end:]
            end, lines = _ending(block, end)
            if end:
                yield from _repeated(self._lines)
                yield block[:end]
                self._any, self._lines = True, 0
            self._lines += lines

    def finish(self) -> Iterator[bytes]:
        """Give the rest. Space at the very end ends a line, too."""
        if self._carry.endswith(b"\r"):
            yield from _repeated(self._lines)
            yield self._carry
            self._any = True
        if self._any:
            yield _CRLF


def _squeezed(octets: bytes) -> bytes:
    """Make one SP of each run of white space: a run is halved at each turn."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while _TWO_SPACES.search(octets):  # faster than `in`, which is slow on two equal octets
        octets = octets.replace(b"  ", b" ")
    return octets


def _ending(block: bytes, end: int) -> tuple[int, int]:
    """Give where the CRLFs begin that block[:end] ends with, and how many they are."""
    if not block.endswith(_CRLF, 0, end):
        return end, 0
    start = len(block[:end].rstrip(_CRLF))
    # CRs and LFs from here on; those before the last that are no pair are content.
    start = max(
        start + 1 if block.startswith(b"\n", start, end) else start,
        block.rfind(b"\r\r", start, end) + 1,
        block.rfind(b"\n\n", start, end) + 2 if block.rfind(b"\n\n", start, end) >= 0 else 0,
    )
    return start, (end - start) // 2


def _repeated(lines: int) -> Iterator[bytes]:
    while lines > 0:
        yield _LINES[: 2 * lines]
        lines -= len(_LINES) // 2
