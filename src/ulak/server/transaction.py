"""One mail transaction: who sends, to whom, and the message (RFC 5321 §3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ulak.accounts.account import Account
from ulak.accounts.allowance import Sent
from ulak.checks import arc
from ulak.checks.results import Resinfo
from ulak.clients.keeper import Decision
from ulak.mail.address import Address
from ulak.mail.envelope import NOTHING_ASKED, Envelope, RecipientWishes, Wishes
from ulak.mail.expansion import both, expand
from ulak.policy.content import Verdict
from ulak.queue.item import Message, Receipt
from ulak.reports.observation import Observation
from ulak.server.checks import Case
from ulak.server.directory import Found, How
from ulak.server.incoming import Incoming
from ulak.server.received import Hop, received
from ulak.server.sealing import Sealing
from ulak.server.site import Site
from ulak.smtp.events import Mail, Recipient

_NAMED = 20  # aliases that the journal is told of


class Transaction:
    """What MAIL, RCPT and DATA have brought so far. `asked` are the wishes of `members`.

    `sent` is what the account has sent before it, where that is counted. `case` are the checks of
    where it comes from, None where none is made; `unchecked` says why, `""` for a client that is
    no stranger. `top` are fields for above the trace field, `observation` what a domain's owner
    may be told, `seen` what an ARC set may say of the message. `from_our_own`: what its header
    says of checks is believed. `through` are the first names that led to others, by how. `network`
    is that of a stranger, `""` where nothing is remembered of the client, and `let_in` says why its
    recipients were not put off, by the reason's key.
    """

    __slots__ = (
        "asked",
        "case",
        "content",
        "count",
        "first",
        "from_our_own",
        "incoming",
        "let_in",
        "mail",
        "members",
        "network",
        "observation",
        "receipt",
        "seen",
        "sender",
        "sent",
        "through",
        "top",
        "unchecked",
        "wishes",
    )

    def __init__(self, mail: Mail, wishes: Wishes) -> None:
        self.mail = mail
        self.wishes = wishes
        # the reverse-path without brackets, `""` for the null one
        self.sender = "" if mail.sender is None else str(mail.sender)
        self.count = 0  # of accepted RCPT commands
        self.first: Address | None = None
        self.members: dict[str, None] = {}  # where the mail goes, each once
        self.asked: dict[str, RecipientWishes] = {}
        self.incoming: Incoming | None = None
        self.sent: Sent | None = None
        self.content: Verdict | None = None  # of the scanners
        self.case: Case | None = None
        self.from_our_own = False
        self.network = ""
        self.let_in: dict[str, Decision] = {}
        self.unchecked = ""
        self.through: dict[How, list[str]] = {}
        self.top = b""
        self.seen: tuple[arc.Finding, tuple[Resinfo, ...]] | None = None
        self.observation: Observation | None = None
        self.receipt: Callable[[str], Receipt] | None = None  # of the id, for who has handed it in

    def add(self, recipient: Recipient, found: Found) -> None:
        """Take a recipient that was accepted, and the addresses to which its mail goes."""
        if self.first is None:
            self.first = recipient.address
        self.count += 1
        if found.alias:
            named = self.through.setdefault(found.how, [])
            if len(named) < _NAMED:
                named.append(str(recipient.address))
        if found.alias or self.asked or recipient.wishes is not NOTHING_ASKED:
            self._ask(recipient, found)
            return
        for member in found.members:
            self.members[member] = None

    def _ask(self, recipient: Recipient, found: Found) -> None:
        """Note what is asked of every member.

        Whoever is reached through an alias is remembered with the name that the client used, so
        that a report and the next server can name it (RFC 3461 §5.2.1 d).
        """
        wishes = recipient.wishes
        if found.alias:
            wishes = replace(wishes, through=str(recipient.address))
        for member, asked in expand(found.alias, found.members, wishes).items():
            one = asked
            if member in self.members:
                one = both(self.asked.get(member, NOTHING_ASKED), asked)
            if one != NOTHING_ASKED:
                self.asked[member] = one
            self.members[member] = None

    def begin(
        self,
        site: Site,
        hop: Hop,
        account: Account | None = None,
        *,
        submitted: bool = False,
        seal: Sealing | None = None,
    ) -> Incoming:
        """Begin the message: DATA was accepted. `submitted`: its header is to be put in order."""
        identifier, when = site.new_id(), site.clock()
        trace = received(
            hop,
            identifier=identifier,
            when=when,
            smtputf8=self.mail.smtputf8,
            only=str(self.first) if self.count == 1 else "",
            priority=self.wishes.priority,
        )
        mend = None
        if submitted and site.desk is not None:
            mend = site.desk.mend(account, self.mail, identifier, when)
        self.incoming = Incoming(identifier, trace, site, mend, seal)
        return self.incoming

    def message(
        self, incoming: Incoming, when: float, session: str, account: Account | None = None
    ) -> Message:
        """Give the whole as the queue takes it."""
        mail = self.mail
        recipients = tuple(self.members)
        if self.asked:
            envelope = Envelope(
                self.sender, recipients, mail.smtputf8, mail.body, self.wishes, self.asked
            )
        else:
            envelope = Envelope(self.sender, recipients, mail.smtputf8, mail.body, self.wishes)
        who = "" if account is None else account.key
        body = incoming.body()
        receipt = None if self.receipt is None else self.receipt(incoming.identifier)
        return Message(
            incoming.identifier,
            envelope,
            body,
            when,
            session=session,
            account=who,
            receipt=receipt,
        )

    def put_apart(self, cause: str) -> None:
        """Have the message put apart from the other mail; the first cause is the one told."""
        if not self.wishes.quarantine:
            self.wishes = replace(self.wishes, quarantine=cause)

    def forget(self) -> None:
        """Let go of everything that nobody has taken over."""
        if self.case is not None:
            self.case.forget()
        if self.incoming is not None:
            self.incoming.forget()
