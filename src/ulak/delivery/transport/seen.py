"""What a session tells the owner of a domain who wants reports about TLS (RFC 8460 §4)."""

from __future__ import annotations

from ulak.delivery.demands import Demands
from ulak.delivery.target import Host, Target
from ulak.dns.names import to_ascii
from ulak.reports.tls.counting import Policy, Session

_NOTHING = Policy("no-policy-found")


def session_of(
    time: float,
    target: Target,
    host: Host,
    demands: Demands,
    *,
    fault: str = "",
    comment: str = "",
    ip: str = "",
    own_ip: str = "",
) -> Session | None:
    """Make a session of what was demanded and what went wrong; None where nobody is told of it.

    A policy that could not be fetched is a failure of its own, where nothing else went wrong.
    """
    domain = to_ascii(target.domain) or ""  # §4.4: never the name in Unicode
    if not domain or demands.tls is None or "tls-set-aside" in demands.told:
        return None
    sts = demands.sts
    if not fault and sts is not None and sts.fault:
        fault, comment = sts.fault, sts.problem
    return Session(time, domain, policy_of(demands), host.name, fault, ip, own_ip, comment)


def policy_of(demands: Demands) -> Policy:
    """Give the policy that a session is counted under (§4.4)."""
    if demands.dane is not None:
        shown = tuple(str(record) for record in demands.dane.records)
        return Policy("tlsa", shown, domain=demands.dane.base)
    sts = demands.sts
    if sts is None:
        return _NOTHING
    if not sts.id:
        return Policy("sts")
    lines = ["version: STSv1", f"mode: {sts.mode}"]
    lines += [*(f"mx: {pattern}" for pattern in sts.mx), f"max_age: {sts.max_age}"]
    return Policy("sts", tuple(lines) if sts.mx else (), sts.mx)
