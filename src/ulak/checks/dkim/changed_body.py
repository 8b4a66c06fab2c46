"""How a body was changed on its way, where that can be told (RFC 6376 §8.2 and experience).

The hash in bh= is all that is left of the body as it was. What mailing lists, gateways and old
servers do to a body is undone here, one change at a time, and hashed: where the hash is the one
that was signed, it was that. The work is in proportion to the body, and small for a large one.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ulak.checks.dkim.canonical import Form, body
from ulak.checks.dkim.finding import Finding
from ulak.checks.dkim.hashing import BodyHash
from ulak.checks.reason import Reason, because
from ulak.mail.message import first

_PIECE = 1 << 16
_TAIL = 1 << 16  # octets before the end in which something added is looked for
_MOST_LINES = 4096  # ends of lines that are tried there
_BANNER = 8  # lines at the beginning that may be a banner
# Only where a run begins, so that a long one is read once.
_TRAILING = re.compile(rb"(?<![ \t])[ \t]++(?=\r\n)")

Undo = Callable[[bytes], bytes]


class ChangedBody:
    """Goes over a body again, for signatures whose body hash did not fit.

    `wanted` has for the findings, by their places, the form and the hash that was signed; `most`
    are the octets up to which a body is tried in all ways, a longer one only for what was added
    at its end.
    """

    def __init__(self, header: bytes, wanted: Mapping[int, tuple[Form, bytes]], most: int) -> None:
        self._places = wanted
        self._wanted = set(wanted.values())
        self._forms = list(dict.fromkeys(form for form, _ in wanted.values()))
        self._tails = {form: _Tail(form) for form in self._forms}
        undoings = _undoings(header)
        self._ways = [_Way(why, undo, form) for form in self._forms for why, undo in undoings]
        if Form.SIMPLE in self._forms:
            self._ways.append(_Way(because("dkim.white-space"), bytes, Form.RELAXED, Form.SIMPLE))
        self._converted = first(header, "X-MIME-Autoconverted")
        self._left = most
        self._held = bytearray()
        self._begun = False

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, the same as before."""
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            for tail in self._tails.values():
                tail.feed(piece)
            self._undo(piece)

    def explain(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Say that the body is at its end; give the findings with what was found out."""
        found = self._found()
        explained = list(findings)
        for place, wanted in self._places.items():
            reason = found.get(wanted)
            if reason is None and self._converted:
                reason = because("dkim.autoconverted", how=self._converted)
            if reason is not None:
                reasons = (*findings[place].reasons, reason)
                explained[place] = replace(findings[place], reasons=reasons)
        return tuple(explained)

    def _found(self) -> dict[tuple[Form, bytes], Reason]:
        self._pass(bytes(self._held))
        found: dict[tuple[Form, bytes], Reason] = {}
        for way in self._ways if self._left >= 0 else ():
            wanted = way.of, way.digest()
            if wanted in self._wanted:
                found.setdefault(wanted, way.reason)
        for form, tail in self._tails.items():
            hashes = {digest for of, digest in self._wanted - found.keys() if of is form}
            for digest, reason in tail.added(hashes):
                found.setdefault((form, digest), reason)
        return found

    def _undo(self, piece: bytes) -> None:
        """Hand on whole lines, so that no change is cut in two."""
        if self._left < 0:
            return
        self._held += piece
        if len(self._held) < 2 * _PIECE:
            return
        # The line end stays with what follows, and so does space or a soft break before it.
        end = self._held.rfind(b"\r\n")
        end = len(self._held[: max(end, 0)].rstrip(b" \t="))
        end = end if end >= _PIECE else len(self._held)
        self._pass(bytes(self._held[:end]))
        del self._held[:end]

    def _pass(self, lines: bytes) -> None:
        if not self._begun and lines:
            self._begun = True
            self._ways += _banners(lines, self._forms)
        self._left -= len(lines)
        if self._left >= 0:
            for way in self._ways:
                way.feed(lines)


class _Way:
    """One change undone, in one form; `of` is the form of the signatures that it explains."""

    def __init__(self, reason: Reason, undo: Undo, form: Form, of: Form | None = None) -> None:
        self.reason = reason
        self.of = of or form
        self._undo = undo
        self._hash = BodyHash(form)

    def feed(self, lines: bytes) -> None:
        self._hash.feed(self._undo(lines))

    def digest(self) -> bytes:
        self._hash.finish()
        digest = self._hash.digest()
        assert digest is not None  # noqa: S101 -- the whole body always has a hash
        return digest


class _Without:
    """Leaves the first octets out."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    def __call__(self, lines: bytes) -> bytes:
        cut, self._left = self._left, max(self._left - len(lines), 0)
        return lines[cut:]


def _banners(lines: bytes, forms: Iterable[Form]) -> list[_Way]:
    """Try without the first lines, one more each time."""
    ways: list[_Way] = []
    at = 0
    for number in range(1, _BANNER + 1):
        at = lines.find(b"\r\n", at) + 2
        if at < 2:  # noqa: PLR2004 -- not found
            break
        reason = because("dkim.banner", lines=number)
        ways += [_Way(reason, _Without(at), form) for form in forms]
    return ways


def _undoings(header: bytes) -> list[tuple[Reason, Undo]]:
    """Give what is undone, each with what is said of it."""
    undoings: list[tuple[Reason, Undo]] = [
        (because("dkim.line-ends"), _lf),
        (because("dkim.bare-line-ends"), _crlf),
        (because("dkim.white-space"), lambda lines: _TRAILING.sub(b"", lines)),
        (because("dkim.dots"), lambda lines: lines.replace(b"\r\n..", b"\r\n.")),
        (because("dkim.from-mangled"), lambda lines: lines.replace(b"\r\n>From ", b"\r\nFrom ")),
    ]
    encoding = first(header, "Content-Transfer-Encoding").lower()
    if encoding == "quoted-printable":
        undoings.append((because("dkim.re-encoded", encoding=encoding), _quoted_printable))
    elif encoding == "base64":
        undoings.append((because("dkim.re-encoded", encoding=encoding), _Base64()))
    return undoings


def _lf(lines: bytes) -> bytes:
    return lines.replace(b"\r\n", b"\n")


def _crlf(lines: bytes) -> bytes:
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _quoted_printable(lines: bytes) -> bytes:
    return binascii.a2b_qp(lines)


class _Base64:
    """Decodes lines of base64; of what is none, what can be decoded."""

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, lines: bytes) -> bytes:
        text = self._rest + lines.translate(None, b" \t\r\n")
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        try:
            return binascii.a2b_base64(text[:whole])
        except binascii.Error:
            return b""


