"""What a message needs of its way is found in its octets, whatever they are."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import transport
from ulak.mail.transport import is_text, needs_utf8

PART = "--b\r\nContent-Disposition: attachment;\r\n filename={}.pdf\r\n\r\nçağrı\r\n--b--\r\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
INNER = "From: x\r\nContent-Type: message/rfc822\r\n\r\nSubject: {}\r\n\r\nçağrı\r\n"


@pytest.mark.parametrize(
    ("message", "needs"),
    [
        ("Subject: çağrı\r\n\r\nx\r\n", True),
        ("Subject: x\r\n\r\nçağrı\r\n", False),
        ("Subject: x\r\n\r\n-- \r\nçağrı\r\n--\r\nçağrı: x\r\n", False),
        (MIXED + PART.format("çağrı"), True),
        (MIXED + PART.format("cagri"), False),
        (INNER.format("çağrı"), True),
        (INNER.format("cagri"), False),
        (MIXED + "--b\r\n" + INNER.format("çağrı") + "--b--\r\n", True),
        (MIXED + "--b\r\nContent-Type: message/global\r\n\r\nx\r\n", True),
        ("çağrı", True),
        ("", False),
    ],
)
def test_headers_beyond_ascii_are_found_wherever_they_are(message: str, *, needs: bool) -> None:
    assert needs_utf8(message.encode()) is needs


@pytest.mark.parametrize(
    "end", [b"\r", b"\n", b"\r\r\n", b"\n\r", b"\0", b"x" * 999, b"x\r\n" + b"y" * 999 + b"\r\n"]
)
def test_what_is_not_made_of_lines_is_binary(end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"From: a\r\n\r\none\r\n"
    for piece in (1_000_000, 7, 1):
        monkeypatch.setattr(transport, "_PIECE", piece)
        assert is_text(head + b"x" * 998 + b"\r\n")
        assert not is_text(head + end)
        assert not is_text(head + end + b"two\r\n")


@pytest.mark.parametrize("gap", ["", " ", "\r\n ", " \t\r\n\t"])
def test_a_part_that_says_it_is_binary_is_believed(
    gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"MIME-Version: 1.0\r\nContent-TRANSFER-encoding:{gap}Binary\r\n\r\nx\r\n".encode()
    for piece in (1_000_000, 3):
        monkeypatch.setattr(transport, "_PIECE", piece)
        assert not is_text(text)
        assert is_text(text.replace(b"Binary", b"8bit"))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_pieces_and_files_do_not_matter(octets: bytes, piece: int) -> None:
    whole = is_text(octets)
    transport._PIECE, usual = piece, transport._PIECE
    try:
        assert is_text(octets) is whole
    finally:
        transport._PIECE = usual
    assert needs_utf8(octets) in (True, False)


def test_a_file_is_asked_as_octets_are(tmp_path: Path) -> None:
    for text in (MIXED + PART.format("çağrı"), MIXED + PART.format("cagri")):
        file = tmp_path / "body"
        file.write_bytes(text.encode())
        with file.open("rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert needs_utf8(mapped) is needs_utf8(text.encode())
            assert is_text(mapped)
