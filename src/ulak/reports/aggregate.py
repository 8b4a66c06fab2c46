"""An aggregate report as a value, whoever made it (RFC 9990 §3.1.1; before it RFC 7489 §7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.reports.observation import Sender, Signature


@dataclass(frozen=True, slots=True)
class Published:
    """The policy that the report's author has found at `domain`; `""` for what is not said.

    `discovery` is `psl` or `treewalk`; `percent` stands in reports of RFC 7489 alone.
    """

    domain: str
    p: str = ""
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: str = ""
    testing: str = ""
    discovery: str = ""
    percent: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """One `reason`: a word of RFC 9990 §3.1.6 (or of RFC 7489), and a comment for a person."""

    why: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One `record`: messages from one address that went the same way.

    `dkim` and `spf` are `pass` or `fail`, of an identifier that is aligned. `envelope_from` is
    None where nothing is said of it, and `""` for the null reverse-path.
    """

    ip: str
    count: int
    disposition: str
    dkim: str
    spf: str
    from_domain: str
    envelope_from: str | None = None
    envelope_to: str = ""
    notes: tuple[Note, ...] = ()
    signatures: tuple[Signature, ...] = ()
    senders: tuple[Sender, ...] = ()  # RFC 9990 has one, and RFC 7489 any number

    @property
    def passed(self) -> bool:
        """Whether DMARC passed."""
        return "pass" in (self.dkim, self.spf)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One report. `begin` and `end` are in seconds since the epoch."""

    organization: str
    email: str
    report_id: str
    begin: int
    end: int
    published: Published
    rows: tuple[Row, ...]
    contact: str = ""
    errors: tuple[str, ...] = ()
    generator: str = ""

    @property
    def messages(self) -> int:
        """How many messages it counts."""
        return sum(row.count for row in self.rows)
