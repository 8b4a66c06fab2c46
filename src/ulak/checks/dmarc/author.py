"""Whose mail it says it is: the domains of the From field (RFC 9989 §5.3.1, §11.5).

A message has one From field, and it mostly names one author. Where a stranger writes several, or
one that cannot be read, every domain that a reader might be shown counts: whoever hides a domain
in a broken field must not get by unasked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.mail import message
from ulak.mail.mailboxes import mailboxes

MOST = 10
"""No more domains are judged (§11.5: with a large number, a message is an attack)."""

# What stands behind an at sign, in a field that cannot be read.
_AFTER_AT = re.compile(r"@[ \t]*([A-Za-z0-9._\u0080-\U0010ffff-]{1,300})")
_LONGEST_READ = 20_000  # octets of all From fields together
_MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Authors:
    """The domains, as A-labels in lower case, each once, in their order.

    `whole` is whether one field named them, was understood, and named no more than these; where it
    is not, `reasons` says what was wrong.
    """

    domains: tuple[str, ...]
    whole: bool = True
    reasons: tuple[Reason, ...] = ()


def authors(header: bytes) -> tuple[str, ...]:
    """Give the domains of the authors of a message, by its header; at most `MOST`."""
    return read(header).domains


def read(header: bytes) -> Authors:
    """Give the domains of the authors, and what is wrong with the field that names them."""
    values = message.values(header, "From")
    if not values:
        return Authors((), whole=False, reasons=(because("dmarc.no-from"),))
    reasons: list[Reason] = []
    if len(values) > 1:
        reasons.append(because("dmarc.several-from", count=len(values)))
    if sum(map(len, values)) > _LONGEST_READ:
        reasons.append(because("dmarc.from-too-long", limit=_LONGEST_READ))
    written: dict[str, None] = {}
    left = _LONGEST_READ
    for value in values:
        found, understood = _written(value[:left])
        written.update(dict.fromkeys(found))
        left -= min(left, len(value))
        if not understood:
            reasons.append(
                because("dmarc.from-unreadable", value=message.unfold(value[:1000]) or "?")
            )
        if len(written) > MOST or not left:
            break
    domains: dict[str, None] = {}
    for name in tuple(written)[:MOST]:
        domain = None if name.startswith("[") else to_ascii(name)
        if domain:
            domains[domain] = None
        else:
            reasons.append(because("dmarc.not-a-domain", domain=name or "?"))
    if len(written) > MOST:
        reasons.append(because("dmarc.too-many-authors", limit=MOST))
    if not written and not reasons:
        reasons.append(because("dmarc.nobody"))
    whole = bool(domains) and not reasons
    if len(domains) > 1:
        reasons.append(because("dmarc.several-authors", domains=", ".join(domains)))
    return Authors(tuple(domains), whole, tuple(reasons[:_MOST_REASONS]))


def _written(value: bytes) -> tuple[list[str], bool]:
    """Give the domains as they are written, and whether the field could be read."""
    # A name in a character set that is not said is common, and takes nothing from the address.
    text = value.decode("utf-8", "replace")
    found = mailboxes(text.encode("utf-8"))
    if found is not None:
        return [address.domain for address in found], True
    return _AFTER_AT.findall(text), False
