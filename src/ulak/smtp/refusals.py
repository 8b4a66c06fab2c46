"""What the core refuses by itself: lines, words and orders of words (RFC 5321 §4.2.4, §4.3.2)."""

from __future__ import annotations

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.events import Refused
from ulak.smtp.grammar import AddressError, DomainError, GrammarError
from ulak.smtp.lines import Fault
from ulak.smtp.states import State

# Known by name and not to be had: 502, not 500 (RFC 5321 §4.2.4).
NOT_IMPLEMENTED = frozenset(
    {"SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "AUTH", "BDAT", "BURL", "XCLIENT", "XFORWARD"}
)
# RFC 3463 §3.2 tells the right side of the @ from the left.
_SENDER = (catalog.BAD_SENDER_DOMAIN, catalog.BAD_SENDER_ADDRESS)
_RECIPIENT = (catalog.BAD_DOMAIN, catalog.BAD_ADDRESS)
GREETINGS = frozenset({"EHLO", "HELO", "LHLO"})  # of SMTP, and of LMTP
# What a browser, not a mail client, begins with (cross-protocol attacks).
FOREIGN = frozenset(
    {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE"}
)


def unknown(verb: str, hostname: str, *, lmtp: bool = False) -> Refused:
    """Refuse a command that there is not: the other protocol's greeting, too (RFC 2033 §4.1)."""
    if verb in GREETINGS:
        protocol, command = ("LMTP", "LHLO") if lmtp else ("SMTP", "EHLO")
        reply = catalog.WRONG_GREETING.reply(protocol=protocol, command=command)
        return Refused(reply.bare())  # RFC 2034 §4 as below
    if verb in FOREIGN:
        return Refused(catalog.NOT_OUR_PROTOCOL.reply(hostname=hostname), closing=True)
    if verb in NOT_IMPLEMENTED:
        return Refused(catalog.NOT_IMPLEMENTED.reply(command=verb))
    return Refused(catalog.UNKNOWN_COMMAND.reply())


def out_of_order(verb: str, state: State, problem: str, *, lmtp: bool = False) -> Reply:
    """Refuse a command that may not come now. LMTP wants 503 for all (RFC 2033 §4.2)."""
    if verb in ("DATA", "BDAT") and state is State.SENDER and not lmtp:
        return catalog.DATA_REFUSED.reply()  # RFC 5321 §3.3: every RCPT was refused
    return catalog.BAD_SEQUENCE.reply(problem=problem)


def syntax_error(verb: str, error: GrammarError) -> Refused:
    """Refuse a command whose form is wrong.

    How many octets follow a BDAT that cannot be read is not known either, and they are no
    commands: the connection ends with it.
    """
    if verb in GREETINGS:
        # RFC 2034 §4: no enhanced code in any response to EHLO
        return Refused(catalog.SYNTAX_ERROR.reply(problem=error).bare())
    if not isinstance(error, AddressError):
        return Refused(catalog.SYNTAX_ERROR.reply(problem=error), closing=verb == "BDAT")
    of_domain, of_address = _SENDER if verb == "MAIL" else _RECIPIENT
    row = of_domain if isinstance(error, DomainError) else of_address
    return Refused(row.reply(problem=error))


def line_fault(fault: Fault, beginning: bytes, limit: int) -> Refused:
    """Refuse what is no line. Only after one that is too long the session goes on."""
    if fault is Fault.TOO_LONG or fault is Fault.ENDLESS:
        closing = fault is Fault.ENDLESS or beginning.upper() == b"BDAT"
        return Refused(catalog.LINE_TOO_LONG.reply(limit=limit), closing=closing)
    # Nothing after it is executed.
    return Refused(catalog.BARE_LINE_END.reply(code=500, octet=fault.value), closing=True)
