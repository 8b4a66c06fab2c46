"""Of whom a reply speaks: the address, names and domains that its checks are made of.

They come from what was given, from the reply itself, and from the message that a bounce returns,
in this order; `sources` says for each from where.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.checks.dkim import Limits
from ulak.checks.dkim import signature as signatures
from ulak.checks.dmarc import author
from ulak.diagnose.diagnosis import Source
from ulak.diagnose.message import Envelope, sources
from ulak.diagnose.reply.returned import Returned
from ulak.dns.names import to_ascii
from ulak.mail import message as mails

_MOST_SIGNATURES = 10


@dataclass(frozen=True, slots=True)
class Given:
    """What who asks knows beside the reply; "" for what is not given."""

    ip: str = ""
    helo: str = ""
    mail_from: str | None = None
    from_domain: str = ""
    domain: str = ""
    selectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known; "" and empty for what is not.

    `ip`, `helo` are of the server that sent, `client` its name where the address has to be looked
    up first. `sender` is the reverse-path: None where unknown, "" the null one. `recipient` is an
    address, `domain` what the reply names, `zone` a list in DNS. `signers` are pairs of selector
    and domain. `header` is that of the returned message, `message` all of it where it came whole.
    """

    ip: str = ""
    client: str = ""
    helo: str = ""
    sender: str | None = None
    from_domain: str = ""
    recipient: str = ""
    domain: str = ""
    zone: str = ""
    list: str = ""
    host: str = ""
    signers: tuple[tuple[str, str], ...] = ()
    header: bytes = b""
    message: bytes = b""
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def sender_domain(self) -> str:
        """The domain of the reverse-path, or that of the HELO name where it is null."""
        if self.sender == "":
            return to_ascii(self.helo) or ""
        return to_ascii((self.sender or "").rpartition("@")[2]) or ""

    @property
    def recipient_domain(self) -> str:
        """The domain that mail went to: that of the recipient, else the one the reply names."""
        return to_ascii(self.recipient.rpartition("@")[2] or self.domain) or ""

    def told(self, names: tuple[str, ...]) -> tuple[Source, ...]:
        """Say of some of it where it was taken from."""
        values = {
            "ip": self.ip,
            "helo": self.helo,
            "mail-from": self.sender,
            "from-domain": self.from_domain,
            "recipient": self.recipient,
            "domain": self.domain,
            "zone": self.zone,
        }
        return tuple(Source(name, values[name] or "", self.sources.get(name, "")) for name in names)


def evidence(
    facts: Mapping[str, str],
    given: Given,
    back: Returned | None = None,
    *,
    recipient: str = "",
    now: float = 0.0,
) -> Evidence:
    """Put together what is known. `facts` are those of the reply, `recipient` is of a bounce."""
    back = back or Returned()
    where: dict[str, str] = {}

    def first(name: str, *found: tuple[str | None, str]) -> str:
        for value, source in found:
            if value:
                where[name] = source
                return value
        return ""

    seen, _ = sources(back.message or back.header, Envelope())
    # Who reports that another server refused is the one who sent; else who received reports.
    reports = _is_name(back.reporting) and bool(back.remote) and back.remote != back.reporting
    came = (None, "") if reports else (seen.ip, "received")
    said = (None, "") if reports else (seen.helo, "received")
    ip = first("ip", (given.ip, "option"), (_ip(facts.get("ip", "")), "reply"), came)
    helo = first(
        "helo",
        (given.helo, "option"),
        (facts.get("client"), "reply"),
        (back.reporting if reports else None, "reporting"),
        said,
    )
    sender = _sender(facts, given, back, seen.mail_from, where)
    found = author.authors(back.header) if back.header else ()
    written = facts.get("author", "").rpartition("@")[2]
    from_domain = first(
        "from-domain",
        (to_ascii(given.from_domain), "option"),
        (found[0] if found else None, "returned"),
        (to_ascii(written), "reply"),
    )
    to = first("recipient", (recipient, "report"), (facts.get("address"), "reply"))
    named = (to_ascii(given.domain), "option"), (to_ascii(facts.get("domain", "")), "reply")
    domain = first("domain", *named)
    zone = first("zone", (facts.get("zone"), "reply"))
    signers = tuple((selector, from_domain or domain) for selector in given.selectors)
    return Evidence(
        ip=ip,
        client="" if ip or not reports else to_ascii(back.reporting) or "",
        helo=helo,
        sender=sender,
        from_domain=from_domain,
        recipient=to if "@" in to else "",
        domain=domain,
        zone=zone,
        list=facts.get("list", ""),
        host=facts.get("host", ""),
        signers=(*signers, *_signers(back.header, now)),
        header=back.header,
        message=back.message,
        sources=where,
    )


def _sender(
    facts: Mapping[str, str],
    given: Given,
    back: Returned,
    path: str | None,
    where: dict[str, str],
) -> str | None:
    """Give the reverse-path. A bounce is sent to it, and so its To field tells it, too."""
    to = back.to if "@" in back.to and "," not in back.to else None
    said = facts.get("sender")
    for value, source in (
        (given.mail_from, "option"),
        (said if said and "@" in said else None, "reply"),
        (path, "return-path"),
        (to, "bounced-to"),
    ):
        if value is not None:
            where["mail-from"] = source
            return value
    return None


def _signers(header: bytes, now: float) -> tuple[tuple[str, str], ...]:
    found = [
        signatures.read(octets, now, Limits())
        for name, octets in mails.raw_fields(header)
        if name == b"dkim-signature"
    ]
    pairs = [(one.selector, one.domain) for one in found[:_MOST_SIGNATURES] if one.domain]
    return tuple(dict.fromkeys(pair for pair in pairs if pair[0]))


def _ip(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    return "." in text and bool(to_ascii(text))
