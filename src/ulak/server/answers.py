"""What RCPT, VRFY and EXPN are answered: whose mail is taken, and what is told about it."""

from __future__ import annotations

from ulak.mail.address import Address
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.directory import Directory, Foreign, Found, Unknown
from ulak.server.site import Rules, Site


def recipient(address: Address, site: Site, ip: str, *, relay: bool) -> tuple[Reply, list[str]]:
    """Answer RCPT: the reply, and the addresses that the mail goes to if it is accepted."""
    match site.directory.find(address):
        case Found(members):
            return catalog.RECIPIENT_OK.reply(), list(members)
        case Unknown():
            return catalog.NO_SUCH_MAILBOX.reply(address=address), []
        case Foreign() if relay:
            return catalog.RECIPIENT_OK.reply(), [str(address)]
        case Foreign():
            return catalog.RELAY_DENIED.reply(address=address, ip=ip), []


def verify(user: Address, rules: Rules, directory: Directory) -> Reply:
    """Answer VRFY (RFC 5321 §3.5.1, §3.5.3, §7.3).

    Withheld, the answer is the same 252 in the same time whether the user exists or not: the
    directory is not even asked.
    """
    if rules.vrfy == "withhold":
        return catalog.VRFY_WITHHELD.reply()
    if rules.vrfy == "refuse":
        return catalog.VRFY_REFUSED.reply()
    if not user.domain:
        candidates = directory.candidates(user.local)
        if len(candidates) > 1:
            return catalog.MAILBOX_AMBIGUOUS.reply(user=user.local)
        if not candidates:
            return catalog.NO_SUCH_MAILBOX.reply(address=user)
        return catalog.MAILBOX_VERIFIED.reply(address=candidates[0])
    match directory.find(user):
        case Found((only,)) if not directory.local(only.rpartition("@")[2]):
            return catalog.WILL_FORWARD.reply(address=only)
        case Found():
            return catalog.MAILBOX_VERIFIED.reply(address=user)
        case Unknown():
            return catalog.NO_SUCH_MAILBOX.reply(address=user)
        case Foreign():
            return catalog.VRFY_CANNOT.reply(address=user)


def expand(user: Address, rules: Rules, directory: Directory) -> Reply:
    """Answer EXPN (RFC 5321 §3.5.2): 252, or the members of an alias where that is allowed."""
    if rules.expn == "withhold":
        return catalog.EXPN_WITHHELD.reply()
    if rules.expn == "refuse":
        return catalog.EXPN_REFUSED.reply()
    if not user.domain:
        candidates = directory.candidates(user.local)
        if len(candidates) == 1:
            local, _, domain = candidates[0].rpartition("@")
            user = Address(local, domain)
    match directory.find(user):
        case Found(members, alias=True):
            return catalog.LIST_EXPANDED.listing(*(f"<{member}>" for member in members))
        case _:
            return catalog.NOT_A_LIST.reply(user=user)
