"""Lines to publish, as a zone file has them (RFC 1035 §5.1)."""

from __future__ import annotations

import ipaddress

from ulak.checks.dmarc import Policy, Record

_LONGEST = 255  # octets of one string of a TXT record (§3.3)


def line(name: str, kind: str, value: str) -> str:
    """Write one line; TXT is quoted, and cut into strings where it is long."""
    if kind == "TXT":
        value = value.replace("\\", "\\\\").replace('"', '\\"')
        parts = [value[at : at + _LONGEST] for at in range(0, len(value), _LONGEST)] or [""]
        value = " ".join(f'"{part}"' for part in parts)
    return f"{name}. IN {kind} {value}"


def reverse(ip: str) -> str:
    """Give the name that has the PTR record of an address (RFC 1035 §3.5, RFC 3596 §2.5)."""
    return ipaddress.ip_address(ip).reverse_pointer


def dmarc(record: Record) -> str:
    """Write a DMARC record anew, without what is wrong, unknown or obsolete in it."""
    default = Policy.NONE
    tags = [("v", "DMARC1"), ("p", record.policy or default)]
    tags += [("sp", record.subdomains)] if record.subdomains else []
    tags += [("np", record.nonexistent)] if record.nonexistent else []
    tags += [("t", "y")] if record.testing else []
    tags += [("psd", record.psd)] if record.psd != "u" else []
    tags += [("adkim", "s")] if record.strict_dkim else []
    tags += [("aspf", "s")] if record.strict_spf else []
    tags += [("rua", ",".join(uri.uri for uri in record.rua))] if record.rua else []
    tags += [("ruf", ",".join(uri.uri for uri in record.ruf))] if record.ruf else []
    if record.ruf and record.fo != ("0",):
        tags.append(("fo", ":".join(record.fo)))
    return "; ".join(f"{name}={value}" for name, value in tags)


def spf_with(record: str, term: str) -> str:
    """Write an SPF record with one more mechanism, in front of those that end it."""
    first, _, rest = record.partition(" ")
    return f"{first} {term} {rest.lstrip()}".rstrip()
