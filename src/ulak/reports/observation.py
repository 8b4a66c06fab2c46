"""What one judged message tells a domain owner who asked for reports (RFC 9990 §3.1.1).

An observation is all that the reports need to know of a message. Whoever judged it hands it to a
`Collector` and goes on; nobody waits for a report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Disposition(StrEnum):
    """What was done with the message because of DMARC."""

    NONE = "none"  # nothing: it failed, and was let through
    PASS = "pass"  # noqa: S105 -- the word of RFC 9990: nothing, it passed
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Override(StrEnum):
    """Why something else was done than the domain's owner asks for."""

    LOCAL_POLICY = "local_policy"
    MAILING_LIST = "mailing_list"
    OTHER = "other"
    POLICY_TEST_MODE = "policy_test_mode"  # the owner's own t=y
    TRUSTED_FORWARDER = "trusted_forwarder"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One reason for another disposition; `comment` is for a person."""

    why: Override
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What DKIM found of one signature: `result` is a word of RFC 8601 §2.7.1."""

    domain: str
    selector: str
    result: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """What SPF found of the MAIL FROM identity: `result` is a word of RFC 8601 §2.7.2."""

    domain: str
    result: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One message that had a DMARC record to be judged by.

    `time` is in seconds since the epoch. `record` is the text of the DMARC record, `record_domain`
    the domain at which it was found, without `_dmarc.`, and `organizational_domain` the one of the
    author's domain. `envelope_from` is the domain of MAIL FROM, `""` for the null reverse-path.
    `recipients` are addresses in wire form. `header` is the message's header as it came, for who
    has asked for failure reports, and `message` its id in the journal; neither goes into an
    aggregate report.
    """

    time: float
    record_domain: str
    record: str
    from_domain: str
    ip: str
    disposition: Disposition
    dkim_aligned: bool
    spf_aligned: bool
    organizational_domain: str = ""
    envelope_from: str = ""
    recipients: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    sender: Sender | None = None
    deviations: tuple[Deviation, ...] = ()
    header: bytes = field(default=b"", repr=False)
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether DMARC passed."""
        return self.dkim_aligned or self.spf_aligned


class Collector(Protocol):
    """Who remembers observations until they are reported."""

    def note(self, observation: Observation) -> None:
        """Remember one. Never waits and never raises: mail goes on without its reports."""


class Several:
    """Hands observations to several collectors."""

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._collectors = tuple(collectors)

    def note(self, observation: Observation) -> None:
        """Hand it on."""
        for collector in self._collectors:
            collector.note(observation)
