"""Where each recipient of a message stands, by what the journal has of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import REPORT

_MORE = re.compile(r" and ([0-9]+) more$")  # at the end of the fact `recipients`


class Stand(StrEnum):
    """Where a recipient stands."""

    WAITING = "waiting"
    DEFERRED = "deferred"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


FINISHED = frozenset({Stand.DELIVERED, Stand.FAILED, Stand.DROPPED})

_BY_KIND = {
    Kind.DELIVERED: Stand.DELIVERED,
    Kind.DEFERRED: Stand.DEFERRED,
    Kind.FAILED: Stand.FAILED,
}
_BY_VERB = {
    "hold": Stand.HELD,
    "release": Stand.WAITING,
    "retry": Stand.WAITING,
    "drop": Stand.DROPPED,
    "bounce": Stand.FAILED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One recipient; `cause` and `facts` are those of its last failure, `report` tells of it."""

    recipient: str
    stand: Stand = Stand.WAITING
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    report: str = ""


def standings(entries: Iterable[Entry]) -> list[Standing]:
    """Follow the recipients of one message through its own entries, given oldest first."""
    known: dict[str, Standing] = {}
    for entry in entries:
        facts = entry.facts
        named = facts.get("recipient", "")
        if entry.kind is Kind.ACCEPTED:
            later = {"due": facts["due"]} if facts.get("due") else {}
            for recipient in named_in(facts):
                known.setdefault(recipient, Standing(recipient, facts=later))
        elif entry.kind in _BY_KIND:
            for recipient in _meant(named, known):
                known[recipient] = Standing(
                    recipient, _BY_KIND[entry.kind], entry.cause, entry.facts
                )
        elif entry.kind is Kind.OPERATED and facts.get("verb") in _BY_VERB:
            stand = _BY_VERB[facts["verb"]]
            for recipient in _meant(named, known):
                now = known.get(recipient, Standing(recipient))
                if now.stand not in FINISHED:
                    tried = stand is Stand.WAITING and now.cause
                    # Its next attempt is not when the last failure said.
                    rest = {k: v for k, v in now.facts.items() if k != "due"}
                    known[recipient] = replace(
                        now, stand=Stand.DEFERRED if tried else stand, facts=rest
                    )
        elif entry.kind is Kind.REPORTED and facts.get("action", "failed") == "failed":
            for recipient in named_in(facts) or list(known):
                failed = known.get(recipient)
                if failed is not None and failed.stand is Stand.FAILED and not failed.report:
                    known[recipient] = replace(failed, report=facts.get(REPORT, ""))
    return list(known.values())


def named_in(facts: Mapping[str, str]) -> list[str]:
    """Give the recipients that the fact `recipients` names."""
    return _MORE.sub("", facts.get("recipients", "")).split()


def cut_short(facts: Mapping[str, str]) -> int:
    """Count the recipients that the fact `recipients` leaves out."""
    found = _MORE.search(facts.get("recipients", ""))
    return int(found[1]) if found else 0


def _meant(named: str, known: Mapping[str, Standing]) -> list[str]:
    """Give the recipient that an entry names, or all that are unfinished where it names none."""
    if named:
        return [named]
    return [r for r, standing in known.items() if standing.stand not in FINISHED]