class _Tail:
    """Hashes a body and keeps its end, to try what the hash is without the last lines."""

    def __init__(self, form: Form) -> None:
        self._body = body(form)
        self._hash = hashlib.sha256()  # up to where the kept octets begin
        self._kept = bytearray()

    def feed(self, piece: bytes) -> None:
        for octets in self._body.feed(piece):
            self._keep(octets)

    def added(self, wanted: set[bytes]) -> Iterable[tuple[bytes, Reason]]:
        """Finish; give the wanted hashes that fit a shorter body, and what was added to it."""
        for octets in self._body.finish():
            self._keep(octets)
        if not wanted:
            return
        # A part that was added stands before the last boundary of all.
        last = bytes(self._kept[self._kept.rfind(b"\r\n", 0, -2) + 2 :])
        closing = last if last.startswith(b"--") and last.endswith(b"--\r\n") else b""
        start, lines = 0, 0
        while lines < _MOST_LINES and (end := self._kept.find(b"\r\n", start) + 2) > 1:
            if closing and self._kept.startswith(closing[:-4] + b"\r\n", start):
                yield from self._fits(wanted, closing, len(self._kept) - start)
            self._hash.update(self._kept[start:end])
            start, lines = end, lines + 1
            yield from self._fits(wanted, b"", len(self._kept) - start)

    def _fits(
        self, wanted: set[bytes], closing: bytes, octets: int
    ) -> Iterable[tuple[bytes, Reason]]:
        trial = self._hash.copy()
        trial.update(closing)
        digest = trial.digest()
        if digest in wanted:
            if closing:
                yield digest, because("dkim.part-added", octets=octets)
            else:
                yield digest, because("dkim.footer", octets=octets)

    def _keep(self, octets: bytes) -> None:
        self._kept += octets
        if len(self._kept) > 2 * _TAIL:
            self._hash.update(self._kept[:-_TAIL])
            del self._kept[:-_TAIL]
