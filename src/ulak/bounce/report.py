"""Reports about what became of mail (RFC 3464, RFC 6522, RFC 6533).

A report has three parts: an explanation for the person who sent the message, in the language of
that message where it is known; the same facts for programs; and the message, or its header. Of a
message that is lost there is no third part (RFC 3464 §2, RFC 6522 §3). It is sent with the null
reverse-path (RFC 5321 §4.5.5), and nothing answers it (RFC 3834).
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.bounce import multilingual
from ulak.bounce.frame import Frame, choose, frame, wished, written
from ulak.bounce.header import clean, date, field, mailbox_field, text_field
from ulak.bounce.human import human
from ulak.bounce.multilingual import Version
from ulak.bounce.notice import Action, Explain, Fate, Office, Original, explain
from ulak.bounce.status import status
from ulak.mail import message as mail

_LONGEST_LINE = 998  # octets, RFC 5322 §2.1.1
_LONGEST_HEADER = 32_000  # octets of a header that goes back
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class Report:
    """A report ready to be queued: its octets, and what its envelope has to ask for.

    `language` is the one that it is written in.
    """

    data: bytes
    language: str
    smtputf8: bool
    body: str  # 7BIT or 8BITMIME


def write(
    office: Office,
    original: Original,
    fates: Sequence[Fate],
    action: Action,
    *,
    identifier: str,
    now: float,
    explain: Explain = explain,
) -> Report:
    """Write the report to the sender of the original. `identifier` is the report's own id."""
    header, _ = mail.split(original.octets)
    wishes = (original.language, mail.content_language(header))
    words = frame(choose(wishes, office.languages))
    others: list[Frame] = []
    if office.multilingual and not wished(wishes, office.languages):
        others = [frame(name) for name in written(office.languages)[1:]]
    subject = clean(mail.subject(header), _LONGEST_SUBJECT)
    returned, whole = _returned(office, original, header, action)
    versions = [
        Version(
            each,
            _title(each, subject, action),
            human(
                each, office, original, fates, action, subject=subject, whole=whole, explain=explain
            ),
        )
        for each in (words, *others)
    ]
    fields, international = status(office, original, fates, action)
    kind = "message/global-delivery-status" if international else "message/delivery-status"
    parts = [
        _for_people(versions, office, identifier),
        _part(kind, words.text("part_status"), fields.encode(), encode=international),
    ]
    if not original.lost:
        parts.append(_returned_part(words, original, returned, whole=whole))
    boundary = _boundary(identifier, parts)
    top = _top(office, original, header, versions, identifier, now).encode()
    top += field(
        "Content-Type",
        f'multipart/report; report-type=delivery-status; boundary="{boundary}"',
    ).encode()
    mark = b"--" + boundary.encode("ascii")
    pieces = [top, b"\r\n"]
    for part in parts:
        pieces += (mark, b"\r\n", part, b"\r\n")
    pieces += (mark, b"--\r\n")
    data = b"".join(pieces)
    eight_bit = not data.isascii()
    return Report(
        data,
        words.language,
        smtputf8=not original.sender.isascii(),
        body="8BITMIME" if eight_bit else "7BIT",
    )


def _top(
    office: Office,
    original: Original,
    header: bytes,
    versions: Sequence[Version],
    identifier: str,
    now: float,
) -> str:
    words = versions[0].words
    lines = [
        field("Date", date(now)),
        mailbox_field("From", words.text("from"), office.postmaster),
        field("To", f"<{clean(original.sender)}>"),
        text_field("Subject", versions[0].subject),
        field("Message-ID", f"<{identifier}@{office.hostname}>"),
    ]
    about = mail.message_id(header)
    if about:
        lines += (field("In-Reply-To", about), field("References", about))
    lines += (
        field("Auto-Submitted", "auto-replied"),
        field("Content-Language", multilingual.languages(versions)),
        field("MIME-Version", "1.0"),
    )
    return "".join(lines)


def _title(words: Frame, subject: str, action: Action) -> str:
    key = f"subject_{action}"
    return words.text(key, subject=subject) if subject else words.text(f"{key}_untitled")


