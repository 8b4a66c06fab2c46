"""Adding an ARC set to a message that is passed on (RFC 8617 §5.1).

It is done last, after everything else that changes the message. What this server found when the
message came goes into the set, and so does what it found of the chain.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ulak.checks.arc.chain import MESSAGE, MOST, RESULTS, SEAL, collect
from ulak.checks.arc.finding import Finding, Result
from ulak.checks.dkim.canonical import Form, field
from ulak.checks.dkim.finding import Limits
from ulak.checks.dkim.hashing import BodyHashes
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.dkim.signing import OVERSIGNED, SIGNED, Key, Signer
from ulak.checks.results.resinfo import Resinfo
from ulak.checks.results.told import told
from ulak.checks.results.write import folded, payload

_PIECE = 70  # characters of base64 on a line
_NEVER = frozenset(
    {"authentication-results", RESULTS.lower(), MESSAGE.lower(), SEAL.lower()}
)  # §4.1.2: to be signed by none


@dataclass(frozen=True)
class Sealer:
    """How messages are sealed: with one key, in the name of one server.

    `signed` and `oversigned` are names of fields as `dkim.Signer` has them; fields of ARC and
    Authentication-Results are left out.
    """

    key: Key
    authserv_id: str
    signed: Sequence[str] = (*SIGNED, "dkim-signature")
    oversigned: Sequence[str] = OVERSIGNED

    def begin(self, header: bytes) -> Sealing:
        """Begin with a header (all before the empty line) as it goes out; its body is fed then."""
        return Sealing(self, header)

    def seal(
        self, header: bytes, body: bytes, finding: Finding, resinfos: Iterable[Resinfo], now: float
    ) -> bytes:
        """Give the fields to be put on top of a message that is at hand."""
        sealing = self.begin(header)
        sealing.feed(body)
        return sealing.finish(finding, resinfos, now)


class Sealing:
    """One message that is being sealed."""

    __slots__ = ("_bodies", "_chain", "_header", "_sealer")

    def __init__(self, sealer: Sealer, header: bytes) -> None:
        self._sealer = sealer
        self._header = SignedHeader(header)
        self._chain = collect(self._header, Limits())
        self._bodies = BodyHashes([(Form.RELAXED, None)])

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, in pieces of any size."""
        self._bodies.feed(chunk)

    def finish(
        self, finding: Finding, resinfos: Iterable[Resinfo], now: float, *, utf8: bool = False
    ) -> bytes:
        """Say that the body is at its end; give the three fields, each with CRLF, to put on top.

        `finding` is of the chain as the message came, and is told in the set where `resinfos` do
        not. Nothing is given where nothing may be added: the chain was given up before (§5.1 step
        2), or has as many sets as it can (§4.2.1).
        """
        self._bodies.finish()
        instance = self._chain.highest + 1
        if self._chain.given_up or instance > MOST:
            return b""
        said = list(resinfos)
        if not any(one.method == "arc" for one in said):
            said += told(arc=finding)
        first = payload(self._sealer.authserv_id, said, utf8=utf8, first=f"i={instance};")
        results = f"{RESULTS}:".encode() + first + b"\r\n"
        message = self._message(instance, now)
        cv = self._status(finding)
        before = self._sealed() if cv is not Result.FAIL else b""
        new = field(results, Form.RELAXED) + field(message, Form.RELAXED)
        key = self._sealer.key
        tags = [
            f"i={instance};",
            f"a={key.algorithm};",
            f"cv={cv};",
            f"d={key.domain};",
            f"s={key.selector};",
            f"t={int(now)};",
        ]
        seal = _signed(key, f"{SEAL}:", [tags], before + new)
        return seal + message + results

    def _status(self, finding: Finding) -> Result:
        """Give what the seal says of the sets before it: no chain passes that has no structure."""
        if self._chain.fault is not None:
            return Result.FAIL
        if finding.result is Result.NONE and self._chain.links:
            return Result.FAIL
        return finding.result

    def _sealed(self) -> bytes:
        """Give the sets that are there, in the order in which they are hashed (§5.1.1)."""
        places = [place for link in self._chain.links for place in link.places]
        return self._header.octets(places, Form.RELAXED)

    def _message(self, instance: int, now: float) -> bytes:
        """Make the ARC-Message-Signature (§4.1.2)."""
        digest = self._bodies.digest(Form.RELAXED)
        assert digest is not None  # noqa: S101 -- the whole body always has a hash
        key = self._sealer.key
        rule = Signer((key,), self._sealer.signed, self._sealer.oversigned)
        names: list[str] = []
        for octets, more in rule.chosen:
            name = octets.decode("ascii")
            if name not in _NEVER:
                names += [name] * (len(self._header.places(octets)) + more)
        covered = self._header.octets(self._header.selected(names), Form.RELAXED)
        tags = [
            f"i={instance};",
            f"a={key.algorithm};",
            "c=relaxed/relaxed;",
            f"d={key.domain};",
            f"s={key.selector};",
            f"t={int(now)};",
        ]
        listed = [f"{name}:" for name in names[:-1]] + [f"{names[-1]};"]
        listed[0] = "h=" + listed[0]
        body = [f"bh={base64.b64encode(digest).decode('ascii')};"]
        return _signed(key, f"{MESSAGE}:", [tags, listed, body], covered)


def _signed(key: Key, start: str, groups: list[list[str]], covered: bytes) -> bytes:
    """Write a field whose last tag signs what it covers, and the field itself without that tag."""
    unsigned = (start + folded([*groups, ["b="]], len(start))).encode()
    octets = covered + field(unsigned + b"\r\n", Form.RELAXED).removesuffix(b"\r\n")
    text = base64.b64encode(key.sign(octets))
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return unsigned + b"\r\n  ".join(pieces) + b"\r\n"
