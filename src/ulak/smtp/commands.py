"""From one command line to what it says (RFC 5321 §4.1.1, RFC 6531).

What is wrong with the command itself is answered here; whether it may come now is `states`', and
what its parameters mean is `parameters`'.
"""

from __future__ import annotations

from ulak.language.case import upper
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp import events, grammar
from ulak.smtp.events import Event
from ulak.smtp.grammar import GrammarError
from ulak.smtp.offers import Standing
from ulak.smtp.parameters import MailDraft, MailReaders, RecipientDraft, RecipientReaders
from ulak.smtp.sasl.table import mechanism_of
from ulak.smtp.xclient import parse as parse_xclient

# What brings no message along and can be asked for ever.
CHEAP = frozenset({"NOOP", "RSET", "VRFY", "EXPN", "HELP", "EHLO", "HELO", "LHLO", "XCLIENT"})

_DIGITS = frozenset("0123456789")
_SIZE_DIGITS = 20  # as many as SIZE has (RFC 1870 §3)
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


def mail(rest: str, standing: Standing, readers: MailReaders) -> Event:
    """Read what follows MAIL. `readers` are those of the parameters that are to be had."""
    if upper(rest[:5]) != "FROM:":
        message = "MAIL has to be followed by FROM:"
        raise GrammarError(message)
    sender, rest = grammar.parse_path(rest[5:])
    if sender is not None and not sender.domain:
        message = "the sender has no domain"
        raise grammar.AddressError(message)
    if not rest:
        if sender is not None and not sender.ascii:
            return events.Refused(catalog.NEEDS_SMTPUTF8.reply(code=550))
        return events.Mail(sender)
    draft = MailDraft(standing)
    for key, value in grammar.parse_parameters(rest).items():
        reader = readers.get(key)
        refusal = _unknown(key) if reader is None else reader(draft, value)
        if refusal is not None:
            return events.Refused(refusal)
    if sender is not None and not draft.smtputf8 and not sender.ascii:
        return events.Refused(catalog.NEEDS_SMTPUTF8.reply(code=550))
    if draft.size > standing.largest:
        return events.Refused(catalog.MESSAGE_TOO_LARGE.reply(limit=standing.largest))
    return events.Mail(sender, draft.size, draft.body, draft.smtputf8, draft.wishes, draft.terms)


def recipient(rest: str, readers: RecipientReaders, *, smtputf8: bool) -> Event:
    """Read what follows RCPT. `readers` as with MAIL."""
    if upper(rest[:3]) != "TO:":
        message = "RCPT has to be followed by TO:"
        raise GrammarError(message)
    address, rest = grammar.parse_path(rest[3:])
    if address is None:
        message = "the forward-path is empty"
        raise grammar.AddressError(message)
    if not smtputf8 and not address.ascii:
        return events.Refused(catalog.NEEDS_SMTPUTF8.reply())
    if not rest:
        return events.Recipient(address)
    draft = RecipientDraft(smtputf8=smtputf8)
    for key, value in grammar.parse_parameters(rest).items():
        reader = readers.get(key)
        refusal = _unknown(key) if reader is None else reader(draft, value)
        if refusal is not None:
            return events.Refused(refusal)
    return events.Recipient(address, draft.wishes)


def _unknown(parameter: str) -> Reply:
    # RFC 5321 §4.1.1.11: also for one that is known, and that EHLO has not offered.
    return catalog.PARAMETER_UNKNOWN.reply(parameter=parameter)


def bdat(rest: str) -> tuple[int, bool, str]:
    """Read what follows BDAT: size in octets, whether it is the last, and what is wrong with it.

    GrammarError where the size itself cannot be read: then nobody knows how many octets follow.
    """
    size, *more = [word for word in rest.split(" ") if word] or [""]
    if not _DIGITS.issuperset(size) or not 1 <= len(size) <= _SIZE_DIGITS:
        message = "BDAT has to be followed by the number of octets"
        raise GrammarError(message)
    last = bool(more) and upper(more[0]) == "LAST"
    problem = "" if len(more) == last else "after its size BDAT takes LAST or nothing"
    return int(size), last, problem


def data(rest: str, *, binary: bool) -> Event:
    """Read what follows DATA. A `binary` message cannot come by it (RFC 3030 §3)."""
    no_argument("DATA", rest)
    if binary:
        problem = "a BINARYMIME message comes by BDAT"
        return events.Refused(catalog.BAD_SEQUENCE.reply(problem=problem))
    return events.Data()


def xclient(rest: str, standing: Standing) -> Event:
    """Read what follows XCLIENT, from a client that may say whom it speaks for."""
    if not standing.front:
        return events.Refused(catalog.XCLIENT_DENIED.reply())
    return parse_xclient(rest)


def plain(verb: str, rest: str) -> Event:
    """Read what follows a command that means the same wherever a session stands."""
    match verb:
        case "EHLO" | "HELO" | "LHLO":
            return events.Hello(grammar.parse_hello(rest), verb != "HELO")
        case "NOOP":
            return events.Noop()
        case "VRFY" | "EXPN":
            return user(verb, rest)
        case "HELP":
            return events.Help(rest)
        case "RSET":
            no_argument(verb, rest)
            return events.Reset()
        case _:
            no_argument(verb, rest)
            return events.Quit()


def start_tls(rest: str, standing: Standing) -> Event:
    """Read what follows STARTTLS (RFC 3207 §4)."""
    no_argument("STARTTLS", rest)
    if standing.secure:
        return events.Refused(catalog.BAD_SEQUENCE.reply(problem="TLS is on already"))
    if not standing.offers.tls:
        return events.Refused(catalog.NOT_IMPLEMENTED.reply(command="STARTTLS"))
    return events.StartTls()


def auth(rest: str, standing: Standing, *, extended: bool) -> Event:
    """Read what follows AUTH (RFC 4954 §4, §8). `extended`: EHLO was said, and not HELO."""
    if standing.authenticated or not extended:
        problem = "you are logged in already" if extended else "AUTH comes after EHLO"
        return events.Refused(catalog.BAD_SEQUENCE.reply(problem=problem))
    word, _, initial = rest.encode().partition(b" ")
    mechanism = mechanism_of(word)
    if not mechanism:
        message = "AUTH has to be followed by the name of a mechanism"
        raise GrammarError(message)
    return events.Auth(mechanism, initial)


def user(verb: str, rest: str) -> Event:
    """Read what follows VRFY or EXPN, with the parameter of RFC 6531 §3.7.4.2."""
    if not rest.strip(" "):
        message = f"{verb} needs a user or mailbox name"
        raise GrammarError(message)
    tail = rest[-len(_UTF8) :]
    smtputf8 = upper(tail) == _UTF8
    if smtputf8:
        rest = rest[: -len(_UTF8)]
    name = grammar.parse_user(rest)
    return (events.Verify if verb == "VRFY" else events.Expand)(name, smtputf8)


def no_argument(verb: str, rest: str) -> None:
    """Refuse an argument where none belongs (RFC 5321 §4.1.1)."""
    if rest:
        message = f"{verb} takes no argument"
        raise GrammarError(message)
