"""The hash of a body (RFC 6376 §3.7): one pass for each form, at every length that is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ulak.checks.dkim.canonical import Form, body


class BodyHash:
    """SHA-256 of a body in one form: of all of it, and of its first octets where `l=` says so.

    `total` are the octets of the form so far.
    """

    __slots__ = ("_body", "_digests", "_hash", "_lengths", "total")

    def __init__(self, form: Form, lengths: Iterable[int | None] = ()) -> None:
        self._body = body(form)
        self._hash = hashlib.sha256()
        # The shortest last, where it is taken from.
        self._lengths = sorted({n for n in lengths if n is not None}, reverse=True)
        self._digests: dict[int | None, bytes] = {}
        self.total = 0

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, in pieces of any size."""
        for piece in self._body.feed(chunk):
            self._add(piece)

    def finish(self) -> None:
        """Say that the body is at its end."""
        for piece in self._body.finish():
            self._add(piece)
        self._note()
        self._digests[None] = self._hash.digest()

    def digest(self, length: int | None = None) -> bytes | None:
        """Give the hash of so many octets; None where the body has fewer."""
        return self._digests.get(length)

    def _add(self, piece: bytes) -> None:
        while self._lengths and self._lengths[-1] <= self.total + len(piece):
            self._note()
            if not self._lengths or self._lengths[-1] > self.total + len(piece):
                break
            cut = self._lengths[-1] - self.total
            self._hash.update(piece[:cut])
            piece = piece[cut:]
            self.total += cut
            self._note()
        self._hash.update(piece)
        self.total += len(piece)

    def _note(self) -> None:
        """Keep the hash if it is wanted at this very place."""
        if self._lengths and self._lengths[-1] == self.total:
            self._digests[self._lengths.pop()] = self._hash.digest()


class BodyHashes:
    """The hashes that several signatures want of one body, each form hashed once."""

    __slots__ = ("_hashes",)

    def __init__(self, wanted: Iterable[tuple[Form, int | None]]) -> None:
        lengths: dict[Form, list[int | None]] = {}
        for form, length in wanted:
            lengths.setdefault(form, []).append(length)
        self._hashes = {form: BodyHash(form, of) for form, of in lengths.items()}

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body."""
        for one in self._hashes.values():
            one.feed(chunk)

    def finish(self) -> None:
        """Say that the body is at its end."""
        for one in self._hashes.values():
            one.finish()

    def digest(self, form: Form, length: int | None = None) -> bytes | None:
        """Give the hash of so many octets; None where the body has fewer."""
        return self._hashes[form].digest(length)

    def total(self, form: Form) -> int:
        """Give how many octets the body has in a form."""
        return self._hashes[form].total