def _for_people(versions: Sequence[Version], office: Office, identifier: str) -> bytes:
    """Make the first part (RFC 6522 §3): in one language, or in several."""
    if len(versions) == 1:
        return _text_part(versions[0].words, versions[0].text)
    texts = [one.text.encode() for one in versions]
    boundary = _boundary(f"{identifier}languages", texts)
    return multilingual.part(versions, office.postmaster, boundary)


def _text_part(words: Frame, text: str) -> bytes:
    """Make the first part: plain where its lines allow, else quoted-printable."""
    octets = text.replace("\n", "\r\n").encode()
    longest = max(len(line) for line in octets.split(b"\r\n"))
    plain = octets.isascii() and longest <= _LONGEST_LINE
    return _part(
        "text/plain; charset=utf-8",
        words.text("part_human"),
        octets,
        encode=not plain,
        language=words.language,
    )


def _part(kind: str, description: str, octets: bytes, *, encode: bool, language: str = "") -> bytes:
    """Make a part of a type that may be encoded: as it is in ASCII, else quoted-printable."""
    lines = field("Content-Type", kind) + text_field("Content-Description", description)
    if language:
        lines += field("Content-Language", language)
    if encode:
        lines += field("Content-Transfer-Encoding", "quoted-printable")
        # It breaks lines as the first one ends, and text without any line end with a bare LF.
        octets = binascii.b2a_qp(octets, istext=True)
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return lines.encode("ascii") + b"\r\n" + octets


def _returned(
    office: Office, original: Original, header: bytes, action: Action
) -> tuple[bytes, bool]:
    """Choose what goes back: the whole message when it is small and sound, else its header.

    Only a message that failed goes back as a whole, unless its sender did not want that
    (RFC 3461 §6.2). A binary one cannot: a message within a message may not be encoded (RFC 2046
    §5.2.1), and a report goes in lines.
    """
    wishes = original.wishes
    # RFC 8689 §5: what was to stay secret on its way does so on its way back.
    allowed = wishes.ret != "HDRS" and not wishes.require_tls and not original.binary
    small = original.whole and len(original.octets) <= office.whole_up_to
    if allowed and small and action is Action.FAILED and _sound(original.octets):
        return original.octets, True
    if len(header) > _LONGEST_HEADER:
        header = header[:_LONGEST_HEADER].rpartition(b"\r\n")[0] + b"\r\n"
    if not _sound(header):
        header = header.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\0", b"?")
        header = b"".join(
            line[:_LONGEST_LINE] + b"\r\n" for line in header.removesuffix(b"\n").split(b"\n")
        )
    return header, False


def _sound(octets: bytes) -> bool:
    """Whether octets may stand in a part as they are (RFC 2045 §2.7, §2.8)."""
    pairs = octets.count(b"\r\n")
    return (
        b"\0" not in octets
        and octets.count(b"\r") == octets.count(b"\n") == pairs
        and max(len(line) for line in octets.split(b"\r\n")) <= _LONGEST_LINE
    )


def _returned_part(words: Frame, original: Original, octets: bytes, *, whole: bool) -> bytes:
    """Make the third part (RFC 6522 §4, RFC 6533 §4, RFC 6532 §3.7).

    `message/rfc822` may not be encoded (RFC 2046 §5.2.1), so that eight bits stay eight bits.
    """
    description = words.text("part_whole" if whole else "part_header")
    beyond = not octets.isascii()
    international = original.smtputf8 and beyond
    if whole and not international:
        lines = field("Content-Type", "message/rfc822")
        lines += text_field("Content-Description", description)
        if beyond:
            lines += field("Content-Transfer-Encoding", "8bit")
        return lines.encode("ascii") + b"\r\n" + octets
    if whole:
        kind = "message/global"
    else:
        kind = "message/global-headers" if international else "text/rfc822-headers"
    return _part(kind, description, octets, encode=beyond)


def _boundary(identifier: str, parts: Sequence[bytes]) -> str:
    """Choose a boundary that stands in none of the parts, whatever a message holds."""
    base = "".join(c for c in identifier if c.isascii() and c.isalnum())[:40] or "report"
    number = 0
    while any(f"=_{base}_{number}".encode("ascii") in part for part in parts):
        number += 1
    return f"=_{base}_{number}"
