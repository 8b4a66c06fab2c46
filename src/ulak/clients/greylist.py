"""Greylisting: who is not known here is asked to come again (RFC 6647 §2.4). Pure.

Known is a triplet: the client's network, the sender and the recipient. Who comes for the first
time is put off; who comes again after `delay`, and within `window`, is let in and known for
`keep` from the last time. Times are in seconds since the epoch.

A record can be joined with what another worker or another server has written of the same
triplet, in any order and any number of times, and always becomes the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from ulak.language.case import lower

_KEY = 16  # octets
_PART = 32  # of `keep`: so seldom is it written down that a known one came
_WORD = re.compile(r"[^-._+=]+")
_DIGIT = re.compile(r"[0-9]")
_REWRITTEN = ("srs0", "srs1")


@dataclass(frozen=True, slots=True)
class Rules:
    """How long one has to wait, may wait, and is known. Seconds."""

    delay: float = 300.0
    window: float = 172_800.0
    keep: float = 3_024_000.0


class Record(NamedTuple):
    """What is known of a triplet; nothing after `until`. `passed` is 0 before it was let in."""

    first: float
    passed: float
    until: float


class Step(StrEnum):
    """Where a triplet stands."""

    NEW = "new"  # never seen
    EARLY = "early"  # again, and too soon
    LATE = "late"  # again, and too late: as if it were new
    PASSED = "passed"  # again, and in time
    KNOWN = "known"  # let in before


PUT_OFF = frozenset({Step.NEW, Step.EARLY, Step.LATE})


@dataclass(frozen=True, slots=True)
class Judged:
    """What comes of one look: whether to put off, for how many seconds more, and what to keep."""

    step: Step
    record: Record
    wait: float = 0.0

    @property
    def put_off(self) -> bool:
        """Whether the client has to come again."""
        return self.step in PUT_OFF


def judge(found: Record | None, now: float, rules: Rules) -> Judged:
    """Judge a triplet that comes now, of which `found` is known."""
    if found is None or found.until < now:
        step = Step.NEW if found is None or found.passed else Step.LATE
        return Judged(step, Record(now, 0.0, now + rules.window), rules.delay)
    if found.passed:
        until = now + rules.keep
        if until - found.until < rules.keep / _PART:
            return Judged(Step.KNOWN, found)
        return Judged(Step.KNOWN, found._replace(until=until))
    first = min(found.first, now)  # the clock of another server may be ahead
    wait = first + rules.delay - now
    if wait > 0:
        record = found if first == found.first else found._replace(first=first)
        return Judged(Step.EARLY, record, wait)
    return Judged(Step.PASSED, Record(first, now, now + rules.keep))


def joined(one: Record, other: Record) -> Record:
    """Join what two have noted of the same triplet."""
    if one.until < other.first:
        return other
    if other.until < one.first:
        return one
    return Record(
        min(one.first, other.first), max(one.passed, other.passed), max(one.until, other.until)
    )


@lru_cache(4096)
def key(network: str, sender: str, recipient: str) -> bytes:
    """Give by what a triplet is known: short, and it shows no address."""
    triplet = f"{network}\0{settled(sender)}\0{lower(recipient)}"
    return blake2b(triplet.encode("utf-8", "surrogateescape"), digest_size=_KEY).digest()


def settled(sender: str) -> str:
    """Give a sender without what changes from message to message.

    Lists and newsletters write a number, and forwarders (SRS) a hash and the day, into the sender
    of each: `news-1234@`, `bounce+ada=example.org@`, `prvs=0815abcdef=ada@` (BATV). Words with a
    digit in them count as equal, and what stands behind a plus does not count.
    """
    local, _, domain = lower(sender).rpartition("@")
    if local.startswith(_REWRITTEN):
        return f"srs@{domain}"
    local = local.partition("+")[0]
    if _DIGIT.search(local):
        local = _WORD.sub(lambda word: "#" if _DIGIT.search(word[0]) else word[0], local)
    return f"{local}@{domain}"
