"""TLS-RPT: to whom a domain wants reports about TLS to be sent (RFC 8460 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver

_BEGINS = b"v=TLSRPTv1"
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e \t]*)")
_MAIL = re.compile(
    r"mailto:[\x21-\x7e]{1,254}@[A-Za-z0-9.-]{1,253}(\?[\x21-\x7e]*)?", re.IGNORECASE | re.ASCII
)
_WEB = re.compile(
    r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[\x21-\x7e]*)?", re.IGNORECASE | re.ASCII
)
_MOST_URIS = 20


class Result(StrEnum):
    """What a domain has."""

    PUBLISHED = "published"
    NONE = "none"
    PERMERROR = "permerror"  # a record that counts as none
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Finding:
    """What `_smtp._tls.domain` has; `rua` are the destinations that can be used."""

    result: Result
    rua: tuple[str, ...] = ()
    record: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()


async def check(resolver: Resolver, *, domain: str) -> Finding:
    """Look where a domain wants its reports."""
    name = f"_smtp._tls.{domain}"
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return Finding(Result.TEMPERROR, reasons=(not_answered(answer),), trace=(answer,))
    texts = [text for text in answer.records if isinstance(text, bytes)]
    records = [text for text in texts if text.split(b";")[0].rstrip(b" \t") == _BEGINS]
    if len(records) > 1:
        reason = because("tls_rpt.several", name=name, count=len(records))
        return Finding(Result.PERMERROR, reasons=(reason,), trace=(answer,))
    if not records:
        reason = because("tls_rpt.no-record", name=name, status=answer.status)
        return Finding(Result.NONE, reasons=(reason,), trace=(answer,))
    shown = _shown(records[0])
    rua, mistakes = read(records[0])
    reasons = (because("tls_rpt.record", name=name, record=shown), *mistakes)
    result = Result.PUBLISHED if rua else Result.PERMERROR
    return Finding(result, rua, shown, reasons, (answer,))


def read(octets: bytes) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
    """Give the destinations in a record, and what is wrong with it."""
    mistakes: list[Reason] = []
    fields: dict[str, str] = {}
    for part in octets[:4096].decode("ascii", "replace").split(";")[1:21]:
        field = part.strip(" \t")
        if not field:
            continue
        found = _FIELD.fullmatch(field)
        if found is None:
            mistakes.append(because("tls_rpt.bad-field", field=field))
        else:
            fields.setdefault(found[1], found[2])
    rua = [uri.strip(" \t") for uri in fields.get("rua", "").split(",")]
    fit = [uri for uri in rua[:_MOST_URIS] if _MAIL.fullmatch(uri) or _WEB.fullmatch(uri)]
    mistakes += [because("tls_rpt.bad-uri", uri=u) for u in rua[:_MOST_URIS] if u and u not in fit]
    if not any(rua):
        mistakes.append(because("tls_rpt.no-rua"))
    return tuple(fit), tuple(mistakes)


def _shown(octets: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in octets[:300].decode("utf-8", "replace"))
