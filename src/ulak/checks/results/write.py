"""Writing Authentication-Results (RFC 8601 §2.2): one field, folded, that every parser can read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ulak.checks.results.resinfo import Resinfo
from ulak.dns.names import to_ascii

_LINE = 76
LONGEST_VALUE = 450  # octets: an address of 64 + 1 + 255 has room, and in quotes no line has 998
_LONGEST_WORD = 300  # of a comment

_TOKEN = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+")  # RFC 2045 §5.1
# An address that may stand without quotes: a dot-atom, or nothing, before the domain.
_MAILBOX = re.compile(
    r"(?:[^\x00-\x20\x7f()<>@,;:\\\"\[\].]++(?:\.[^\x00-\x20\x7f()<>@,;:\\\"\[\].]++)*+)?"
    r"@[^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+"
)
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Inside a comment the parentheses and the backslash could be quoted, but many readers of this
# field count parentheses and know no quoting.
_IN_COMMENT = str.maketrans(
    {"(": "[", ")": "]", "\\": "/", "“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "–": "-"}
)


def write(authserv_id: str, resinfos: Iterable[Resinfo], *, utf8: bool = False) -> bytes:
    """Write the field with the CRLF at its end; without any result it says `none`.

    All of it is ASCII: domains become A-labels, and a local part beyond ASCII is left out. With
    `utf8`, for messages that are internationalised anyway, they stay as they are (RFC 8616 §6).
    """
    return b"Authentication-Results:" + payload(authserv_id, resinfos, utf8=utf8) + b"\r\n"


def payload(
    authserv_id: str, resinfos: Iterable[Resinfo], *, utf8: bool = False, first: str = ""
) -> bytes:
    """Write what stands after the colon, folded, from the space on and without the last CRLF.

    `first` is put before the authserv-id: an ARC set has its instance there (RFC 8617 §4.1.1).
    """
    name = clean(authserv_id if utf8 else to_ascii(authserv_id) or authserv_id, utf8=utf8)
    own = name if _TOKEN.fullmatch(name) else quoted(name)
    groups = [[first, own] if first else [own]]
    groups += [list(_words(resinfo, utf8=utf8)) for resinfo in resinfos]
    if len(groups) == 1:
        groups.append(["none"])
    for group in groups[:-1]:
        group[-1] += ";"
    return folded(groups, len("ARC-Authentication-Results:")).encode("utf-8", "replace")


def folded(groups: Iterable[Iterable[str]], taken: int) -> str:
    """Put words on lines: each group begins one, except the first, which goes on where it is.

    `taken` is how much of the first line is.
    """
    lines: list[str] = []
    for group in groups:
        line = ""
        for word in group:
            room = _LINE - (0 if lines else taken)
            if line and len(line) + 1 + len(word) > room:
                lines.append(line)
                line = ""
            line += " " + word
        if line:
            lines.append(line)
    return "\r\n".join(lines)


def value(text: str, *, utf8: bool = False) -> str:
    """Write a value: as it is where the grammar lets it stand, else in quotes."""
    text = clean(text, utf8=utf8)
    if _TOKEN.fullmatch(text) or _MAILBOX.fullmatch(text):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Write a quoted string (RFC 5322 §3.2.4) of text that is clean."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def clean(text: str, *, utf8: bool) -> str:
    """Make a stranger's text fit: it ends no line, is not beyond ASCII, and not too long."""
    text = _UNSAFE.sub("?", text[:LONGEST_VALUE])
    if not utf8:
        return _BEYOND_ASCII.sub("?", text)
    return text.encode()[:LONGEST_VALUE].decode("utf-8", "ignore")


def mailbox(address: str, *, utf8: bool) -> str:
    """Give an address, or what is left of it in ASCII: its domain in A-labels.

    A domain alone is an address, too (RFC 8601 §2.2: the value may be either).
    """
    if utf8 or address.isascii():
        return address
    local, at, domain = address.rpartition("@")
    ascii_domain = to_ascii(domain) or domain
    return local + at + ascii_domain if local.isascii() else ascii_domain


def comment_words(text: str, *, utf8: bool) -> list[str]:
    """Write a comment, word by word so that it can be folded."""
    text = clean(text.translate(_IN_COMMENT), utf8=utf8)
    words = [word[:_LONGEST_WORD] for word in text.split()]
    if not words:
        return []
    words[0] = "(" + words[0]
    words[-1] += ")"
    return words


def _words(resinfo: Resinfo, *, utf8: bool) -> Iterable[str]:
    version = f"/{resinfo.version}" if resinfo.version != 1 else ""
    yield f"{resinfo.method}{version}={resinfo.result}"
    yield from comment_words(resinfo.comment, utf8=utf8)
    if resinfo.reason:
        yield "reason=" + quoted(clean(resinfo.reason, utf8=utf8))
    for one in resinfo.properties:
        if not one.ptype:  # met, and read; the grammar has no way to write it
            continue
        yield f"{one.ptype}.{one.name}=" + value(mailbox(one.value, utf8=utf8), utf8=utf8)
