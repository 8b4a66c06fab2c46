"""MTA-STS: a domain says that its MX hosts have TLS and which they are (RFC 8461).

The record in DNS says that there is a policy, and its id when it changes; the policy itself comes
over HTTPS. Fetching it is somebody else's work: here it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver

LARGEST = 65_536
"""Octets of a policy (§3.3)."""
LONGEST_AGE = 31_557_600
"""Seconds for which a policy may be kept: a year (§3.2)."""
SHORT_AGE = 604_800
"""A week: one that is kept for less protects little (§3.2 wants weeks)."""

_BEGINS = b"v=STSv1"
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,10}")
_MOST_LINES = 1_000
_MOST_MX = 200
_MOST_MISTAKES = 20


class Result(StrEnum):
    """What a domain has."""

    PUBLISHED = "published"
    NONE = "none"
    PERMERROR = "permerror"  # a record that counts as none
    TEMPERROR = "temperror"


class Mode(StrEnum):
    """What follows where the policy is not kept (§5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """What `_mta-sts.domain` has. `id` is `""` where there is no valid record."""

    result: Result
    id: str = ""
    record: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is understood; `valid` where it can be applied. `max_age` is in seconds.

    `mistakes` are what makes it invalid, or what its owner should know.
    """

    mode: Mode | None
    max_age: int
    mx: tuple[str, ...]
    valid: bool
    mistakes: tuple[Reason, ...]


async def check(resolver: Resolver, *, domain: str) -> Finding:
    """Look whether a domain announces a policy (§3.1)."""
    name = f"_mta-sts.{domain}"
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return Finding(Result.TEMPERROR, reasons=(not_answered(answer),), trace=(answer,))
    texts = [text for text in answer.records if isinstance(text, bytes)]
    records = [text for text in texts if text.split(b";")[0].rstrip(b" \t") == _BEGINS]
    if len(records) > 1:
        reason = because("mta_sts.several", name=name, count=len(records))
        return Finding(Result.PERMERROR, reasons=(reason,), trace=(answer,))
    if not records:
        alike = [text for text in texts if text[:10].lower().lstrip(b' "').startswith(b"v=sts")]
        if alike:
            reason = because("mta_sts.misspelt", name=name, record=_shown(alike[0]))
            return Finding(Result.PERMERROR, "", _shown(alike[0]), (reason,), (answer,))
        reason = because("mta_sts.no-record", name=name, status=answer.status)
        return Finding(Result.NONE, reasons=(reason,), trace=(answer,))
    shown = _shown(records[0])
    there = because("mta_sts.record", name=name, record=shown)
    read_ = read_record(records[0])
    if isinstance(read_, Reason):
        return Finding(Result.PERMERROR, "", shown, (there, read_), (answer,))
    return Finding(Result.PUBLISHED, read_, shown, (there,), (answer,))


def read_record(octets: bytes) -> str | Reason:
    """Give the id of a record, or what is wrong with it (§3.1)."""
    text = octets[:4096].decode("ascii", "replace")
    fields: dict[str, str] = {}
    for part in text.split(";")[1:]:
        field = part.strip(" \t")
        if not field:
            continue
        found = _FIELD.fullmatch(field)
        if found is None:
            return because("mta_sts.bad-field", field=field)
        fields.setdefault(found[1], found[2])
    if "id" not in fields:
        return because("mta_sts.no-id")
    if not _ID.fullmatch(fields["id"]):
        return because("mta_sts.bad-id", id=fields["id"])
    return fields["id"]


def read(octets: bytes) -> Policy:
    """Read a policy (§3.2): unknown fields are passed over, and only mx counts more than once."""
    mistakes: list[Reason] = []
    values: dict[str, str] = {}
    patterns: list[str] = []
    lines = octets[:LARGEST].split(b"\n")[:_MOST_LINES]
    for number, line in enumerate(lines, 1):
        text = line.rstrip(b" \t\r").decode("utf-8", "replace")
        if not text:
            continue
        name, colon, value = text.partition(":")
        value = value.strip(" \t")
        if not colon:
            mistakes.append(because("mta_sts.bad-line", number=number, line=text))
        elif name == "mx":
            patterns.append(value)
        elif name in values:
            mistakes.append(because("mta_sts.twice", name=name))
        else:
            values[name] = value
    valid = _version(values, mistakes)
    mode = _mode(values, mistakes)
    age = _age(values, mistakes)
    mx = _patterns(patterns, mistakes)
    if mode is not None and mode is not Mode.NONE and not mx:
        mistakes.append(because("mta_sts.no-mx", mode=mode))
        valid = False
    valid = valid and mode is not None and age is not None
    return Policy(mode, age or 0, mx, valid, tuple(mistakes[:_MOST_MISTAKES]))


def matches(pattern: str, host: str) -> bool:
    """Whether a host is meant by a pattern: `*.` stands for exactly one label (§4.1)."""
    host, pattern = host.lower().rstrip("."), pattern.lower().rstrip(".")
    if not pattern.startswith("*."):
        return host == pattern
    label, dot, rest = host.partition(".")
    return bool(label and dot) and rest == pattern[2:]


def allows(policy: Policy, host: str) -> bool:
    """Whether mail may go to a host under a policy (§4.1)."""
    return any(matches(pattern, host) for pattern in policy.mx)


def _version(values: dict[str, str], mistakes: list[Reason]) -> bool:
    if values.get("version") == "STSv1":
        return True
    mistakes.append(because("mta_sts.bad-version", version=values.get("version", "")))
    return False


def _mode(values: dict[str, str], mistakes: list[Reason]) -> Mode | None:
    try:
        return Mode(values.get("mode", ""))
    except ValueError:
        mistakes.append(because("mta_sts.bad-mode", mode=values.get("mode", "")))
        return None


def _age(values: dict[str, str], mistakes: list[Reason]) -> int | None:
    text = values.get("max_age", "")
    if not _DIGITS.fullmatch(text) or int(text) > LONGEST_AGE:
        mistakes.append(because("mta_sts.bad-age", age=text, limit=LONGEST_AGE))
        return None
    return int(text)


def _patterns(patterns: list[str], mistakes: list[Reason]) -> tuple[str, ...]:
    fit: dict[str, None] = {}
    for pattern in patterns[:_MOST_MX]:
        name = pattern.removeprefix("*.")
        if not name.isascii() or "*" in name or not to_ascii(name) or "." not in name:
            mistakes.append(because("mta_sts.bad-mx", pattern=pattern))
        else:
            fit[pattern.lower().rstrip(".")] = None
    return tuple(fit)


def _shown(octets: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in octets[:300].decode("utf-8", "replace"))
