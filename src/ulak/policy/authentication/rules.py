"""Which checks are made, and what follows from each."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Mode(StrEnum):
    """What is done with what a check finds."""

    OFF = "off"  # it is not made, or only for another check that needs it, and not told
    MARK = "mark"  # it is told, and nothing else follows
    ENFORCE = "enforce"  # mail can be refused, put off or put apart for it


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator wants of the checks.

    `author_signs`: with DKIM enforced, the signature has to be of the author's domain. Mail with
    an intact ARC chain whose sealers are all in `trusted` (domains in lower case) is not held to
    its DMARC failure. `one_pass` refuses mail that neither SPF nor DKIM vouches for. `exempt` are
    networks whose mail is not checked. `authserv_id` is our name in Authentication-Results;
    `received_spf` writes Received-SPF, too; `seals` adds an ARC set to what is passed on. All
    checks of one message together may take `patience` seconds.
    """

    authserv_id: str
    spf: Mode = Mode.MARK
    dkim: Mode = Mode.MARK
    dmarc: Mode = Mode.ENFORCE
    arc: Mode = Mode.MARK
    iprev: Mode = Mode.MARK
    helo: Mode = Mode.MARK
    author_signs: bool = False
    one_pass: bool = False
    trusted: frozenset[str] = frozenset()
    received_spf: bool = False
    seals: bool = False
    exempt: tuple[Network, ...] = ()
    patience: float = 30.0

    @property
    def needs_spf(self) -> bool:
        """Whether SPF is to be asked: DMARC cannot do without it (RFC 9989 §4.4.2)."""
        return self.spf is not Mode.OFF or self.dmarc is not Mode.OFF or self.one_pass

    @property
    def needs_dkim(self) -> bool:
        """Whether signatures are to be verified, likewise."""
        return self.dkim is not Mode.OFF or self.dmarc is not Mode.OFF or self.one_pass

    @property
    def needs_arc(self) -> bool:
        """Whether chains of seals are to be verified."""
        overrides = self.dmarc is Mode.ENFORCE and bool(self.trusted)
        return self.arc is not Mode.OFF or overrides or self.seals

    @property
    def any(self) -> bool:
        """Whether there is anything to check at all."""
        modes = (self.spf, self.dkim, self.dmarc, self.arc, self.iprev, self.helo)
        return self.one_pass or any(mode is not Mode.OFF for mode in modes)
