"""The DMARC Policy Record: what a domain's owner asks for (RFC 9989 §4.7, §4.8).

What is wrong in a record is passed over, as §4.8 asks, and said in its `mistakes`: they are what
the owner has to mend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ulak.checks.dmarc import uris
from ulak.checks.dmarc.uris import ReportURI
from ulak.checks.reason import Reason, because
from ulak.language.case import lower

# §4.7: the first tag, and its value in this spelling.
_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_LOOKS_LIKE_ONE = re.compile(rb"\s*\"?v\s*=\s*dmarc", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]+")
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
# Of a hostile record no more is read, and no more is said.
_MOST_TAGS = 100
_MOST_MISTAKES = 20
_MOST_URIS = 20
_FAILURES = frozenset("01ds")

OBSOLETE: Final = ("pct", "rf", "ri")
"""Tags of RFC 7489 §6.3 that RFC 9989 §9.3 calls historic: read, told, and without effect."""


class Policy(StrEnum):
    """What an owner asks for mail that fails."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is understood. `text` is as published, in printable ASCII.

    `policy`, `subdomains` and `nonexistent` are the tags p, sp and np, None where they are absent
    or wrong; `psd` is `y`, `n` or `u`; `fo` counts only beside `ruf`. `obsolete` are historic tags
    with their values. `spoiled` names those of p, sp and np that have a wrong value.
    """

    text: str
    policy: Policy | None = None
    subdomains: Policy | None = None
    nonexistent: Policy | None = None
    testing: bool = False
    psd: str = "u"
    strict_dkim: bool = False
    strict_spf: bool = False
    fo: tuple[str, ...] = ("0",)
    rua: tuple[ReportURI, ...] = ()
    ruf: tuple[ReportURI, ...] = ()
    obsolete: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()
    mistakes: tuple[Reason, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether p, and sp and np where they are there, can be followed (§4.10.1)."""
        return self.policy is not None and not self.spoiled

    @property
    def applies(self) -> bool:
        """Whether DMARC is applied: an unsound record with somebody to tell stands for p=none."""
        return self.sound or bool(self.rua)

    def asks(self, *, below: bool, exists: bool = True) -> tuple[Policy, str]:
        """Give the policy for mail of the domain itself, or of one `below`, and its tag.

        `exists` is whether the domain below is known to DNS. The tag is `""` where none counts.
        """
        if not self.sound or self.policy is None:
            return Policy.NONE, ""
        if below and not exists and self.nonexistent is not None:
            return self.nonexistent, "np"
        if below and self.subdomains is not None:
            return self.subdomains, "sp"
        return self.policy, "p"


def is_record(octets: bytes) -> bool:
    """Whether a TXT record is a DMARC Policy Record: it begins with its version."""
    return _VERSION.match(octets) is not None


def resembles(octets: bytes) -> bool:
    """Whether a TXT record that is none was perhaps meant to be one."""
    return not is_record(octets) and _LOOKS_LIKE_ONE.match(octets[:100]) is not None


def printable(octets: bytes) -> str:
    """Give the text of a TXT record, with a question mark for what cannot be shown."""
    return _UNPRINTABLE.sub(b"?", octets).decode("ascii")


def read(octets: bytes) -> Record | None:
    """Read a TXT record; None where it is no DMARC Policy Record."""
    version = _VERSION.match(octets)
    if version is None:
        return None
    reading = _Reading()
    for part in octets[version.end() :].decode("latin-1").split(";", _MOST_TAGS)[:_MOST_TAGS]:
        reading.tag(part.strip(" \t"))
    return reading.record(printable(octets))


