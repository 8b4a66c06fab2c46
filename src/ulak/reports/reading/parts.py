"""The parts of a mail that could hold a report (RFC 2045, RFC 2046 §5.1).

RFC 9990 §3.5.2 and RFC 8460 §5.3 say how they are named and typed, and authors do as they like.
Only what leads to an attachment is read of MIME, each octet a bounded number of times.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from ulak.mail.message import first, split

_DEPTH = 6  # multiparts within multiparts; a list may put a report into one or two
_PARTS = 100
_VALUE = r"\s*=\s*(?:\"([^\"\r\n]{1,400})\"|([^\s;\"]{1,400}))"
_BOUNDARY = re.compile(rf";\s*boundary{_VALUE}", re.IGNORECASE | re.ASCII)
_NAME = re.compile(rf";\s*(?:file)?name\*?{_VALUE}", re.IGNORECASE | re.ASCII)
_TYPES = frozenset(
    {
        "application/gzip",
        "application/x-gzip",
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/tlsrpt+gzip",
        "application/tlsrpt+json",
        "application/json",
        "application/xml",
        "text/xml",
    }
)
_ENDINGS = (".xml", ".xml.gz", ".zip", ".gz", ".json", ".json.gz")
_LONGEST_VALUE = 2_000


def candidates(mail: bytes) -> Iterator[bytes]:
    """Give the decoded octets of each part that could be a report, in order."""
    budget = [_PARTS]
    yield from _of(mail, _DEPTH, budget)


def _of(entity: bytes, depth: int, budget: list[int]) -> Iterator[bytes]:
    budget[0] -= 1
    if budget[0] < 0:
        return
    header, body = split(entity)
    content = first(header, "Content-Type")[:_LONGEST_VALUE]
    kind = content.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        found = _BOUNDARY.search(content)
        if found is not None and depth:
            for part in _parts(body, (found[1] or found[2]).encode("utf-8", "replace")):
                yield from _of(part, depth - 1, budget)
        return
    if kind == "message/rfc822" and depth:  # a report that somebody has passed on
        yield from _of(body, depth - 1, budget)
        return
    disposition = first(header, "Content-Disposition")[:_LONGEST_VALUE]
    name = _NAME.search(disposition) or _NAME.search(content)
    named = name is not None and (name[1] or name[2]).lower().endswith(_ENDINGS)
    if named or kind in _TYPES:
        coding = first(header, "Content-Transfer-Encoding").strip().lower()
        octets = _decoded(body, coding)
        if octets is not None:
            yield octets


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Cut a multipart body at its boundaries; what lacks its end is a part, too."""
    mark = b"\r\n--" + boundary
    body = b"\r\n" + body
    at = body.find(mark)
    while at >= 0:
        begin = at + len(mark)
        if body.startswith(b"--", begin):
            return
        line_end = body.find(b"\r\n", begin)
        if line_end < 0:
            return
        at = body.find(mark, line_end)
        yield body[line_end + 2 : at if at >= 0 else len(body)]


def _decoded(body: bytes, coding: str) -> bytes | None:
    if coding == "base64":
        # What follows the padding is a signature that a list has added, or nothing.
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            return None
    if coding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body
