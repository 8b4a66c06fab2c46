"""BIMI: the logo that a domain wants to be shown beside its mail.

There is no RFC: the record is that of draft-brand-indicators-for-message-identification §4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver

_MOST_TAGS = 20


class Result(StrEnum):
    """What a domain has."""

    PUBLISHED = "published"
    DECLINED = "declined"  # a record that says that there is to be no logo
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Finding:
    """What `selector._bimi.domain` has: where the logo is, and the evidence that it is theirs."""

    result: Result
    logo: str = ""
    evidence: str = ""
    record: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()


async def check(resolver: Resolver, *, domain: str, selector: str = "default") -> Finding:
    """Look for the record of a selector."""
    name = f"{selector}._bimi.{domain}"
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return Finding(Result.TEMPERROR, reasons=(not_answered(answer),), trace=(answer,))
    records = [r for r in answer.records if isinstance(r, bytes) and r[:7].lower() == b"v=bimi1"]
    if len(records) > 1:
        reason = because("bimi.several", name=name, count=len(records))
        return Finding(Result.PERMERROR, reasons=(reason,), trace=(answer,))
    if not records:
        reason = because("bimi.no-record", name=name, status=answer.status)
        return Finding(Result.NONE, reasons=(reason,), trace=(answer,))
    tags = read(records[0])
    shown = "".join(
        c if c.isprintable() else "?" for c in records[0][:300].decode("utf-8", "replace")
    )
    reasons = [because("bimi.record", name=name, record=shown)]
    logo, evidence = tags.get("l", ""), tags.get("a", "")
    for tag, uri in (("l", logo), ("a", evidence)):
        if uri and not uri.lower().startswith("https://"):
            reasons.append(because("bimi.no-https", tag=tag, uri=uri))
            return Finding(Result.PERMERROR, logo, evidence, shown, tuple(reasons), (answer,))
    if not logo and not evidence:
        reasons.append(because("bimi.declined", name=name))
        return Finding(Result.DECLINED, "", "", shown, tuple(reasons), (answer,))
    if not logo:
        reasons.append(because("bimi.no-logo"))
        return Finding(Result.PERMERROR, "", evidence, shown, tuple(reasons), (answer,))
    if not logo.lower().partition("?")[0].endswith((".svg", ".svgz")):
        reasons.append(because("bimi.no-svg", uri=logo))
    if not evidence:
        reasons.append(because("bimi.no-evidence"))
    return Finding(Result.PUBLISHED, logo, evidence, shown, tuple(reasons), (answer,))


def read(octets: bytes) -> dict[str, str]:
    """Give the tags of a record; of one that stands there twice the first."""
    tags: dict[str, str] = {}
    for part in octets[:4096].decode("utf-8", "replace").split(";")[:_MOST_TAGS]:
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    return tags
