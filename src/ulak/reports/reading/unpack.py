"""What is in a gzip or zip file, and never more of it than a report may have.

A bomb shows by what it grows to: the octets that come out are counted while they come out, against
a limit of their own and against those that went in.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from ulak.reports.reading.trouble import Trouble, UnreadableError

PACKED = 10_000_000  # octets of a file as it comes
UNPACKED = 25_000_000  # octets of a report
_RATIO = 200  # XML of a thousand equal records packs to a fiftieth or so
_RATIO_FROM = 2_000_000  # octets below which the ratio is nobody's concern
_PIECE = 262_144
_MEMBERS = 16  # of a gzip file (RFC 1952 §2.2), of which a sane one has one
_ENTRIES = 64  # files in a zip: a report, and what archivers of desktops put beside it
_ENTRY = b"PK\x01\x02"  # begins an entry of the directory, which is what takes memory
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_NAMES = (".xml", ".json")


def packed(octets: bytes) -> bool:
    """Whether this is a gzip or zip file by its first octets."""
    return octets.startswith((_GZIP, _ZIP))


def unpack(octets: bytes) -> bytes:
    """Give what is in a gzip or zip file, or the octets themselves where they are neither.

    Raises UnreadableError.
    """
    if len(octets) > PACKED and packed(octets):
        raise UnreadableError(Trouble.TOO_LARGE, str(len(octets)))
    if octets.startswith(_GZIP):
        return _gunzip(octets)
    if octets.startswith(_ZIP):
        return _unzip(octets)
    if len(octets) > UNPACKED:
        raise UnreadableError(Trouble.TOO_LARGE, str(len(octets)))
    return octets


class _Pieces:
    """What has come out so far of so many octets."""

    def __init__(self, size: int) -> None:
        self._limit = min(UNPACKED, max(_RATIO_FROM, _RATIO * size))
        self._whole = size * _RATIO >= UNPACKED
        self._pieces: list[bytes] = []
        self._has = 0

    def take(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._has += len(piece)
        if self._has > self._limit:
            trouble = Trouble.TOO_LARGE if self._whole else Trouble.BOMB
            raise UnreadableError(trouble, str(self._limit))

    def joined(self) -> bytes:
        return b"".join(self._pieces)


def _gunzip(octets: bytes) -> bytes:
    pieces = _Pieces(len(octets))
    rest = octets
    for _ in range(_MEMBERS):
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            while not reader.eof and rest:
                pieces.take(reader.decompress(rest, _PIECE))
                rest = reader.unconsumed_tail
        except zlib.error as error:
            raise UnreadableError(Trouble.ARCHIVE) from error
        if not reader.eof:
            raise UnreadableError(Trouble.ARCHIVE)
        rest = reader.unused_data
        if not rest.startswith(_GZIP):
            return pieces.joined()  # what follows the last member is nobody's
    raise UnreadableError(Trouble.MANY_FILES, str(_MEMBERS))


def _unzip(octets: bytes) -> bytes:
    # Counted before the library makes an object of each.
    if octets.count(_ENTRY) > _ENTRIES:
        raise UnreadableError(Trouble.MANY_FILES, str(_ENTRIES))
    pieces = _Pieces(len(octets))
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            with archive.open(_only(archive)) as file:
                while piece := file.read(_PIECE):
                    pieces.take(piece)
            return pieces.joined()
    # What the library raises of broken files is not one thing; an encrypted one is a RuntimeError
    # to it (and what it does not know a NotImplementedError, which is one).
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError) as error:
        raise UnreadableError(Trouble.ARCHIVE) from error
    except (RuntimeError, ValueError, OverflowError) as error:
        raise UnreadableError(Trouble.ARCHIVE) from error


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [info for info in archive.infolist() if _is_report(info.filename)]
    if len(files) != 1:
        trouble = Trouble.MANY_FILES if files else Trouble.NO_REPORT
        raise UnreadableError(trouble, str(len(files)))
    if files[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError(Trouble.ARCHIVE)
    return files[0]


def _is_report(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.lower().endswith(_NAMES) and not last.startswith("._")
