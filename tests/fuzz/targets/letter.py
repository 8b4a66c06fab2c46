"""A message made of what a program says of it: all that was said is in it, and nothing else."""

from __future__ import annotations

import base64
import email
from contextlib import suppress
from email import policy
from email.message import Message

from tests.fuzz.octets import Octets, sound

from ulak.mail import message
from ulak.mail.encoded import decode
from ulak.mail.mailboxes import mailboxes
from ulak.policy.message import MessageJudge
from ulak.web.api.letter import (
    Attachment,
    Letter,
    LetterError,
    Mailbox,
    attachment,
    field,
    mailbox,
    subject,
)

_ADA = mailbox("Ada <ada@example.org>", "from")
_JUDGE = MessageJudge()
_OWN = ["From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID"]


def one(data: bytes) -> None:
    given = Octets(data)
    html, several, coded, shown = given.flag(), given.flag(), given.flag(), given.flag()
    said = [*given.text().split("\x1c"), *[""] * 9][:9]
    box, about, name, value, file, kind, content, cid, text = said

    sender, who, title = _ADA, list[Mailbox](), ""
    fields, files = list[tuple[str, str]](), list[Attachment]()
    encoded = content if coded else base64.b64encode(content.encode()).decode()
    with suppress(LetterError):
        who.append(mailbox(box, "to"))
    with suppress(LetterError):
        fields.append(field(name, value))
    with suppress(LetterError):
        files.append(attachment(file, kind or "text/x", encoded, cid if shown else ""))
    with suppress(LetterError):
        title = subject(about)
    who *= 1 + 3 * several
    sender = who[0] if who and several else sender
    made = Letter(
        sender, who, who[:1], who if several else (), title,
        text if several or not html else None, text if html else None, files, fields,
    )  # fmt: skip
    octets = made.octets(
        now=1_793_707_200.0, message_id="<1@mx.example.org>", boundary="=_9f2c7e41d0"
    )
    _whole(octets, made)


def _whole(octets: bytes, made: Letter) -> None:
    assert sound(octets)
    assert b"\0" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    refusal = _JUDGE(octets)
    assert refusal is None, refusal

    header, _ = message.split(octets)
    read = [(found.name, found.value) for found in message.fields(header)]
    there = {"Reply-To": made.reply_to, "To": made.to, "Cc": made.cc, "Subject": made.subject}
    own = [name for name in _OWN if there.get(name, True)]
    further = [name for name, _ in made.fields]
    wanted = [*own, *further, "MIME-Version", "Content-Type"]
    assert [name for name, _ in read[: len(wanted)]] == wanted
    assert {name for name, _ in read[len(wanted) :]} <= {"Content-Transfer-Encoding"}
    values = dict(zip(own, (value for _, value in read), strict=False))
    for name, boxes in (("From", [made.sender]), ("To", made.to), ("Cc", made.cc)):
        if boxes:
            assert mailboxes(values[name]) == tuple(one.address for one in boxes)
    if made.subject:
        assert _same(_read(values["Subject"]), made.subject)
    for (_, value), (_, wanted_value) in zip(read[len(own) :], made.fields, strict=False):
        assert _same(_read(value), wanted_value)
    assert made.utf8 or header.isascii()
    _parts(email.message_from_bytes(octets, policy=policy.compat32), made)


def _read(value: bytes) -> str:
    return decode(message.unfold(value))


def _same(read: str, said: str) -> bool:
    """Whether a text came back, but for white space at its ends and for what no reader shows."""
    return _shown(read) == _shown(said)


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip(" ")


def _parts(read: Message, made: Letter) -> None:
    texts = [part for part in (made.text, made.html) if part is not None] or [""]
    found, files = list[bytes](), list[bytes]()
    for part in read.walk():
        if part.is_multipart():
            continue
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        (files if part.get_content_disposition() else found).append(octets)
    assert [_ended(octets.replace(b"\r\n", b"\n")) for octets in found] == [
        _ended(_lines(text)) for text in texts
    ]
    assert files == [one.octets for one in made.attachments]


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")


def _ended(octets: bytes) -> bytes:
    return octets if octets.endswith(b"\n") else octets + b"\n"
