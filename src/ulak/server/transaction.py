"""One mail transaction: who sends, to whom, and the message (RFC 5321 §3.3)."""

from __future__ import annotations

from ulak.mail.address import Address
from ulak.mail.envelope import Envelope
from ulak.queue.item import Message
from ulak.server.incoming import Incoming
from ulak.server.received import Hop, received
from ulak.server.site import Site
from ulak.smtp.events import Mail


class Transaction:
    """What MAIL, RCPT and DATA have brought so far."""

    __slots__ = ("count", "first", "incoming", "mail", "members", "sender")

    def __init__(self, mail: Mail) -> None:
        self.mail = mail
        # the reverse-path without brackets, `""` for the null one
        self.sender = "" if mail.sender is None else str(mail.sender)
        self.count = 0  # of accepted RCPT commands
        self.first: Address | None = None
        self.members: dict[str, None] = {}  # where the mail goes, each once
        self.incoming: Incoming | None = None

    def add(self, address: Address, members: tuple[str, ...]) -> None:
        """Take a recipient that was accepted."""
        if self.first is None:
            self.first = address
        self.count += 1
        for member in members:
            self.members[member] = None

    def begin(self, site: Site, hop: Hop) -> Incoming:
        """Begin the message: DATA was accepted."""
        identifier = site.new_id()
        trace = received(
            hop,
            identifier=identifier,
            when=site.clock(),
            smtputf8=self.mail.smtputf8,
            only=str(self.first) if self.count == 1 else "",
        )
        self.incoming = Incoming(identifier, trace, site)
        return self.incoming

    def message(self, incoming: Incoming, when: float, session: str) -> Message:
        """Give the whole as the queue takes it."""
        mail = self.mail
        envelope = Envelope(self.sender, tuple(self.members), mail.smtputf8, mail.body)
        return Message(incoming.identifier, envelope, incoming.body(), when, session=session)

    def forget(self) -> None:
        """Let go of everything that nobody has taken over."""
        if self.incoming is not None:
            self.incoming.forget()
