"""Which of the domains that a message proves belong to its author (RFC 9989 §4.4, §4.10.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ulak.checks.dmarc.walk import Walk, Walker
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii

_MOST_IDENTIFIERS = 50
_MOST_WALKS = 10


class SpfFinding(Protocol):
    """What DMARC needs of a finding of SPF."""

    @property
    def result(self) -> str:
        """The word of RFC 8601."""

    @property
    def domain(self) -> str:
        """The domain that was judged."""

    @property
    def identity(self) -> str:
        """Whether that is `mailfrom` or `helo`."""

    @property
    def mail_from(self) -> str:
        """The reverse-path, which may be empty."""


class DkimFinding(Protocol):
    """What DMARC needs of the finding of one signature."""

    @property
    def result(self) -> str:
        """The word of RFC 8601."""

    @property
    def domain(self) -> str:
        """The tag d of the signature."""

    @property
    def selector(self) -> str:
        """The tag s of the signature."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A domain that stands behind a message, by `method` `spf` or `dkim` (§3.2.1).

    `proven` is False for one that might yet be proven when DNS answers again.
    """

    method: str
    domain: str
    selector: str = ""
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Alignment:
    """The identifiers that are aligned, and those of which nobody can tell now."""

    aligned: tuple[Identifier, ...]
    unsure: tuple[Identifier, ...]
    reasons: tuple[Reason, ...]


def identifiers(
    spf: SpfFinding | None, dkim: Sequence[DkimFinding]
) -> tuple[list[Identifier], list[Reason]]:
    """Give the identifiers that count for DMARC, and why the others do not.

    SPF counts for the MAIL FROM identity; with an empty reverse-path that is the HELO name
    (§3.2.4, RFC 7208 §2.4).
    """
    found: dict[Identifier, None] = {}
    reasons: list[Reason] = []
    if spf is None:
        reasons.append(because("dmarc.spf-not-made"))
    elif spf.identity == "helo" and spf.mail_from:
        reasons.append(because("dmarc.spf-helo", domain=spf.domain or "?"))
    else:
        _take("spf", spf.result, spf.domain, "", found, reasons)
    if not dkim:
        reasons.append(because("dmarc.dkim-no-signature"))
    for one in dkim[:_MOST_IDENTIFIERS]:
        _take("dkim", one.result, one.domain, one.selector, found, reasons)
    if len(dkim) > _MOST_IDENTIFIERS:
        reasons.append(because("dmarc.identifiers-many", limit=_MOST_IDENTIFIERS))
    return list(found), reasons


def _take(
    method: str,
    result: str,
    domain: str,
    selector: str,
    found: dict[Identifier, None],
    reasons: list[Reason],
) -> None:
    name = to_ascii(domain)
    if method == "dkim" and result == "none":
        reasons.append(because("dmarc.dkim-no-signature"))
    elif result not in ("pass", "temperror") or not name:
        if method == "spf":
            reasons.append(because("dmarc.spf-no-pass", domain=domain or "?", result=result))
        else:
            facts = {"domain": domain or "?", "selector": selector or "?", "result": result}
            reasons.append(because("dmarc.dkim-no-pass", **facts))
    else:
        found[Identifier(method, name, selector, proven=result == "pass")] = None


async def align(
    walker: Walker,
    author: Walk,
    found: Sequence[Identifier],
    *,
    strict: Mapping[str, bool],
    gather: Gather,
) -> Alignment:
    """Compare every identifier with the author's domain; `strict` is by method.

    Where the author's own walk did not come to its end, only identity can be seen.
    """
    organizational = author.organizational if author.complete else author.domain.split(".")[-1]
    # Below the author's organizational domain alone can there be one with the same.
    near = [
        one.domain
        for one in found
        if one.domain != author.domain
        and not strict[one.method]
        and f".{one.domain}".endswith(f".{organizational}")
    ]
    asked = tuple(dict.fromkeys(near))[:_MOST_WALKS] if author.complete else ()
    walks = dict(zip(asked, await gather(*map(walker.walk, asked)), strict=True))

    aligned: list[Identifier] = []
    unsure: list[Identifier] = []
    reasons: list[Reason] = []
    for one in found:
        facts = {
            "method": one.method.upper(),
            "domain": one.domain,
            "author": author.domain,
            "organizational": organizational,
        }
        if one.domain == author.domain:
            reasons.append(because("dmarc.same", **facts))
        elif strict[one.method]:
            reasons.append(because("dmarc.not-the-same", **facts))
            continue
        elif one.domain not in near:
            # Its organizational domain is itself, or above it: there is nothing to ask.
            reasons.append(because("dmarc.elsewhere", **facts))
            continue
        elif one.domain not in walks and author.complete:
            reasons.append(because("dmarc.identifiers-many", limit=_MOST_WALKS))
            continue
        else:
            walk = walks.get(one.domain)
            if walk is not None:
                reasons += walker.tell(walk)
            if walk is None or not walk.complete:
                reasons.append(because("dmarc.alignment-unknown", **facts))
                unsure.append(one)
                continue
            reasons.append(walk.why)
            if walk.organizational != organizational:
                reasons.append(because("dmarc.not-aligned", its=walk.organizational, **facts))
                continue
            reasons.append(because("dmarc.aligned", **facts))
        if one.proven:
            aligned.append(one)
        else:
            reasons.append(because("dmarc.not-proven-now", **facts))
            unsure.append(one)
    return Alignment(tuple(aligned), tuple(unsure), tuple(reasons))
