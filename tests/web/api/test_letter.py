"""Messages made of what programs say: right to the octet, and nothing smuggled in."""

from __future__ import annotations

import base64
import email
import email.policy
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.web.api import letter
from ulak.web.api.letter import Letter, LetterError, attachment, field, mailbox, subject

ADA = mailbox("Ada Lovelace <ada@example.org>", "from")
BOB = mailbox("bob@example.net", "to")


def read(one: Letter) -> EmailMessage:
    octets = one.octets(now=1_800_000_000.0, message_id="<1@mx.example.org>", boundary="=_b")
    lines = octets.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert all(len(line) <= 998 for line in lines)
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert not read.defects
    return read


def content(part: MIMEPart | None) -> str:
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_text_is_as_plain_as_it_can_be() -> None:
    one = Letter(ADA, [BOB], subject="Hello", text="Dear Bob,\n\nhello.\n")
    assert one.octets(now=1_800_000_000.0, message_id="<1@mx.example.org>", boundary="=_b") == (
        b"From: Ada Lovelace <ada@example.org>\r\n"
        b"To: bob@example.net\r\n"
        b"Subject: Hello\r\n"
        b"Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
        b"Message-ID: <1@mx.example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"\r\n"
        b"Dear Bob,\r\n\r\nhello.\r\n"
    )
    assert not one.utf8


def test_every_part_is_where_readers_look_for_it() -> None:
    logo = attachment("logo.png", "image/png", base64.b64encode(b"\x89PNG").decode(), "logo@1")
    bill = attachment("Fatura ağustos 2026.pdf", "application/pdf", "JVBERg==")
    one = Letter(
        mailbox('"Lovelace, Ada" <ada@example.org>', "from"),
        [BOB, mailbox("Çağrı Öz <cagri@example.net>", "to")],
        cc=[mailbox("c@example.net", "cc")],
        reply_to=[mailbox("help@example.org", "reply_to")],
        subject="Ağustos faturanız hazır; " * 6,
        text="Günaydın\n" + "ş" * 300,
        html="<p>Günaydın <img src='cid:logo@1'></p>",
        attachments=[logo, bill],
        fields=[field("List-Unsubscribe", "<https://example.org/u?x=1>")],
    )
    got = read(one)
    assert got["subject"] == ("Ağustos faturanız hazır; " * 6).rstrip() or got["subject"]
    assert "Ağustos faturanız hazır" in got["subject"]
    assert got["from"].addresses[0].display_name == "Lovelace, Ada"
    assert [a.display_name for a in got["to"].addresses] == ["", "Çağrı Öz"]
    assert got["reply-to"] == "help@example.org"
    assert got["list-unsubscribe"] == "<https://example.org/u?x=1>"
    assert "bcc" not in got
    assert got.get_content_type() == "multipart/mixed"
    assert content(got.get_body(("plain",))).rstrip("\n") == "Günaydın\n" + "ş" * 300
    assert "cid:logo@1" in content(got.get_body(("html",)))
    (file,) = got.iter_attachments()
    assert file.get_filename() == "Fatura ağustos 2026.pdf"
    assert file.get_payload(decode=True) == b"%PDF"
    inline = next(part for part in got.walk() if part.get_content_type() == "image/png")
    assert inline["content-id"] == "<logo@1>"
    assert inline.get_payload(decode=True) == b"\x89PNG"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028"])
def test_no_value_ends_its_line(end: str) -> None:
    evil = f"x{end}Bcc: eve@example.com"
    for take in (
        lambda: subject(evil),
        lambda: field("X-Note", evil),
        lambda: mailbox(f"{evil} <ada@example.org>", "from"),
        lambda: mailbox(f"ada{end}@example.org", "from"),
        lambda: attachment(evil, "text/csv", ""),
    ):
        with pytest.raises(LetterError):
            take()


@pytest.mark.parametrize(
    "name",
    ["From", "bcc", "Content-Type", "DKIM-Signature", "Received", "ARC-Seal", "Resent-To",
     "X:Y", "", "Ulak-Quarantine", "x y", "Subjeçt"],
)  # fmt: skip
def test_fields_that_say_who_and_how_are_not_for_programs(name: str) -> None:
    with pytest.raises(LetterError):
        field(name, "x")


@pytest.mark.parametrize(
    "kind", ["multipart/mixed", "message/rfc822", "text", "a/b; c=d", "a/b\r\n"]
)
def test_an_attachment_is_a_file_and_nothing_else(kind: str) -> None:
    with pytest.raises(LetterError):
        attachment("x", kind, "")
    with pytest.raises(LetterError):
        attachment("x", "text/csv", "not base64!")
    with pytest.raises(LetterError):
        attachment("x", "text/csv", "", "a>b")


def test_an_address_in_utf_8_asks_for_it() -> None:
    assert Letter(ADA, [mailbox("çağrı@örnek.example", "to")]).utf8


ANY = st.text(st.characters(codec="utf-8"), max_size=300)


@given(ANY, ANY, ANY, ANY)
def test_whatever_is_taken_comes_out_as_it_went_in(
    title: str, text: str, name: str, file: str
) -> None:
    try:
        one = Letter(
            mailbox(f"{name} <ada@example.org>", "from"),
            [BOB],
            subject=subject(title),
            text=text,
            attachments=[attachment(file, "application/octet-stream", "AAEC")],
        )
    except LetterError:
        return
    octets = one.octets(now=0.0, message_id="<1@mx.example.org>", boundary="=_b")
    header, _, body = octets.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in header.split(b"\r\n") if line[:1] != b" "]
    assert names[:2] == [b"From", b"To"]
    assert names[-1] == b"Content-Type"
    assert not {b"Bcc", b"Cc"} & set(names)
    assert body.count(b"--=_bm\r\n") == 2
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert b"\0" not in octets


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=2000))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    octets = letter.Letter(ADA, [BOB], text=text).octets(
        now=0.0, message_id="<1@mx.example.org>", boundary="=_b"
    )
    read = email.message_from_bytes(octets)
    payload = read.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.replace(b"\r\n", b"\n").rstrip(b"\n") == text.encode().rstrip(b"\n")
