"""The client's core against a server that says anything (RFC 5321, RFC 2033): it ends in order.

Whatever comes, no exception does; every recipient has an answer or the session a failure; nobody
is taken for delivered before the message was sent; and what is sent stays what was meant.
"""

from __future__ import annotations

import re

from tests.fuzz.octets import Octets, pieces, sound

from ulak.mail.envelope import RecipientWishes, Wishes
from ulak.smtp.client import ClientCore, Login, Stage, Step, Transaction
from ulak.smtp.sasl import coding
from ulak.smtp.sasl.client import Credentials

_RECIPIENTS = ("ada@example.org", "grace@example.org", "çağrı@örnek.example", "far@example.net")
_BEGUN = 3  # transactions of one session
_OWN = tuple(b"EHLO ,HELO ,LHLO ,STARTTLS,RSET,MAIL ,RCPT ,DATA,BDAT ,QUIT".split(b","))
_NAME, _PASSWORD, _TOKEN = "ada@example.org", "pencil", "abcdef"
_LOGINS = (
    None,
    Login(Credentials(_NAME, _PASSWORD), "nonce", readable=True, bindings={"tls-exporter": b"b"}),
    Login(Credentials(_NAME, _PASSWORD), "nonce", readable=False, clear=True),
    Login(Credentials(_NAME, token=_TOKEN), "nonce", readable=True),
    Login(Credentials(_NAME, "x" * 600), "nonce", readable=True, clear=True),
)
_SECRETS = [
    secret
    for word in (_PASSWORD, _TOKEN, f"\0{_NAME}\0{_PASSWORD}")
    for secret in (word, coding.encode(word.encode()).decode())
]
_OF_LOGIN = re.compile(rb"AUTH [A-Z0-9-]+( [A-Za-z0-9+/=]+)?|[A-Za-z0-9+/]*={0,2}|\*")
_ANSWERS = 4  # that any mechanism needs, and a server may ask for
_WISHES = Wishes("FULL", "a b", require_tls=True, priority=3, auth="<>")
_ASKED = {
    "ada@example.org": RecipientWishes(frozenset({"NEVER"})),
    "çağrı@örnek.example": RecipientWishes(frozenset(), "utf-8;çağrı@örnek.example"),
}


class Session:
    """What drives the core, as an attempt does."""

    def __init__(self, core: ClientCore, transaction: Transaction) -> None:
        self.core = core
        self.transaction = transaction
        self.begun = 0
        self.chunks = 0
        self.sent_body = False
        self.over = False
        self.output: list[bytes] = []

    def hear(self, part: bytes) -> None:
        """Feed one piece and do what is asked."""
        self.do(self.core.feed(part))

    def do(self, step: Step) -> None:
        """Do what a step asks for, as long as doing it asks for more."""
        core = self.core
        while step is not Step.WAIT:
            self.output.append(core.output())
            match step:
                case Step.TLS:
                    step = core.tls_started()
                case Step.READY:
                    step = self.begin()
                case Step.BODY | Step.CHUNK:
                    assert core.accepted
                    self.send()
                    step = Step.WAIT
                case Step.DONE:
                    assert None not in core.answers
                    self.check()
                    step = self.begin() if core.usable else self.leave()
                case _:
                    self.over = True
                    self.check()
                    assert core.stage is Stage.CLOSED
                    assert core.failure is not None
                    assert not core.usable
                    step = Step.WAIT
        self.output.append(core.output())

    def send(self) -> None:
        """Send the message, or as many chunks of it as may go now."""
        core = self.core
        while self.transaction.chunking and self.chunks and core.takes_more:
            self.chunks -= 1
            core.chunk(10, last=not self.chunks)
        if not self.chunks or not self.transaction.chunking:
            core.body_sent()
            self.sent_body = True

    def begin(self) -> Step:
        """Begin a transaction, or leave after enough of them."""
        if self.begun == _BEGUN:
            return self.leave()
        self.begun += 1
        self.sent_body = False
        self.chunks = self.begun
        return self.core.begin(self.transaction)

    def leave(self) -> Step:
        """Say QUIT, or hang up where it may not be said."""
        if self.core.quit():
            return Step.WAIT
        return self.core.connection_lost("left")

    def check(self) -> None:
        """Hold the answers against what happened."""
        for answer in self.core.answers:
            if answer is not None and answer.reply.positive:
                assert self.sent_body
                assert answer.stage is Stage.END


def one(data: bytes) -> None:
    given = Octets(data)
    lmtp, starttls, chunking, smtputf8, asking = (given.flag() for _ in range(5))
    recipients = _RECIPIENTS[: 1 + given.number(3)]
    body = given.choice(("7BIT", "8BITMIME", "BINARYMIME"))
    places = given.places()
    login = given.choice(_LOGINS)
    secure = login is not None and given.flag()
    core = ClientCore(
        "client.example.net", lmtp=lmtp, starttls=starttls, secure=secure, login=login
    )
    transaction = Transaction(
        "ada@example.org", recipients, 100, body, smtputf8=smtputf8, chunking=chunking
    )
    if asking:
        transaction = transaction._replace(wishes=_WISHES, asked=_ASKED)
    session = Session(core, transaction)
    heard = given.rest()
    for part in pieces(heard, places):
        session.hear(part)
    session.do(core.connection_lost("the end"))
    assert session.over
    assert core.feed(b"220 again\r\n") is Step.WAIT
    assert core.connection_lost("again") is Step.OVER
    assert core.heard <= heard.count(b"\n")

    output = b"".join(session.output)
    assert sound(output)
    # Nothing that a server says is said back to it.
    others = [
        line for line in output.split(b"\r\n")[:-1] if not line.startswith(_OWN) and line != b"."
    ]
    assert len(others) <= (_ANSWERS if login is not None else 0)
    assert all(_OF_LOGIN.fullmatch(line) for line in others)
    dialogue = core.dialogue()
    assert len(dialogue) <= 300
    # No secret of ours is told, unless a server has said it in clear itself.
    told = [secret for secret in _SECRETS if secret.encode() not in heard]
    assert not any(secret in line for secret in told for line in dialogue)
    assert all(line.isprintable() and len(line) <= 600 for line in dialogue)
