"""A mail taken apart into its parts (RFC 2045, RFC 2046), as far as reading a report needs it.

Every line is looked at once, whatever the mail is: parts in parts are kept on a list and not on
the stack of calls. The three line ends CRLF, LF and CR are one.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# Far more than a report about a thousand recipients.
LONGEST = 4_000_000
# Parts in parts; mail of people has three or four.
_DEEPEST = 20
_MOST_PARTS = 500

_FIELD = re.compile(rb"([!-9;-~]{1,76})[ \t]*:(.*)", re.DOTALL)
_PARAMETER = re.compile(
    r';\s*([a-z0-9*-]{1,40})\s*=\s*(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE | re.ASCII
)
_WORD = re.compile(
    r"=\?([^?\s]{1,40})\?([bq])\?([^?\s]{0,1000})\?=(\s+(?==\?))?", re.IGNORECASE | re.ASCII
)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_SILENT = re.compile(r"(?ai)<(style|script|head|title)\b")
_BREAK = re.compile(r"(?ai)<(?:br|/?p|/?div|/?tr|/?td|/?h[1-6]|/?li|/?table|/?pre)\b[^<>]{0,2000}>")


@dataclass(slots=True)
class Part:
    """A leaf of a mail: its type, its fields, and its lines as they came.

    `inner` is the message that it holds, where it is one (message/rfc822).
    """

    kind: str
    fields: dict[str, str]
    lines: list[bytes]
    inner: Message | None = None

    def text(self) -> str:
        """Give the text in Unicode, of HTML what is seen of it."""
        octets = decoded(self.fields, self.lines)
        text = octets.decode(_charset(self.fields), "replace")
        return _seen(text) if self.kind == "text/html" else text


@dataclass(slots=True)
class Message:
    """A header and the leaves below it. `fields` has names in small letters, the first of each."""

    fields: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    kind: str = "text/plain"


def read(mail: bytes) -> Message:
    """Take a mail apart; whatever it is, there is a message."""
    lines = lines_of(mail[:LONGEST])
    start = 0
    while start < len(lines) and not lines[start]:
        start += 1
    if start < len(lines) and lines[start].startswith((b"From ", b">From ")):
        start += 1  # of an mbox
    message = _Reader(lines, start).message
    for part in message.parts[:_MOST_PARTS]:
        if part.kind in _MESSAGES and part.inner is None:
            # In base64, which RFC 2046 §5.2.1 forbids and some do.
            inner = lines_of(decoded(part.fields, part.lines))
            part.inner = _Reader(inner, 0).message
    return message


def lines_of(octets: bytes) -> list[bytes]:
    """Give the lines, whichever of the three line ends they have."""
    octets = octets.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return octets.split(b"\n")


def fields_of(lines: Iterable[bytes]) -> dict[str, str]:
    """Give the fields of a header, unfolded, in Unicode; the first of each name counts."""
    found: dict[str, str] = {}
    name, pieces = "", list[bytes]()

    def close() -> None:
        if name and name not in found:
            found[name] = unicode_of(b" ".join(pieces)[:100_000])

    for line in lines:
        if line[:1] in (b" ", b"\t"):
            pieces.append(line.strip())
            continue
        match = _FIELD.match(line)
        if match is None:
            continue
        close()
        name, pieces = match[1].decode("ascii").lower(), [match[2].strip()]
    close()
    return found


def unicode_of(octets: bytes) -> str:
    """Decode text of which nobody said how it is encoded."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def words(text: str) -> str:
    """Decode the encoded words of a field (RFC 2047)."""
    return _WORD.sub(_word, text) if "=?" in text else text


