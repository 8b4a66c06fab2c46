"""Encoded words: text that is not ASCII in a header field, for people to read (RFC 2047)."""

from __future__ import annotations

import binascii
import re

# RFC 2047 §2 allows a word 75 characters; writers exceed it, hostile ones by megabytes.
_WORD = re.compile(
    r"=\?([A-Za-z0-9_.-]{1,40})(?:\*[A-Za-z0-9-]{1,40})?\?([BbQq])\?([^? ]{0,998})\?="
)
# White space between two words is not part of the text (§6.2).
_BETWEEN = re.compile(r"(\?=)[ \t]+(?==\?[A-Za-z0-9_.*-]{1,80}\?[BbQq]\?)")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
# By name: Python knows codecs that are not character sets (zip, punycode, unicode_escape …).
_CHARSETS = re.compile(
    r"(?:utf-?8|us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d|windows-874|cp125\d|cp437|cp850"
    r"|koi8-[ru]|gb2312|gbk|gb18030|big5|big5-hkscs|euc-(?:jp|kr)|shift_jis|iso-2022-(?:jp|kr)"
    r"|tis-620|macintosh)",
    re.IGNORECASE | re.ASCII,
)


def decode(text: str) -> str:
    """Decode the words in an unfolded value; what cannot be decoded stays as it is."""
    if "=?" not in text:
        return text
    return _WORD.sub(_decoded, _BETWEEN.sub(r"\1", text))


def _decoded(word: re.Match[str]) -> str:
    charset, encoding, content = word[1], word[2], word[3]
    if not _CHARSETS.fullmatch(charset):
        return word[0]
    octets = content.encode("ascii", "replace")
    try:
        if encoding in "Bb":
            octets = binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
        else:
            octets = _HEX.sub(_octet, octets.replace(b"_", b" "))
        text = octets.decode(charset, "replace")
    except (ValueError, LookupError):
        return word[0]
    return "".join(c if c.isprintable() else " " for c in text)


def _octet(digits: re.Match[bytes]) -> bytes:
    return bytes.fromhex(digits[1].decode("ascii"))
