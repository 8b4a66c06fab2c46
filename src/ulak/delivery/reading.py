"""A queued message read from its file, piece by piece, and made ready for the wire."""

from __future__ import annotations

from pathlib import Path

from ulak.smtp.client import Encoder, Mender

_PIECE = 65_536  # octets


class WrongSizeError(Exception):
    """The file has not the size that it should have: what came so far must never be ended.

    The server would take a part of a message for all of it.
    """

    def __str__(self) -> str:
        """Say so."""
        return "its file has not the size that it should have"


class Reading:
    """One message on its way out of its file. `coder` None sends it as it is.

    Reading blocks, but from the page cache mostly. Raises OSError.
    """

    def __init__(self, path: Path, size: int, coder: Encoder | Mender | None) -> None:
        self.left = size
        self._coder = coder
        self._file = path.open("rb")

    def next(self) -> tuple[bytes, bool]:
        """Give the next octets for the wire, and whether they are the last ones.

        Raises OSError and WrongSizeError.
        """
        piece = self._file.read(_PIECE)
        self.left -= len(piece)
        last = self.left == 0 and not self._file.read(1)
        if self.left < 0 or not (last or (piece and self.left)):
            raise WrongSizeError
        if self._coder is None:
            return piece, last
        octets = self._coder.feed(piece)
        return (octets + self._coder.end(), True) if last else (octets, False)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
