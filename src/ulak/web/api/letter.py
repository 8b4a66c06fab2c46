"""A message made of what a program says of it (RFC 5322, RFC 2045 to RFC 2047, RFC 2231). Pure.

Nothing that comes from outside can end a line of the header: every value is held to what its
field may have, and what does not fit is refused and not repaired.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.bounce.header import date, encoded
from ulak.language.case import lower
from ulak.mail.address import Address
from ulak.smtp.grammar import GrammarError, parse_mailbox

_CONTROLS = "there is a control character or a line end in it"
_FIELDS, _FILES = "headers", "attachments"
_LINE = 76
_PIECE = 54  # characters of a parameter that are in one line
_LONGEST_LINE = 998  # RFC 5322 §2.1.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,60}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,60}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._@+-]{1,200}")
_ATTRIBUTE = re.compile(rb"[A-Za-z0-9!#$&+.^_`|~-]")
# Those that say who has written what to whom, how it is made up, and how it came.
_OWN = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id"),
        *("mime-version", "received", "return-path", "authentication-results", "received-spf"),
        "ulak-quarantine",
    )
)
_OWN_BEGINNINGS = ("content-", "arc-", "resent-", "dkim-")


class LetterError(ValueError):
    """What a program says makes no message; `part` names what, `problem` says why not."""

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"{part}: {problem}")
        self.part = part
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name of who has it, `""` for none."""

    address: Address
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file; with a `cid` the HTML can show it."""

    name: str
    kind: str
    octets: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a program says of a message. `fields` are further ones, as they are to stand there."""

    sender: Mailbox
    to: Sequence[Mailbox] = ()
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: Sequence[Attachment] = ()
    fields: Sequence[tuple[str, str]] = ()

    @property
    def utf8(self) -> bool:
        """Whether an address in the header needs SMTPUTF8 (RFC 6532)."""
        boxes = (self.sender, *self.to, *self.cc, *self.reply_to)
        return not all(box.address.ascii for box in boxes)

    def octets(self, *, now: float, message_id: str, boundary: str) -> bytes:
        """Write the message. `now` is in seconds since the epoch; `boundary` nobody can guess."""
        head = [
            _mailboxes("From", [self.sender]),
            *(_mailboxes("Reply-To", self.reply_to) for _ in self.reply_to[:1]),
            *(_mailboxes("To", self.to) for _ in self.to[:1]),
            *(_mailboxes("Cc", self.cc) for _ in self.cc[:1]),
            *(_unstructured("Subject", self.subject) for _ in self.subject[:1]),
            f"Date: {date(now)}\r\n",
            f"Message-ID: {message_id}\r\n",
            *(_unstructured(name, value) for name, value in self.fields),
            "MIME-Version: 1.0\r\n",
        ]
        return "".join(head).encode() + self._body(boundary)

    def _body(self, boundary: str) -> bytes:
        texts = []
        if self.text is not None or self.html is None:
            texts.append(_text("plain", self.text or ""))
        if self.html is not None:
            texts.append(self._html(f"{boundary}r"))
        body = texts[0] if len(texts) == 1 else _several("alternative", f"{boundary}a", texts)
        files = [_file(one) for one in self.attachments if not one.cid or self.html is None]
        return _several("mixed", f"{boundary}m", [body, *files]) if files else body

    def _html(self, boundary: str) -> bytes:
        page = _text("html", self.html or "")
        shown = [_file(one) for one in self.attachments if one.cid]
        return _several("related", boundary, [page, *shown]) if shown else page


def mailbox(text: str, part: str) -> Mailbox:
    """Read `ada@example.org` or `Ada Lovelace <ada@example.org>`. Raises LetterError."""
    name, address = "", text.strip(" ")
    if address.endswith(">") and "<" in address:
        name, _, address = address[:-1].rpartition("<")
        name = name.strip(" ")
        if len(name) > 1 and name[0] == name[-1] == '"':
            name = name[1:-1]
    if _CONTROL.search(name) or _CONTROL.search(address):
        raise _wrong(part, _CONTROLS)
    try:
        return Mailbox(parse_mailbox(address), name)
    except GrammarError as error:
        raise LetterError(part, str(error)) from error


def field(name: str, value: str) -> tuple[str, str]:
    """Take a further field. Raises LetterError for one that is not for programs to say."""
    small = lower(name)
    if not _FIELD.fullmatch(name):
        problem = "that is no name of a field"
        raise _wrong(_FIELDS, problem)
    if small in _OWN or small.startswith(_OWN_BEGINNINGS):
        problem = f"the field {name} is not for you to write"
        raise _wrong(_FIELDS, problem)
    _free(value, "headers")
    return name, value