@dataclass(slots=True)
class _Reading:
    """What has been read of a record so far."""

    tags: dict[str, str] = field(default_factory=dict)
    mistakes: list[Reason] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)

    def wrong(self, reason: Reason) -> None:
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(reason)

    def tag(self, part: str) -> None:
        """Take one `name=value`. Of several with a name the first counts."""
        if not part:
            return
        name, equals, value = part.partition("=")
        name, value = lower(name.rstrip(" \t")), value.strip(" \t")
        # `dmarc-value` is printable ASCII, and at least one character of it (§4.8).
        if not equals or not _NAME.fullmatch(name):
            self.wrong(because("dmarc.part-unreadable", part=part))
        elif name in self.tags or name == "v":
            self.wrong(because("dmarc.tag-twice", tag=name))
        elif not value or not value.isascii() or not value.isprintable():
            self.wrong(because("dmarc.tag-empty", tag=name))
            if name in ("p", "sp", "np"):
                self.spoiled.append(name)
        else:
            self.tags[name] = value

    def record(self, text: str) -> Record:
        tags = self.tags
        policies = {name: self._policy(name) for name in ("p", "sp", "np")}
        testing = self._one_of("t", "ny") == "y"
        psd = self._one_of("psd", "uyn")
        strict_dkim = self._one_of("adkim", "rs") == "s"
        strict_spf = self._one_of("aspf", "rs") == "s"
        fo, rua, ruf = self._fo(), self._uris("rua"), self._uris("ruf")
        obsolete = tuple((name, tags[name]) for name in OBSOLETE if name in tags)
        unknown = tuple(sorted(tags.keys() - _KNOWN))
        for name, value in obsolete:
            self.wrong(because("dmarc.tag-obsolete", tag=name, value=value))
        for tag in unknown:
            self.wrong(because("dmarc.tag-unknown", tag=tag))
        if "fo" in tags and "ruf" not in tags:
            self.wrong(because("dmarc.fo-without-ruf"))
        if "p" not in tags and "p" not in self.spoiled:
            self.wrong(because("dmarc.p-missing"))
        return Record(
            text,
            policy=policies["p"],
            subdomains=policies["sp"],
            nonexistent=policies["np"],
            testing=testing,
            psd=psd,
            strict_dkim=strict_dkim,
            strict_spf=strict_spf,
            fo=fo,
            rua=rua,
            ruf=ruf,
            obsolete=obsolete,
            unknown=unknown,
            spoiled=tuple(self.spoiled),
            mistakes=tuple(self.mistakes),
        )

    def _policy(self, name: str) -> Policy | None:
        value = self.tags.get(name)
        if value is None:
            return None
        try:
            return Policy(lower(value))
        except ValueError:
            self.spoiled.append(name)
            self._value(name, "none, quarantine, reject")
            return None

    def _one_of(self, name: str, values: str) -> str:
        """Give a tag that is one letter; the first of those it may be is its default."""
        value = lower(self.tags.get(name, values[0]))
        if len(value) == 1 and value in values:
            return value
        self._value(name, ", ".join(values))
        return values[0]

    def _fo(self) -> tuple[str, ...]:
        parts = [lower(part.strip(" \t")) for part in self.tags.get("fo", "0").split(":", 4)]
        different = set(parts)
        if different <= _FAILURES and len(different) == len(parts) and not different >= {"0", "1"}:
            return tuple(parts)
        self._value("fo", "0, 1, d, s")
        return ("0",)

    def _uris(self, name: str) -> tuple[ReportURI, ...]:
        found: dict[ReportURI, None] = {}
        if name not in self.tags:
            return ()
        parts = self.tags[name].split(",", _MOST_URIS)
        if len(parts) > _MOST_URIS:
            self.wrong(because("dmarc.uris-many", tag=name, limit=_MOST_URIS))
        for part in parts[:_MOST_URIS]:
            uri = uris.read(part)
            if uri is None:
                self.wrong(because("dmarc.uri-wrong", tag=name, uri=part.strip(" \t") or "?"))
                continue
            if uri.size is not None:
                self.wrong(because("dmarc.uri-size", tag=name, uri=part.strip(" \t") or "?"))
            if not uri.address:
                self.wrong(because("dmarc.uri-scheme", tag=name, uri=uri.uri, scheme=uri.scheme))
            found[uri] = None
        return tuple(found)

    def _value(self, name: str, allowed: str) -> None:
        value = self.tags[name]
        self.wrong(because("dmarc.tag-value", tag=name, value=value, allowed=allowed))


_KNOWN = frozenset({"p", "sp", "np", "t", "psd", "adkim", "aspf", "fo", "rua", "ruf", *OBSOLETE})
