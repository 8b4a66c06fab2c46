"""From one command line to what it says (RFC 5321 §4.1.1, RFC 1870, 6152, 6531).

What is wrong with the command itself is answered here; whether it may come now is `states`'.
"""

from __future__ import annotations

from ulak.replies import catalog
from ulak.smtp import events, grammar
from ulak.smtp.events import Event
from ulak.smtp.grammar import GrammarError

# Known by name and not (yet) to be had: 502, not 500 (RFC 5321 §4.2.4).
NOT_IMPLEMENTED = frozenset(
    {"SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "AUTH", "BDAT", "BURL", "XCLIENT", "XFORWARD"}
)
# What a browser, not a mail client, begins with (cross-protocol attacks).
FOREIGN = frozenset(
    {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE"}
)
# What brings no message along and can be asked for ever.
CHEAP = frozenset({"NOOP", "RSET", "VRFY", "EXPN", "HELP", "EHLO", "HELO"})

_SIZE_DIGITS = 20  # RFC 1870 §3
_UTF8 = " SMTPUTF8"


def text_of(octets: bytes) -> str:
    """Decode a command's argument. It is ASCII, or UTF-8 where an extension allows that."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        message = "the command is neither ASCII nor UTF-8"
        raise GrammarError(message) from None
    # isprintable() is quick, and strict about much of Unicode that may stand in an address.
    if not text.isprintable() and any(c < " " or "\x7f" <= c < "\xa0" for c in text):
        message = "there is a control character in the command"
        raise GrammarError(message)
    return text


def mail(rest: str, *, extended: bool, largest: int) -> Event:
    """Read what follows MAIL. `extended`: EHLO was said; `largest`: the message limit."""
    if rest[:5].upper() != "FROM:":
        message = "MAIL has to be followed by FROM:"
        raise GrammarError(message)
    sender, rest = grammar.parse_path(rest[5:])
    if sender is not None and not sender.domain:
        message = "the sender has no domain"
        raise grammar.AddressError(message)
    size, body, smtputf8 = 0, "7BIT", False
    if rest:
        parameters = grammar.parse_parameters(rest)
        if not extended:
            return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=min(parameters)))
        for key, value in parameters.items():
            match key:
                case "SIZE" if _is_size(value):
                    size = int(value or 0)
                case "BODY" if value and value.upper() in ("7BIT", "8BITMIME"):
                    body = value.upper()
                case "SMTPUTF8" if value is None:
                    smtputf8 = True
                case "SIZE" | "BODY" | "SMTPUTF8":
                    return events.Refused(catalog.PARAMETER_BAD.reply(parameter=key))
                case _:
                    return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=key))
    if sender is not None and not smtputf8 and not sender.ascii:
        return events.Refused(catalog.NEEDS_SMTPUTF8.reply(code=550))
    if size > largest:
        return events.Refused(catalog.MESSAGE_TOO_LARGE.reply(limit=largest))
    return events.Mail(sender, size, body, smtputf8)


def _is_size(value: str | None) -> bool:
    # Not int() alone: that takes `1_000`, `+5` and the digits of every script.
    return (
        bool(value) and len(value or "") <= _SIZE_DIGITS and set(value or "") <= set("0123456789")
    )


def recipient(rest: str, *, smtputf8: bool) -> Event:
    """Read what follows RCPT."""
    if rest[:3].upper() != "TO:":
        message = "RCPT has to be followed by TO:"
        raise GrammarError(message)
    address, rest = grammar.parse_path(rest[3:])
    if address is None:
        message = "the forward-path is empty"
        raise grammar.AddressError(message)
    if rest:
        for key in grammar.parse_parameters(rest):
            return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=key))
    if not smtputf8 and not address.ascii:
        return events.Refused(catalog.NEEDS_SMTPUTF8.reply())
    return events.Recipient(address)


def user(verb: str, rest: str) -> Event:
    """Read what follows VRFY or EXPN, with the parameter of RFC 6531 §3.7.4.2."""
    if not rest.strip(" "):
        message = f"{verb} needs a user or mailbox name"
        raise GrammarError(message)
    tail = rest[-len(_UTF8) :]
    smtputf8 = tail.isascii() and tail.upper() == _UTF8
    if smtputf8:
        rest = rest[: -len(_UTF8)]
    name = grammar.parse_user(rest)
    return (events.Verify if verb == "VRFY" else events.Expand)(name, smtputf8)


def no_argument(verb: str, rest: str) -> None:
    """Refuse an argument where none belongs (RFC 5321 §4.1.1)."""
    if rest:
        message = f"{verb} takes no argument"
        raise GrammarError(message)
