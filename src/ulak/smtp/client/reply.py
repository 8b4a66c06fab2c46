"""Reading another server's replies (RFC 5321 §4.2, RFC 2034 §4), whatever comes.

A peer's octets become a `PeerReply` or a `Babble`, never an exception, and the same ones however
they were cut into pieces. A bare LF is taken for a line end here: it can only end a reply, and
some servers send it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# RFC 5321 §4.5.3.1.5 gives a reply line 512 octets; servers write longer ones.
MAX_LINE = 4096
MAX_LINES = 100
MAX_REPLY = 65_536  # octets of one reply, all its lines together
_SHOWN = 40  # octets of what was not understood
_CACHED = 128  # octets of a line worth remembering
_CODE = 3  # digits

_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")


@dataclass(frozen=True, slots=True)
class PeerReply:
    r"""What another server answered.

    `enhanced` is the enhanced code as it said it, with its class, or None. `lines` are without
    codes, printable on one line each: what is not became `?` (or `\xnn`, where it was no UTF-8).
    """

    code: int
    enhanced: str | None
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one text, without codes."""
        return "\n".join(self.lines)

    @property
    def positive(self) -> bool:
        """Whether the reply accepts (2yz)."""
        return self.code < 300  # noqa: PLR2004 -- the first digit is the meaning, RFC 5321 §4.2.1

    @property
    def permanent(self) -> bool:
        """Whether the reply is a permanent failure (5yz)."""
        return self.code >= 500  # noqa: PLR2004 -- as above

    def __str__(self) -> str:
        """Give the reply on one line, as a log or a bounce quotes it."""
        head = f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)
        return " ".join((head, *self.lines)).rstrip(" ")


@dataclass(frozen=True, slots=True)
class Babble:
    """What came is no SMTP reply. Nothing that follows can be trusted either."""

    problem: str


def printable(octets: bytes) -> str:
    """Show octets of a peer on one line: UTF-8 where it is, and nothing that acts on a screen."""
    text = octets.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in text)


class ReplyReader:
    """Cuts octets into replies. After a `Babble` it gives that for ever."""

    __slots__ = ("_at", "_babble", "_buffer", "_lines", "_octets")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._lines: list[bytes] = []
        self._octets = 0
        self._babble: Babble | None = None

    def feed(self, data: bytes) -> None:
        """Take octets from the server."""
        if self._at == len(self._buffer):
            self._buffer, self._at = data, 0
        else:
            self._buffer = self._buffer[self._at :] + data
            self._at = 0

    @property
    def pending(self) -> bool:
        """Whether octets were fed that belong to no reply given yet."""
        return self._at < len(self._buffer) or bool(self._lines)

    def clear(self) -> None:
        """Forget what was fed: it was said before TLS (RFC 3207 §4.2)."""
        self._buffer, self._at, self._octets = b"", 0, 0
        self._lines.clear()

    def next(self) -> PeerReply | Babble | None:
        """Give the next whole reply; None until more octets come."""
        if self._babble is not None:
            return self._babble
        while True:
            end = self._buffer.find(b"\n", self._at)
            length = (len(self._buffer) if end < 0 else end) - self._at
            if length > MAX_LINE:
                return self._refuse(f"a reply line has more than {MAX_LINE} octets")
            if end < 0:
                return None
            line = self._buffer[self._at : end]
            self._at = end + 1
            if line.endswith(b"\r"):
                line = line[:-1]
            mark = line[_CODE : _CODE + 1]
            code = line[:_CODE]
            if (
                len(code) < _CODE  # “25” is less than 300, and yet no yes
                or not (code.isdigit() and b"2" <= code[:1] <= b"5")
                or mark not in b" -\t"
            ):
                shown = printable(line[:_SHOWN])
                return self._refuse(f"“{shown}” is no SMTP reply" if shown else "an empty line")
            if mark == b"-":
                self._lines.append(line)
                self._octets += len(line)
                if len(self._lines) >= MAX_LINES or self._octets > MAX_REPLY:
                    return self._refuse(f"a reply has more than {len(self._lines)} lines")
                continue
            if not self._lines:
                return _parse(line) if len(line) > _CACHED else _remembered(line)
            return self._several(line)

    def _several(self, last: bytes) -> PeerReply | Babble:
        lines = [*self._lines, last]
        self._lines.clear()
        self._octets = 0
        if any(line[:1] != last[:1] for line in lines):
            # §4.2.1 wants the same code on every line. Where even the first digits differ, nobody
            # can say whether this is a yes or a no.
            codes = f"{lines[0][:_CODE].decode()} and {last[:_CODE].decode()}"
            return self._refuse(f"the lines of one reply disagree: {codes}")
        first, *others = [printable(line[_CODE + 1 :]) for line in lines]
        enhanced, text = _split(first)
        texts = [text]
        for other in others:
            its_own, rest = _split(other)
            texts.append(rest if its_own == enhanced else other)
        return PeerReply(int(last[:_CODE]), enhanced, tuple(texts))

    def _refuse(self, problem: str) -> Babble:
        self._babble = Babble(problem)
        self._buffer, self._at = b"", 0
        self._lines.clear()
        return self._babble


def _parse(line: bytes) -> PeerReply:
    enhanced, text = _split(printable(line[_CODE + 1 :]))
    return PeerReply(int(line[:_CODE]), enhanced, (text,))


# A server answers MAIL, RCPT and DATA in the same words for every message.
_remembered = lru_cache(maxsize=512)(_parse)


def _split(text: str) -> tuple[str | None, str]:
    match = _ENHANCED.match(text)
    return (match[1], text[match.end() :]) if match else (None, text)
