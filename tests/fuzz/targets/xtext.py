"""xtext (RFC 3461 §4) and unitext (RFC 6533 §3): what is written is read as the same."""

from __future__ import annotations

from tests.fuzz.octets import Octets

from ulak.mail import unitext, xtext


def one(data: bytes) -> None:
    text = Octets(data).text()
    written = xtext.encode(text)
    assert written.isascii()
    assert written.isprintable()
    assert not set(written) & {" ", "="}
    assert xtext.decode(written) == text
    for ascii_only in (True, False):
        wide = unitext.encode(text, ascii_only=ascii_only)
        assert wide.isascii() or not ascii_only
        assert not set(wide) & set(" +=\r\n\0")
        assert unitext.decode(wide) == text

    for decode, encode in (
        (xtext.decode, xtext.encode),
        (unitext.decode, lambda t: unitext.encode(t, ascii_only=True)),
    ):
        try:
            meant = decode(text)
        except ValueError:
            continue
        assert decode(encode(meant)) == meant
