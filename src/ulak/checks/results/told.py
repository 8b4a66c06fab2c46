"""What the checks found, in the words of the registry of email authentication methods.

RFC 8601 §2.7 and §6 (spf, dkim, iprev, auth), RFC 6008 (header.b), RFC 8617 §10 (arc,
header.s), RFC 9989 §9.2 and RFC 7489 §11 (dmarc). The plausibility of a greeting is no registered
method, and so is not told here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ulak.checks.reason import Reason
from ulak.checks.results.resinfo import Property, Resinfo


class _Found(Protocol):
    """What every finding has. `result` is a word of the registry."""

    @property
    def result(self) -> str:
        """The word of the registry."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The steps, in their order."""


class Spf(_Found, Protocol):
    """A finding of `checks.spf`."""

    @property
    def identity(self) -> str:
        """Which identity it is about."""

    @property
    def domain(self) -> str:
        """The domain that was asked, or that signed."""

    @property
    def helo(self) -> str:
        """What the client greeted with."""

    @property
    def mail_from(self) -> str:
        """The sender that the client named."""


class Dkim(_Found, Protocol):
    """A finding of `checks.dkim`."""

    @property
    def domain(self) -> str:
        """The domain that was asked, or that signed."""

    @property
    def selector(self) -> str:
        """Which key of the domain."""

    @property
    def identity(self) -> str:
        """Which identity it is about."""

    @property
    def algorithm(self) -> str:
        """The algorithm, as a= has it."""

    @property
    def signature(self) -> str:
        """As much of b= as tells it from the others (RFC 6008 §3)."""


class Dmarc(_Found, Protocol):
    """A finding of `checks.dmarc`."""

    @property
    def from_domain(self) -> str:
        """The domain of the author."""

    @property
    def policy(self) -> str:
        """What its owner asks for this mail."""


class Arc(_Found, Protocol):
    """A finding of `checks.arc`."""

    @property
    def oldest_pass(self) -> int | None:
        """From which set on the message is untouched."""


class Iprev(_Found, Protocol):
    """A finding of `checks.iprev`."""

    @property
    def ip(self) -> str:
        """The client's address."""


def told(
    *,
    spf: Spf | Iterable[Spf] | None = None,
    dkim: Iterable[Dkim] | None = None,
    dmarc: Dmarc | None = None,
    arc: Arc | None = None,
    iprev: Iprev | None = None,
    auth: str = "",
    mail_from: str = "",
    ip: str = "",
) -> tuple[Resinfo, ...]:
    """Tell what was found, method by method; what was not checked is not told.

    `dkim` are the findings of all signatures; without any, the message was not signed.
    `auth` is the login of a client that proved who it is, `mail_from` the sender it named (§2.7.4).
    `ip` is the client's address, which ARC wants to be passed on (RFC 8617 §7.2).
    """
    said: list[Resinfo] = []
    if auth:
        proven = [Property("smtp", "auth", auth)]
        if mail_from:
            proven.append(Property("smtp", "mailfrom", mail_from))
        said.append(Resinfo("auth", "pass", tuple(proven)))
    if iprev is not None:
        where = (Property("policy", "iprev", iprev.ip),)
        said.append(Resinfo("iprev", iprev.result, where, comment=_last(iprev.reasons)))
    if spf is not None:
        said += [_spf(one) for one in (spf if isinstance(spf, Iterable) else (spf,))]
    if dkim is not None:
        said += [_dkim(one) for one in dkim] or [Resinfo("dkim", "none")]
    if dmarc is not None:
        said.append(_dmarc(dmarc))
    if arc is not None:
        said.append(_arc(arc, ip))
    return tuple(said)


def _spf(finding: Spf) -> Resinfo:
    """RFC 8601 §2.7.2: the identity that was judged, and of a sender what there is of it."""
    if finding.identity == "helo":
        one = Property("smtp", "helo", finding.helo or finding.domain)
    else:
        one = Property("smtp", "mailfrom", finding.mail_from or finding.domain)
    properties = (one,) if one.value else ()
    return Resinfo("spf", finding.result, properties, comment=_last(finding.reasons))


def _dkim(finding: Dkim) -> Resinfo:
    """RFC 8601 §2.7.1: which signature, and whose."""
    known = (
        ("d", finding.domain),
        ("i", finding.identity),
        ("a", finding.algorithm),
        ("s", finding.selector),
        ("b", finding.signature),
    )
    properties = tuple(Property("header", name, text) for name, text in known if text)
    return Resinfo("dkim", finding.result, properties, comment=_last(finding.reasons))


def _dmarc(finding: Dmarc) -> Resinfo:
    """Tell the author's domain; `policy.dmarc` is what its owner asks for this mail."""
    known = (
        Property("header", "from", finding.from_domain),
        Property("policy", "dmarc", finding.policy),
    )
    properties = tuple(one for one in known if one.value)
    return Resinfo("dmarc", finding.result, properties, comment=_last(finding.reasons))


def _arc(finding: Arc, ip: str) -> Resinfo:
    """RFC 8617 §7.2: where the mail came from, and how far back the message is untouched."""
    known = [Property("smtp", "remote-ip", ip)] if ip else []
    if finding.oldest_pass is not None:
        known.append(Property("header", "oldest-pass", str(finding.oldest_pass)))
    return Resinfo("arc", finding.result, tuple(known), comment=_last(finding.reasons))


def _last(reasons: tuple[Reason, ...]) -> str:
    """Give the sentence of the step that decided: reasons are in the order of what happened."""
    return reasons[-1].text() if reasons else ""