def decoded(fields: dict[str, str], lines: list[bytes]) -> bytes:
    """Undo base64 or quoted-printable; what is not sound stays as it is."""
    coding = fields.get("content-transfer-encoding", "").lower()
    if coding.startswith("quoted-printable"):
        return binascii.a2b_qp(b"\n".join(lines))
    if coding.startswith("base64"):
        try:
            return binascii.a2b_base64(b"".join(lines))
        except binascii.Error:
            pass
    return b"\n".join(lines)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Take a Content-Type apart into the type in small letters and its parameters."""
    kind = value.partition(";")[0].strip().lower()
    found = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(value)}
    return kind, found


_MESSAGES = frozenset({"message/rfc822", "message/global"})


class _Reader:
    """One pass over the lines. A frame is an open multipart: its delimiter and its message."""

    def __init__(self, lines: list[bytes], start: int) -> None:
        self.message = Message()
        self._lines = lines
        self._frames: list[tuple[bytes, Message]] = []
        self._owner = self.message
        self._leaf: Part | None = None
        self._begin = start
        self._count = 0
        self._body = number = self._header(start)
        while number < len(lines):
            line = lines[number]
            number += 1
            if not line.startswith(b"--") or not self._frames:
                continue
            level = self._level(line.rstrip())
            if level is None:
                continue
            self._close(number - 1)
            closing = line.rstrip() != self._frames[level][0]
            del self._frames[level + (not closing) :]
            self._leaf = None
            if closing:
                continue
            self._owner = self._frames[-1][1]
            number = self._header(number, top=False)
        self._close(len(lines))
        if not self.message.parts:
            # Its boundary is another one, or it has none: what stands there is still to be seen.
            self.message.parts.append(Part("text/plain", {}, lines[self._body :]))

    def _level(self, line: bytes) -> int | None:
        for level in range(len(self._frames) - 1, -1, -1):
            delimiter = self._frames[level][0]
            if line in (delimiter, delimiter + b"--"):
                return level
        return None

    def _close(self, end: int) -> None:
        if self._leaf is not None:
            self._leaf.lines = self._lines[self._begin : end]

    def _header(self, number: int, *, top: bool = True) -> int:
        """Read the header of a part or message and begin what it announces."""
        while True:
            start = number
            while number < len(self._lines) and self._lines[number]:
                line = self._lines[number]
                if (
                    line.startswith(b"--")
                    and self._frames
                    and self._level(line.rstrip()) is not None
                ):
                    break  # no empty line and no content
                number += 1
            fields = fields_of(self._lines[start:number])
            if number < len(self._lines) and not self._lines[number]:
                number += 1
            kind, given = parameters(fields.get("content-type", "text/plain"))
            if top:
                self._owner.fields, self._owner.kind = fields, kind
                top = False
            self._begin = number
            boundary = given.get("boundary", "").encode("utf-8", "replace")
            if kind.startswith("multipart/") and boundary and len(self._frames) < _DEEPEST:
                self._frames.append((b"--" + boundary.rstrip(), self._owner))
                self._leaf = None
                return number
            self._leaf = Part(kind or "text/plain", fields, [])
            self._count += 1
            if self._count <= _MOST_PARTS:
                self._owner.parts.append(self._leaf)
            coding = fields.get("content-transfer-encoding", "").lower()
            if kind not in _MESSAGES or coding.startswith(("base64", "quoted")):
                return number
            if self._count > _MOST_PARTS:
                return number
            # The message begins here: its header is read in the next turn.
            self._close(number)
            self._leaf.inner = self._owner = Message()
            top = True


def _charset(fields: dict[str, str]) -> str:
    name = parameters(fields.get("content-type", ""))[1].get("charset", "")
    return _codec(name) if name else "utf-8"


def _codec(name: str) -> str:
    """Name a codec that is there and is one of characters."""
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
    return name


def _word(match: re.Match[str]) -> str:
    text = match[3].encode("utf-8")
    try:
        octets = (
            binascii.a2b_base64(text + b"=" * (-len(text) % 4))
            if match[2] in "bB"
            else binascii.a2b_qp(text, header=True)
        )
    except binascii.Error:
        return match[0]
    return octets.decode(_codec(match[1].partition("*")[0]), "replace")


def _seen(text: str) -> str:
    """Give what a person sees of HTML, its lines where the page has them."""
    pieces, position = [], 0
    while (silent := _SILENT.search(text, position)) is not None:
        pieces.append(text[position : silent.start()])
        end = text.find(f"</{silent[1]}", silent.end())
        if end < 0:
            position = len(text)
            break
        position = end
    pieces.append(text[position:])
    text = _BREAK.sub("\n", " ".join(pieces))
    text = html.unescape(_TAG.sub("", text)).replace("\xa0", " ")
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))
