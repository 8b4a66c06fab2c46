"""A TLS report as a value (RFC 8460 §4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Sessions that failed in one way; `kind` is a result type of RFC 8460 §4.3."""

    kind: str
    sessions: int
    sending_ip: str = ""
    receiving_host: str = ""
    receiving_ip: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What became of the sessions under one policy: `kind` is `sts`, `tlsa` or `no-policy-found`.

    `succeeded` and `failed` are numbers of sessions; `strings` are the policy as it was read, where
    the report is our own.
    """

    kind: str
    domain: str
    succeeded: int
    failed: int
    hosts: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    strings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TlsReport:
    """One report. `begin` and `end` are in seconds since the epoch."""

    organization: str
    contact: str
    report_id: str
    begin: int
    end: int
    policies: tuple[TlsPolicy, ...]

    @property
    def domain(self) -> str:
        """The domain that it is about: that of a policy, first of one that is not a host's."""
        theirs = (policy.domain for policy in self.policies if policy.kind != "tlsa")
        return next(theirs, self.policies[0].domain)
