"""What the sender of refused mail may see of what the journal has on it.

The page that tells it is open to whoever has the id. So what is shown is listed here, by name:
a fact that is not on the list is not shown, whoever comes to write it. Not on it are the message
itself, recipients, people and accounts, what scanners think and where they would draw the line,
our own addresses and files, and errors of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ulak.checks.asking import without_servers
from ulak.checks.reason import Reason, unpacked
from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import REFUSAL
from ulak.replies import catalog

_MINUTE = 60.0
_CODES = re.compile(r"([45][0-9]{2})(?: ([45]\.[0-9]{1,3}\.[0-9]{1,3}))?(?= )")

# Of any refusal: what the one who came has said and shown of itself.
_OF_ALL = ("ip", "client", "tls")
# Of some, what their replies have said already and is about the sender alone.
_OF_SOME: Mapping[str, tuple[str, ...]] = {
    row.name: facts  # whole sentences about DNS are not among them: they name our name servers
    for row, facts in (
        (catalog.LISTED_BY_DNSBL, ("zone", "reason")),
        (catalog.LOGINS_SHUT_OUT, ("minutes",)),
        (catalog.TOO_MANY_RECIPIENTS, ("limit",)),
        (catalog.MESSAGE_TOO_LARGE, ("limit",)),
        (catalog.HEADER_TOO_LARGE, ("limit",)),
        (catalog.HEADER_LINE_TOO_LONG, ("line", "length")),
        (catalog.NUL_IN_MESSAGE, ("offset",)),
        (catalog.BARE_LINE_END, ("octet",)),
        (catalog.SEVERAL_FROM, ("count",)),
        (catalog.ROUTING_LOOP, ("hops",)),
        (catalog.TOO_LARGE_TO_SCAN, ("size",)),
        (catalog.MECHANISM_UNKNOWN, ("mechanism",)),
        (catalog.MECHANISM_TOO_WEAK, ("mechanism",)),
        (catalog.MECHANISM_NEEDS_TLS, ("mechanism",)),
        (catalog.SPF_FAIL, ("domain",)),
        (catalog.SPF_ERROR, ("domain",)),
        (catalog.DKIM_UNACCEPTABLE, ("problem",)),
        (catalog.DKIM_AUTHOR_MISMATCH, ("domain",)),
        (catalog.DKIM_ERROR, ("domain",)),
        (catalog.DMARC_REJECT, ("domain",)),
        (catalog.DMARC_ERROR, ("domain",)),
        (catalog.HELO_REFUSED, ("problem",)),
        (catalog.SEVERAL_CHECKS_FAILED, ("checks",)),
    )
}
# Of the checks of where mail comes from. Those of content are none of them, nor what lists were
# asked: their zones may have a key of ours in them, and what counts of it is in the reply.
_OF_CHECKS: Mapping[str, tuple[str, ...]] = {
    "helo": ("client",),
    "iprev": ("ip", "name"),
    "spf": ("domain", "ip"),
    "dkim": ("domain", "selector"),
    "arc": (),
    "dmarc": ("domain", "policy"),
}
# What the sentences about them may have in them: names, records and numbers from DNS and from the
# signatures. A sentence with anything else in it is left out.
# fmt: off
_OF_REASONS = frozenset((
    "addresses", "algorithm", "allowed", "author", "bits", "count", "covered", "cv", "depth",
    "domain", "domains", "encoding", "expected", "field", "hashes", "helo", "how", "identity",
    "instance", "ip", "its", "kind", "least", "length", "letter", "limit", "lookup", "lookups",
    "meant", "method", "methods", "most", "name", "names", "octets", "organizational", "part",
    "policy", "problem", "record", "record_domain", "result", "scheme", "seconds", "selector",
    "services", "status", "suffix", "tag", "target", "term", "terms", "uri", "value", "version",
    "void", "where", "words",
))
# fmt: on
# What has a person in it, or words of the message.
_WITHHELD = frozenset(
    {
        "dkim.banner",
        "dkim.copied",
        "dkim.field-rewritten",
        "dkim.prefix",
        "dmarc.from-unreadable",
        "spf.asked-sender",
    }
)


@dataclass(frozen=True, slots=True)
class Refused:
    """The entry of a refusal, and the checks that were made before it."""

    entry: Entry
    checks: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a check has found of the sender: its result, of what it is, and step by step why."""

    check: str
    result: str
    facts: Mapping[str, str]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be seen. `time` is the minute, in seconds since the epoch; `code` is 0 if unknown.

    `sender_domain` is that of the reverse-path, `""` for the null one, None where none is known.
    """

    id: str
    cause: str
    time: float
    code: int = 0
    enhanced: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    sender_domain: str | None = None
    looks: tuple[Look, ...] = ()


def refused_in(entries: Sequence[Entry], identifier: str) -> Refused | None:
    """Find a refusal among entries, oldest first, by the whole id that it carries."""
    for place, entry in enumerate(entries):
        if entry.kind is Kind.REFUSED and identifier and entry.facts.get(REFUSAL) == identifier:
            return Refused(entry, tuple(e for e in entries[:place] if _belongs(e, entry)))
    return None


def _belongs(check: Entry, refusal: Entry) -> bool:
    """Whether a check was made of what was refused: not of another message of the session."""
    same = check.session == refusal.session and check.message == refusal.message
    return check.kind is Kind.CHECKED and bool(refusal.session) and same


def seen(refused: Refused) -> Seen:
    """Give what the sender may see."""
    entry = refused.entry
    facts = entry.facts
    codes = _CODES.match(str(facts.get("reply", "")))
    shown = (*_OF_ALL, *_OF_SOME.get(entry.cause, ()))
    looks = (look for check in refused.checks if (look := _look(check)) is not None)
    return Seen(
        id=facts.get(REFUSAL, ""),
        cause=entry.cause,
        time=entry.time // _MINUTE * _MINUTE,
        code=int(codes[1]) if codes else 0,
        enhanced=(codes[2] or "") if codes else "",
        facts=_only(facts, shown),
        sender_domain=facts["sender"].rpartition("@")[2] if "sender" in facts else None,
        looks=tuple(looks),
    )


def _look(check: Entry) -> Look | None:
    facts = check.facts
    name = facts.get("check", "")
    shown = _OF_CHECKS.get(name)
    if shown is None:
        return None
    try:
        reasons = unpacked(facts["reasons"]) if facts.get("reasons") else ()
    except ValueError:
        reasons = ()
    told = tuple(without_servers(reason) for reason in reasons if _may_be_told(reason))
    return Look(name, facts.get("result", ""), _only(facts, shown), told)


def _may_be_told(reason: Reason) -> bool:
    known = reason.key.partition(".")[0] in {*_OF_CHECKS, "checks", "dns"}
    return known and reason.key not in _WITHHELD and _OF_REASONS.issuperset(reason.facts)


def _only(facts: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: str(facts[name]) for name in names if facts.get(name)}
