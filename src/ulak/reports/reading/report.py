"""From a mail, or from a file on a disk, to the reports in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ulak.mail.message import split
from ulak.reports.aggregate import Aggregate
from ulak.reports.reading import aggregate, tlsrpt
from ulak.reports.reading.parts import candidates
from ulak.reports.reading.trouble import Trouble, Unreadable, UnreadableError
from ulak.reports.reading.unpack import PACKED, packed, unpack
from ulak.reports.tlsrpt import TlsReport

Report = Aggregate | TlsReport

_MAIL = 2 * PACKED  # octets of a mail: base64 of the largest file, and room
_MOST = 3  # reports of one mail
_BOM = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_mail(mail: bytes) -> tuple[Report, ...] | Unreadable:
    """Read the reports that are attached to a mail; Unreadable where not all of them can be.

    A mail with several is read whole or not at all: a half would be counted as the whole.
    """
    if len(mail) > _MAIL:
        return Unreadable(Trouble.TOO_LARGE, str(len(mail)))
    try:
        found = tuple(_read(octets) for octets in _few(candidates(mail)))
    except UnreadableError as error:
        return error.unreadable
    return found or Unreadable(Trouble.NO_REPORT)


def read_file(octets: bytes) -> tuple[Report, ...] | Unreadable:
    """Read a file: a report, packed or not, or a mail with one, whatever it is called."""
    start = octets.lstrip(b" \t\r\n")[:4] if not packed(octets) else octets[:4]
    if packed(octets) or start.startswith((b"<", b"{", *_BOM)):
        try:
            return (_read(octets),)
        except UnreadableError as error:
            return error.unreadable
    if b"\r\n" not in octets[:10_000]:
        octets = octets[: _MAIL + 1].replace(b"\n", b"\r\n")
    header, _ = split(octets)
    if b":" not in header[:1000]:
        return Unreadable(Trouble.OTHER_FORMAT)
    return read_mail(octets)


def _few(octets: Iterator[bytes]) -> Iterator[bytes]:
    for number, one in enumerate(octets):
        if number >= _MOST:
            raise UnreadableError(Trouble.MANY_FILES, str(_MOST))
        yield one


def _read(octets: bytes) -> Report:
    """Read one attachment by what is in it: what it is called is a stranger's claim."""
    plain = unpack(octets)
    start = plain[:1000].lstrip(b" \t\r\n")
    read: Callable[[bytes], Report]
    read = tlsrpt.read if start.startswith((b"{", b"\xef\xbb\xbf{")) else aggregate.read
    return read(plain)


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about, of whatever kind."""

    kind: str
    organization: str
    report_id: str
    domain: str
    begin: int
    end: int


def about(report: Report) -> About:
    """Say what a report is about."""
    aggregate_ = isinstance(report, Aggregate)
    domain = report.published.domain if isinstance(report, Aggregate) else report.domain
    kind = "dmarc" if aggregate_ else "tls"
    return About(kind, report.organization, report.report_id, domain, report.begin, report.end)
