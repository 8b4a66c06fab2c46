"""What RCPT, VRFY, EXPN and HELP are answered: whose mail is taken, and what is told about it."""

from __future__ import annotations

from ulak.mail.address import Address
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.directory import (
    Directory,
    Foreign,
    Found,
    How,
    Moved,
    Result,
    Returned,
    Trouble,
    Unknown,
)
from ulak.server.site import Rules
from ulak.smtp.events import Expand, Verify

RECIPIENT_OK = catalog.RECIPIENT_OK.reply()

_HELP = {
    "EHLO": "EHLO <your name>: begin a session, and see what is offered",
    "HELO": "HELO <your name>: begin a session without extensions",
    "MAIL": "MAIL FROM:<address> [parameters of what EHLO offers]: begin a message",
    "RCPT": "RCPT TO:<address> [parameters of what EHLO offers]: name a recipient; once for each",
    "DATA": "DATA: send the message; a line with a dot alone ends it",
    "BDAT": "BDAT <octets> [LAST]: send so many octets of the message",
    "RSET": "RSET: forget the message under way",
    "NOOP": "NOOP: nothing, with an answer",
    "QUIT": "QUIT: end the session",
    "VRFY": "VRFY <user or address> [SMTPUTF8]: ask about a mailbox",
    "EXPN": "EXPN <list> [SMTPUTF8]: ask for the members of a list",
    "STARTTLS": "STARTTLS: go on encrypted",
    "AUTH": "AUTH <mechanism> [initial response]: log in, where EHLO offers it",
    "HELP": "HELP [command]: this",
}
_LMTP_HELP = {
    "LHLO": "LHLO <your name>: begin a session of LMTP, and see what is offered",
    **{
        verb: text.replace("EHLO", "LHLO")
        for verb, text in _HELP.items()
        if verb not in ("EHLO", "HELO")
    },
}
_WITHHELD = catalog.VRFY_WITHHELD.reply()


def recipient(
    address: Address, found: Result, ip: str, *, relay: bool, smtputf8: bool
) -> tuple[Reply, Found | None]:
    """Answer RCPT: the reply, and where the mail goes if it is accepted.

    The client came from `ip`; `found` is what the directory says of the address.
    """
    match found:
        case Found():
            return RECIPIENT_OK, found
        case Unknown():
            return catalog.NO_SUCH_MAILBOX.reply(address=address), None
        case Moved(to) if to.isascii() or smtputf8:
            return catalog.MAILBOX_MOVED.reply(utf8=smtputf8, address=to), None
        case Moved():  # 551 would have to show the address (RFC 6531 §3.7.4.1)
            return catalog.NO_SUCH_MAILBOX.reply(address=address), None
        case Foreign() if relay:
            return RECIPIENT_OK, Found((str(address),))
        case Foreign():
            return catalog.RELAY_DENIED.reply(address=address, ip=ip), None
        case Trouble(incident):
            return catalog.ROSTER_UNAVAILABLE.reply(address=address, id=incident), None
        case Returned("expired"):
            return catalog.SRS_EXPIRED.reply(address=address), None
        case Returned():
            return catalog.SRS_FORGED.reply(address=address), None


async def tell(asked: Verify | Expand, rules: Rules, directory: Directory, *, relay: bool) -> Reply:
    """Answer VRFY or EXPN; waits only where a roster has to be asked."""
    if isinstance(asked, Verify):
        return await verify(asked, rules, directory, relay=relay)
    return await expand(asked, rules, directory)


async def verify(asked: Verify, rules: Rules, directory: Directory, *, relay: bool) -> Reply:
    """Answer VRFY (RFC 5321 §3.5.1, §3.5.3, §7.3).

    Withheld, the answer is the same 252 in the same time whether the user exists or not: the
    directory is not even asked.
    """
    if rules.vrfy == "withhold":
        return _WITHHELD
    if rules.vrfy == "refuse":
        return catalog.VRFY_REFUSED.reply()
    user, utf8 = asked.user, asked.smtputf8
    if not user.domain:
        candidates = await directory.candidates(user.local)
        if len(candidates) > 1:
            return catalog.MAILBOX_AMBIGUOUS.reply(user=user.local)
        if not candidates:
            return catalog.NO_SUCH_MAILBOX.reply(address=user)
        user = candidates[0]
    match await directory.ask(user):
        case Found(how=How.CATCH_ALL | How.RETURN):  # taken, and nothing said of whose it is
            row, address = catalog.VRFY_CANNOT, str(user)
        case Found((only,)) if not directory.local(only.rpartition("@")[2]):
            row, address = catalog.WILL_FORWARD, only
        case Found((only,), alias=""):
            row, address = catalog.MAILBOX_VERIFIED, only
        case Found():
            row, address = catalog.MAILBOX_VERIFIED, str(user)
        case Unknown():
            return catalog.NO_SUCH_MAILBOX.reply(address=user)
        case Moved(to):
            row, address = catalog.MAILBOX_MOVED, to
        case Foreign() if relay:
            row, address = catalog.VRFY_CANNOT, str(user)
        case Foreign():
            row, address = catalog.USER_NOT_LOCAL, str(user)
        case Trouble(incident):
            return catalog.ROSTER_UNAVAILABLE.reply(address=user, id=incident)
        case Returned():
            row, address = catalog.VRFY_CANNOT, str(user)
    if not utf8 and not address.isascii():
        return catalog.UTF8_REPLY_WITHHELD.reply()
    return row.reply(utf8=utf8, address=address)


async def expand(asked: Expand, rules: Rules, directory: Directory) -> Reply:
    """Answer EXPN (RFC 5321 §3.5.2): 252, or the members of an alias where that is allowed."""
    if rules.expn == "withhold":
        return catalog.EXPN_WITHHELD.reply()
    if rules.expn == "refuse":
        return catalog.EXPN_REFUSED.reply()
    user = asked.user
    if not user.domain:
        candidates = await directory.candidates(user.local)
        if len(candidates) > 1:
            return catalog.MAILBOX_AMBIGUOUS.reply(user=user.local)
        if candidates:
            user = candidates[0]
    match await directory.ask(user):
        case Found(alias="") | Found(how=How.CATCH_ALL | How.RETURN):
            return catalog.NOT_A_LIST.reply(user=user)
        case Found(members) if asked.smtputf8 or all(m.isascii() for m in members):
            lines = [f"<{member}>" for member in members]
            return catalog.LIST_EXPANDED.listing(*lines, utf8=asked.smtputf8)
        case Found():
            return catalog.UTF8_REPLY_WITHHELD.reply()
        case Trouble(incident):
            return catalog.ROSTER_UNAVAILABLE.reply(address=user, id=incident)
        case _:
            return catalog.NOT_A_LIST.reply(user=user)


def help_on(topic: str, *, lmtp: bool) -> Reply:
    """Answer HELP: about one command, or what commands there are."""
    known, where = (_LMTP_HELP, "RFC 2033") if lmtp else (_HELP, "RFC 5321")
    line = known.get(topic.upper()) if topic.isascii() else None
    if line is not None:
        return catalog.HELP_TEXT.listing(line)
    return catalog.HELP_TEXT.listing(
        "Commands: " + " ".join(known),
        f"HELP <command> tells more; all of it is in {where}",
        "Write to postmaster here if mail does not arrive",
    )
