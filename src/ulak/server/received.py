"""The trace lines that a server puts on top of a message (RFC 5321 §4.4, RFC 3848, RFC 6531)."""

from __future__ import annotations

from email.utils import formatdate


def protocol(*, extended: bool, secure: bool, smtputf8: bool) -> str:
    """Give the `with` word: SMTP, ESMTP, ESMTPS (RFC 3848), UTF8SMTP, UTF8SMTPS (RFC 6531 §4.3)."""
    if smtputf8:
        return "UTF8SMTPS" if secure else "UTF8SMTP"
    if not extended:
        return "SMTP"
    return "ESMTPS" if secure else "ESMTP"


def received(
    *, client: str, ip: str, hostname: str, word: str, identifier: str, when: float, only: str
) -> bytes:
    """Write the Received field. `only` is the single recipient, or `""` for several.

    With several recipients a `for` clause would tell each who else got a copy (RFC 5321 §7.6).
    """
    literal = f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"
    for_clause = f"\r\n\tfor <{only}>" if only else ""
    text = (
        f"Received: from {client or literal} ({literal})\r\n"
        f"\tby {hostname} with {word} id {identifier}{for_clause};\r\n"
        f"\t{formatdate(when, localtime=False)}\r\n"
    )
    return text.encode()
