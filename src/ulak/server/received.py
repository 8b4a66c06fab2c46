"""The trace field that a server puts on top of a message (RFC 5321 §4.4, RFC 3848, RFC 6531)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Hop:
    """How a message came: what of its session stands in the trace field.

    `client` is the name that the client gave itself, `ip` its address (`""` over a unix socket),
    `tls` protocol and cipher, `""` without.
    `authenticated`: the client has logged in. As whom is nobody's business on the way.
    """

    client: str
    ip: str
    hostname: str
    extended: bool
    tls: str = ""
    authenticated: bool = False
    lmtp: bool = False


def protocol(
    *, lmtp: bool, extended: bool, secure: bool, authenticated: bool, smtputf8: bool
) -> str:
    """Give the `with` word: SMTP, ESMTP to LMTPSA (RFC 3848), UTF8SMTP and so on (RFC 6531 §4.3).

    RFC 4954 §7 wants the A of a client that has logged in.
    """
    if not extended and not smtputf8:
        return "SMTP"
    plain, international = ("LMTP", "UTF8LMTP") if lmtp else ("ESMTP", "UTF8SMTP")
    word = international if smtputf8 else plain
    return f"{word}{'S' if secure else ''}{'A' if authenticated else ''}"


def received(
    hop: Hop, *, identifier: str, when: float, smtputf8: bool, only: str, priority: int = 0
) -> bytes:
    """Write the Received field. `only` is the single recipient as given, `""` for several.

    With several recipients a `for` clause would tell each who else got a copy (RFC 5321 §7.6).
    `priority` is what the message has here (RFC 6710 §4.1). What stands in the field was checked
    on its way in: no name or address here has a line end.
    """
    literal = f"[IPv6:{hop.ip}]" if ":" in hop.ip else f"[{hop.ip}]" if hop.ip else "unix socket"
    word = protocol(
        lmtp=hop.lmtp,
        extended=hop.extended,
        secure=bool(hop.tls),
        authenticated=hop.authenticated,
        smtputf8=smtputf8,
    )
    using = f"\t(using {hop.tls})\r\n" if hop.tls else ""
    for_clause = f"\r\n\tfor <{only}>" if only else ""
    if priority:
        for_clause += f"\r\n\tpriority {priority}"
    return (
        f"Received: from {hop.client or literal} ({literal})\r\n{using}"
        f"\tby {hop.hostname} with {word} id {identifier}{for_clause};\r\n"
        f"\t{_date(int(when))}\r\n"
    ).encode()


@lru_cache(maxsize=2)
def _date(when: int) -> str:
    # -0000 says that the time is UTC and tells nothing of where the server is (RFC 5322 §3.3).
    return formatdate(when, localtime=False)
