"""The form that a message must have to be taken (RFC 5322 §2.1.1, §3.6; RFC 5321 §3.3, §6.3).

Only what makes a message mean different things to different readers is refused: an author who
is missing where one is claimed or there are several of, NULs, lines that are no fields, lines and
headers without measure, and a message that goes in circles. The rest of RFC 5322 is the sender's
business, and a text that claims nothing about where it comes from is taken as it is.

This runs for every message. It looks at the header with whole-buffer operations, and searches
for details only once it is known that something is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.mail.message import names
from ulak.replies import catalog
from ulak.replies.reply import Reply

_FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]++[ \t]*+:")

# What an originator's program or a relay writes, in lower case (RFC 5322 §3.6, RFC 6376, RFC 8617):
# who has one of these says where the message comes from, and has to say from whom.
_CLAIMS = frozenset(
    {
        *(b"date", b"sender", b"reply-to", b"to", b"cc", b"bcc"),
        *(b"message-id", b"in-reply-to", b"references"),
        *(b"received", b"return-path", b"dkim-signature"),
    }
)
_CLAIMING = (b"resent-", b"arc-")


@dataclass(frozen=True, slots=True)
class MessageRules:
    """What is refused. Octets and counts.

    With `need_from`, a header that has any field of an originator or a relay has to have From.
    `once` are the fields, in lower case, of which there may be only one: RFC 5322 §3.6 has more
    (Date, Sender, Reply-To, To, Cc, Bcc, Message-ID, In-Reply-To, References, Subject), but
    only several From fields show different readers different authors.
    """

    max_header: int = 102_400
    max_line: int = 998  # without CRLF (RFC 5322 §2.1.1)
    max_fields: int = 2000
    max_hops: int = 50
    need_from: bool = True
    once: frozenset[str] = frozenset({"from"})


class MessageJudge:
    """Judges messages; `once` holds for all of them."""

    def __init__(self, rules: MessageRules | None = None) -> None:
        self._rules = rules or MessageRules()
        self._once = [name.encode("ascii") for name in sorted(self._rules.once)]

    def __call__(self, message: bytes, *, binary: bool = False) -> Reply | None:
        """Judge a message, or the beginning of one that has its whole header in it.

        Of a message in pieces, `nul_in` judges the others. The body of a `binary` message may
        have any octets (RFC 3030 §3); its header is made of lines like every other.
        """
        rules = self._rules
        # A header that is too large is not looked at any further.
        header = _header(message, rules.max_header)
        if header is None:
            return catalog.HEADER_TOO_LARGE.reply(limit=rules.max_header)
        fault = _unlike_lines(header) if binary else nul_in(message)
        if fault is not None:
            return fault

        lines = header.split(b"\r\n")
        if lines[-1] == b"":
            lines.pop()
        if not lines:
            return None  # nothing is claimed: RFC 5321 §3.3 has no quarrel with a bare text
        if max(map(len, lines)) > rules.max_line:
            return _too_long(lines, rules.max_line)
        found = names(header)
        folds = header.count(b"\r\n ") + header.count(b"\r\n\t")
        if len(found) + folds != len(lines):
            return _no_field(lines)
        if len(found) > rules.max_fields:
            problem = f"its header has {len(found)} fields; {rules.max_fields} are taken here"
            return catalog.MALFORMED_MESSAGE.reply(problem=problem)

        kinds = [name.lower() for name in found]
        if b"from" not in kinds and rules.need_from and any(map(_claims, kinds)):
            return catalog.MISSING_FROM.reply()
        for name in self._once:
            count = kinds.count(name)
            if count > 1:
                return _several(name, count)
        hops = kinds.count(b"received")
        if hops > rules.max_hops:
            return catalog.ROUTING_LOOP.reply(hops=hops)
        return None


def _claims(kind: bytes) -> bool:
    return kind in _CLAIMS or kind.startswith(_CLAIMING)


def _header(message: bytes, most: int) -> bytes | None:
    """Give the header with the CRLF of its last line, or None if it has more than `most` octets."""
    if message[:2] == b"\r\n":
        return b""
    end = message.find(b"\r\n\r\n", 0, most + 2)
    if end >= 0:
        return message[: end + 2]
    return message if len(message) <= most else None


def nul_in(piece: bytes, start: int = 0) -> Reply | None:
    """Judge a piece of a message that begins at the octet `start` by whether a NUL is in it."""
    offset = piece.find(b"\0")
    return None if offset < 0 else catalog.NUL_IN_MESSAGE.reply(offset=start + offset)


def _unlike_lines(header: bytes) -> Reply | None:
    """Judge a header whose octets nobody has looked at by whether it is made of lines at all."""
    pairs = header.count(b"\r\n")
    for octet, name in ((b"\r", "CR"), (b"\n", "LF")):
        if header.count(octet) != pairs:
            return catalog.BARE_LINE_END.reply(octet=name)
    return nul_in(header)


def _too_long(lines: list[bytes], limit: int) -> Reply:
    number, line = next((i, li) for i, li in enumerate(lines, 1) if len(li) > limit)
    return catalog.HEADER_LINE_TOO_LONG.reply(line=number, length=len(line), limit=limit)


def _no_field(lines: list[bytes]) -> Reply:
    for number, line in enumerate(lines, 1):
        folded = line[:1] in (b" ", b"\t")
        if folded and number == 1:
            problem = "its header begins with a continuation line"
            return catalog.MALFORMED_MESSAGE.reply(problem=problem)
        if not folded and not _FIELD.match(line):
            start = line[:40].decode("ascii", "replace")
            problem = f"line {number} of its header is no header field ({start})"
            return catalog.MALFORMED_MESSAGE.reply(problem=problem)
    message = "every line of the header is in order, and yet they do not add up"
    raise AssertionError(message)


def _several(name: bytes, count: int) -> Reply:
    if name == b"from":
        return catalog.SEVERAL_FROM.reply(count=count)
    problem = f"it has {count} {name.decode('ascii').title()} fields; RFC 5322 §3.6 allows one"
    return catalog.MALFORMED_MESSAGE.reply(problem=problem)
