"""What a report tells besides the answer: from where it went, and what decided about TLS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ulak.bounce.frame import Frame
from ulak.bounce.header import clean
from ulak.bounce.notice import Action, Fate

_POLICIES = {  # the fact, and the text
    "dane": "tls_dane",
    "dane-unusable": "tls_dane",
    "mta-sts-enforce": "tls_mta_sts",
    "requiretls": "tls_requiretls",
    "destination": "tls_operator",
}
_ABOUT_TLS = frozenset({
    "tls-failed", "tls-unproven", "dane-failed", "mta-sts-failed", "peer-lacks-requiretls",
})  # fmt: skip
_LAST = 253_402_300_799.0  # the last second of the year 9999


def evidence(frame: Frame, fate: Fate, facts: Mapping[str, str], action: Action) -> Iterator[str]:
    """Give sentences; `facts` are those that hold for all whom the report tells of together."""
    address = facts.get("from-address", "")
    if address and fate.remote:
        yield frame.text("from_address", address=clean(address))
    policy = _POLICIES.get(facts.get("tls-policy", ""), "")
    if policy and fate.cause in _ABOUT_TLS:
        domain = facts.get("sts-domain") or facts.get("tlsa-host") or fate.host
        yield frame.text(policy, domain=clean(domain))
    until = _seconds(facts.get("site-until", ""))
    if until > fate.at and action is Action.DELAYED:
        yield frame.text("site_waits", until=frame.date(until))


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdigit()):
        return 0.0
    return min(float(text), _LAST)
