"""Who signs outgoing mail: by the domain of its author, with all keys of it that sign now.

The domain is the one of the author in From, or, where that one has no key, the next above it that
has: such a signature still speaks for the author where DMARC compares relaxedly (RFC 9989
§4.4). What has a signature of ours already gets none of the same selector again, and what names
its authors in no way, or twice, gets none at all (RFC 6376 §8.15).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ulak.checks.dkim import signing as dkim
from ulak.dns.names import to_ascii
from ulak.keys.key import DkimKey
from ulak.keys.ring import KeyRing
from ulak.mail.mailboxes import mailboxes
from ulak.mail.message import split, unfold, values

_SPACE = re.compile(r"\s+")
_LABELS = 10  # of a name whose parents are looked at
_SIGNERS = 1000  # that are kept


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is signed. `signed` and `oversigned` are names of fields, `lifetime` seconds or 0.

    `parents`: a key of a domain above the author's does.
    """

    signed: Sequence[str] = dkim.SIGNED
    oversigned: Sequence[str] = dkim.OVERSIGNED
    lifetime: int = 0
    parents: bool = True


class Signing:
    """One message that is being signed: first its header, then its body as it comes."""

    __slots__ = ("_clock", "_signer", "_signing", "domain", "header", "selectors")

    def __init__(
        self, signer: dkim.Signer, domain: str, header: bytes, clock: Callable[[], float]
    ) -> None:
        self.domain = domain
        self.selectors = tuple(key.selector for key in signer.keys)
        self.header = header
        self._signer = signer
        self._signing = signer.begin(header)
        self._clock = clock

    @property
    def size(self) -> int:
        """How many octets the fields will have: their length is known before the body is."""
        return len(self._signer.begin(self.header).finish(self._clock()))

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, all after the empty line."""
        self._signing.feed(chunk)

    def finish(self) -> bytes:
        """Give the fields that go on top of the message."""
        return self._signing.finish(self._clock())


@dataclass(frozen=True)
class Signatory:
    """Signs with the keys of a ring."""

    ring: KeyRing
    clock: Callable[[], float]
    manner: Manner = field(default_factory=Manner)
    _signers: dict[tuple[DkimKey, ...], dkim.Signer] = field(default_factory=dict, repr=False)

    def begin(self, header: bytes) -> Signing | None:
        """Begin with the header of a message; None where nothing of ours is to be signed.

        Raises KeysError where there should be a key and is none that can be used.
        """
        if not self.ring.ready:
            return None
        for domain in _authors(header):
            found = self._keys(domain)
            if found:
                break
        else:
            return None
        there = _signatures(header)
        keys = tuple(key for key in found if (key.domain, key.selector) not in there)
        if not keys:
            return None
        return Signing(self._signer(keys), keys[0].domain, header, self.clock)

    def sign(self, message: bytes) -> bytes:
        """Give the fields that go on top of a whole message, `b""` for none. Raises KeysError."""
        header, body = split(message)
        signing = self.begin(header)
        if signing is None:
            return b""
        signing.feed(body)
        return signing.finish()

    def _keys(self, domain: str) -> tuple[DkimKey, ...]:
        labels = domain.split(".")
        most = min(len(labels) - 1, _LABELS) if self.manner.parents else 1
        for number in range(max(most, 1)):
            found = self.ring.signing(".".join(labels[number:]))
            if found:
                return found
        return ()

    def _signer(self, keys: tuple[DkimKey, ...]) -> dkim.Signer:
        """Give what signs with keys; it is made once, and not for every message."""
        made = self._signers.get(keys)
        if made is not None:
            return made
        if len(self._signers) >= _SIGNERS:
            self._signers.clear()
        manner = self.manner
        made = self._signers[keys] = dkim.Signer(
            [dkim.Key(key.domain, key.selector, key.private) for key in keys],
            signed=manner.signed,
            oversigned=manner.oversigned,
            lifetime=manner.lifetime,
        )
        return made


def _authors(header: bytes) -> list[str]:
    """Give the domains of the authors as DNS has them, in their order."""
    found = values(header, "From")
    if len(found) != 1:
        return []
    named = mailboxes(found[0]) or ()
    domains = (to_ascii(each.domain) for each in named if not each.literal)
    return list(dict.fromkeys(domain for domain in domains if domain))


def _signatures(header: bytes) -> set[tuple[str, str]]:
    """Give domain and selector of the signatures that a header has."""
    found = set()
    for value in values(header, "DKIM-Signature"):
        tags = {
            name.strip(): _SPACE.sub("", text)
            for name, _, text in (part.partition("=") for part in unfold(value).split(";"))
        }
        domain, selector = (to_ascii(tags.get(tag, "")) or "" for tag in ("d", "s"))
        found.add((domain, selector))
    return found
