"""What whoever publishes a record should hear of it, though it is well-formed (RFC 7208 §10)."""

from __future__ import annotations

from ulak.checks.reason import Reason, because
from ulak.checks.spf.finding import Result
from ulak.checks.spf.questions import MOST_LOOKUPS, listed
from ulak.checks.spf.record import ASKING, MECHANISMS, Directive, Record

_LARGEST = {4: 24, 6: 112}  # bits that a network leaves open: /8 of IPv4, /16 of IPv6
_MOST_TOLD = 30
_LONGEST = 450  # octets that surely fit into one answer over UDP (§3.4)


def review(record: Record) -> tuple[Reason, ...]:
    """Say what is wrong with a record, then what is dangerous in it, then what is idle."""
    mistakes = [mistake.reason for mistake in record.mistakes]
    found = [*mistakes, *_dangers(record), *_idle(record)]
    if (more := len(found) - _MOST_TOLD) > 0:
        found[_MOST_TOLD:] = [because("spf.review-more", count=more)]
    return tuple(found)


def lookups(record: Record) -> int:
    """Count the terms of this record that ask DNS when none of them matches (§4.6.4)."""
    asking = sum(directive.name in ASKING for directive in _tried(record))
    return asking + (record.redirect is not None and not record.has_all)


def _tried(record: Record) -> tuple[Directive, ...]:
    """Give the mechanisms that can be reached: what stands behind `all` cannot (§5.1)."""
    for place, directive in enumerate(record.directives):
        if directive.name == "all":
            return record.directives[: place + 1]
    return record.directives


def _dangers(record: Record) -> list[Reason]:
    found: list[Reason] = []
    for directive in _tried(record):
        term, network = directive.text, directive.network
        if directive.name == "all" and directive.result is Result.PASS:
            found.append(because("spf.review-everybody", term=term))
        elif directive.name == "all" and directive.result is Result.NEUTRAL:
            found.append(because("spf.review-undecided", term=term))
        elif directive.name == "ptr":
            found.append(because("spf.review-ptr", term=term))
        elif network is not None and directive.result is Result.PASS:
            if network.shift >= _LARGEST[network.version]:
                found.append(because("spf.review-large-network", term=term))
        elif directive.target is not None and "p" in directive.target.letters:
            found.append(because("spf.review-macro-p", term=term))
    if (count := lookups(record)) > MOST_LOOKUPS:
        found.append(because("spf.review-many-lookups", count=count, limit=MOST_LOOKUPS))
    if not record.has_all and record.redirect is None:
        found.append(because("spf.review-open-end"))
    if len(record.text) > _LONGEST:
        found.append(because("spf.review-long", count=len(record.text), limit=_LONGEST))
    return found


def _idle(record: Record) -> list[Reason]:
    found: list[Reason] = []
    if behind := record.directives[len(_tried(record)) :]:
        found.append(
            because("spf.review-behind-all", terms=listed([directive.text for directive in behind]))
        )
    if record.redirect is not None and record.has_all:
        found.append(because("spf.review-idle-redirect", term=record.redirect.text))
    for modifier in record.others:
        if modifier.name in MECHANISMS:
            meant = f"{modifier.name}:{modifier.value.text}"
            found.append(
                because("spf.review-mechanism-with-equals", term=modifier.text, meant=meant)
            )
        else:
            found.append(because("spf.review-unknown-modifier", term=modifier.text))
    return found
