"""The part of a report for people in several languages, for senders of an unknown one (RFC 8255).

After a preface in all languages comes one message for each (§3.1, §3.2), with a Subject of its own
and whole by itself: a program that knows the type shows the one of its reader, and others show them
one below the other.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.bounce.frame import Frame
from ulak.bounce.header import field, mailbox_field, text_field
from ulak.language import known


@dataclass(frozen=True, slots=True)
class Version:
    """What the report says in one language: its title and its text, lines ending in LF."""

    words: Frame
    subject: str
    text: str


def part(versions: Sequence[Version], postmaster: str, boundary: str) -> bytes:
    """Make the whole part; the most likely language comes first."""
    mark = b"--" + boundary.encode("ascii")
    description = versions[0].words.text("part_human")
    head = field("Content-Type", f'multipart/multilingual; boundary="{boundary}"')
    head += text_field("Content-Description", description)
    pieces = [head.encode("ascii"), b"\r\n"]
    for each in (_preface(versions), *(_message(one, postmaster) for one in versions)):
        pieces += (mark, b"\r\n", each, b"\r\n")
    pieces += (mark, b"--\r\n")
    return b"".join(pieces)


def languages(versions: Sequence[Version]) -> str:
    """Name all languages, as Content-Language wants them (RFC 3282)."""
    return ", ".join(one.words.language for one in versions)


def _preface(versions: Sequence[Version]) -> bytes:
    """Say in each language that there are several (§3.1)."""
    lines = [
        f"{known()[one.words.language].name}: {one.words.text('multilingual')}" for one in versions
    ]
    return _text("\n\n".join(lines) + "\n")


def _message(one: Version, postmaster: str) -> bytes:
    """Make the message in one language (§3.2). Its translators were people (§6)."""
    lines = field("Content-Type", "message/rfc822")
    lines += field("Content-Language", one.words.language)
    lines += field("Content-Translation-Type", "human")
    lines += field("Content-Disposition", "inline")
    inner = mailbox_field("From", one.words.text("from"), postmaster)
    inner += text_field("Subject", one.subject)
    inner += field("Content-Language", one.words.language)
    inner += field("MIME-Version", "1.0")
    return lines.encode("ascii") + b"\r\n" + inner.encode("ascii") + _text(one.text)


def _text(text: str) -> bytes:
    # It breaks lines as the first one ends.
    octets = binascii.b2a_qp(text.replace("\n", "\r\n").encode(), istext=True)
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = field("Content-Type", "text/plain; charset=utf-8")
    head += field("Content-Transfer-Encoding", "quoted-printable")
    return head.encode("ascii") + b"\r\n" + octets