def subject(text: str) -> str:
    """Take a subject. Raises LetterError."""
    _free(text, "subject")
    return text


def attachment(name: str, kind: str, content: str, cid: str = "") -> Attachment:
    """Take a file; its content is base64. Raises LetterError."""
    _free(name, "attachments")
    if not _TYPE.fullmatch(kind) or lower(kind).startswith(("multipart/", "message/")):
        raise _wrong(_FILES, "its type is none that an attachment may have")
    if cid and not _IDENTIFIER.fullmatch(cid):
        raise _wrong(_FILES, "its id has characters that it may not have")
    try:
        octets = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(_FILES, "its content is no base64") from error
    return Attachment(name, kind, octets, cid)


def _wrong(part: str, problem: str) -> LetterError:
    return LetterError(part, problem)


def _free(text: str, part: str) -> None:
    if _CONTROL.search(text):
        raise _wrong(part, _CONTROLS)


def _folded(name: str, words: Sequence[str]) -> str:
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1].encode()) + 1 + len(word.encode()) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"


def _mailboxes(name: str, boxes: Sequence[Mailbox]) -> str:
    words: list[str] = []
    for number, box in enumerate(boxes):
        comma = "," if number + 1 < len(boxes) else ""
        if box.name:
            words += [*_phrase(box.name), f"<{box.address}>{comma}"]
        else:
            words.append(f"{box.address}{comma}")
    return _folded(name, words)


def _phrase(name: str) -> list[str]:
    if not name.isascii() or "=?" in name:
        return encoded(name).split(" ")
    if _PLAIN_NAME.fullmatch(name) and len(name) < _LINE:
        return name.split(" ") if "  " not in name and name.strip(" ") == name else [f'"{name}"']
    if len(name) >= _LINE:
        return encoded(name).split(" ")
    return ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"']


def _unstructured(name: str, value: str) -> str:
    """Write a field of text; what is not printable ASCII, or too long, goes in encoded words."""
    words = value.split(" ")
    plain = value.isascii() and "=?" not in value and max(map(len, words)) < _LINE
    if not plain or "" in words:
        words = encoded(value).split(" ") if value else [""]
    return _folded(name, words)


def _text(kind: str, text: str) -> bytes:
    """Write a part of text: as it is where that can go anywhere, else quoted-printable."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    octets = text.encode("utf-8", "replace")
    if not octets.endswith(b"\n"):
        octets += b"\n"
    lines = octets.split(b"\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\n"
    if octets.isascii() and b"\0" not in octets and all(len(li) < _LONGEST_LINE for li in lines):
        return head.encode() + b"\r\n" + b"\r\n".join(lines)
    coded = [
        binascii.b2a_qp(line, quotetabs=False, istext=False).replace(b"=\n", b"=\r\n")
        for line in lines
    ]
    head += "Content-Transfer-Encoding: quoted-printable\r\n"
    return head.encode() + b"\r\n" + b"\r\n".join(coded)


def _file(one: Attachment) -> bytes:
    coded = base64.b64encode(one.octets)
    lines = [coded[at : at + _LINE] for at in range(0, len(coded), _LINE)]
    shown = "inline" if one.cid else "attachment"
    head = (
        f"Content-Type: {one.kind}\r\n"
        f"Content-Disposition: {shown}{_filename(one.name)}\r\n"
        + (f"Content-ID: <{one.cid}>\r\n" if one.cid else "")
        + "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + b"\r\n".join(lines)


def _filename(name: str) -> str:
    """Write the parameter of a name, in pieces where it is long (RFC 2231 §3, §4)."""
    if not name:
        return ""
    if name.isascii() and len(name) < _LINE - 20 and not set(name) & set('"\\'):
        return f';\r\n filename="{name}"'
    coded = "".join(map(_attribute, name.encode()))
    pieces: list[str] = []
    at = 0
    while at < len(coded):
        end = at + _PIECE
        while "%" in coded[end - 2 : end]:  # not within the three characters of an octet
            end -= 1
        pieces.append(coded[at:end])
        at = end
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{pieces[0]}"
    first, *rest = pieces
    told = f";\r\n filename*0*=utf-8''{first}"
    return told + "".join(f";\r\n filename*{n}*={piece}" for n, piece in enumerate(rest, 1))


def _attribute(octet: int) -> str:
    one = bytes((octet,))
    return one.decode() if _ATTRIBUTE.match(one) else f"%{octet:02X}"


def _several(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    body = b"".join(b"\r\n" + mark + b"\r\n" + part for part in parts)
    return head + body.removeprefix(b"\r\n") + b"\r\n" + mark + b"--\r\n"
