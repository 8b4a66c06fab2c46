"""The client's side of one SMTP or LMTP session, without sockets (RFC 5321 §§3–4, RFC 2033).

Feed it octets and do what the `Step` says that comes back; after each call send what `output`
gives. A step that asks for something asks for one thing, and nothing a server may rightly say
comes before it is done, so what follows such a step in the octets is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable

from ulak.smtp.client.dialogue import Dialogue
from ulak.smtp.client.extensions import Offer, Transaction, first_word, read_offer
from ulak.smtp.client.reply import Babble, PeerReply, ReplyReader
from ulak.smtp.client.states import Answer, Failure, Stage, Step

_CLOSING = 421
_READY_FOR_TLS = 220
_POSITIVE = 3  # a first digit under it accepts, and itself goes on (RFC 5321 §4.2.1)


class ClientCore:
    """One session.

    `hostname` is what EHLO says. With `starttls` the session goes to TLS where the server offers
    it. `answers` has one place for each recipient of the transaction, None where nothing was
    decided. `heard` counts replies.
    """

    def __init__(self, hostname: str, *, lmtp: bool = False, starttls: bool = False) -> None:
        self.hostname = hostname
        self.lmtp = lmtp
        self.secure = False
        self.offer = Offer()
        self.greeted_by = ""  # the name in the greeting
        self.stage = Stage.GREETING
        self.answers: list[Answer | None] = []
        self.failure: Failure | None = None
        self.usable = True
        self.said_quit = False
        self.heard = 0
        self.tls_refused: PeerReply | None = None
        self._starttls = starttls
        self._reader = ReplyReader()
        self._dialogue = Dialogue()
        self._output: list[bytes] = []
        self._hello = b"LHLO" if lmtp else b"EHLO"
        self._pipelining = False
        self._mail_rows: list[Callable[[Transaction], str]] = []
        self._transaction: Transaction | None = None
        self._dirty = False  # a transaction was begun and not ended: RSET comes first
        self._turn = 0  # the recipient whose reply comes next
        self._accepted: list[int] = []
        self._mail_refused = False
        self._take_at: dict[Stage, Callable[[PeerReply], Step]] = {
            Stage.GREETING: self._greeting,
            Stage.HELLO: self._hello_answer,
            Stage.STARTTLS: self._starttls_answer,
            Stage.RESET: self._reset_answer,
            Stage.MAIL: self._mail_answer,
            Stage.RCPT: self._rcpt_answer,
            Stage.DATA: self._data_answer,
            Stage.BODY: self._early_answer,
            Stage.END: self._end_answer,
            Stage.NOTHING: self._nothing_answer,
            Stage.QUIT: self._quit_answer,
            Stage.IDLE: self._unasked,
        }

    # -- octets -----------------------------------------------------------------------------

    def feed(self, data: bytes) -> Step:
        """Take octets from the server."""
        if self.stage in (Stage.HANDSHAKE, Stage.CLOSED):
            return Step.WAIT  # what comes in the clear behind 220 is nobody's (RFC 3207 §4.2)
        self._dialogue.add("S", data)
        self._reader.feed(data)
        asked = Step.WAIT
        while (reply := self._reader.next()) is not None:
            if isinstance(reply, Babble):
                step = self._over(Failure(self.stage, problem=reply.problem, babble=True))
            else:
                self.heard += 1
                step = self._take_at[self.stage](reply)
            if step is Step.OVER or step is Step.TLS:
                return step
            if step is Step.DONE:
                if self._reader.pending:
                    self.usable = False
                return step
            if step is not Step.WAIT:
                asked = step
        return asked

    def output(self) -> bytes:
        """Give what is to be sent now."""
        if not self._output:
            return b""
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        return data

    def connection_lost(self, problem: str) -> Step:
        """Note that the connection is gone, or that its time was up."""
        if self.stage is Stage.CLOSED:
            return Step.OVER
        return self._over(Failure(self.stage, problem=problem))

    @property
    def accepted(self) -> int:
        """How many recipients of the transaction RCPT was accepted for."""
        return len(self._accepted)

    @property
    def after_data(self) -> bool:
        """Whether the session failed when the server may have taken the message already."""
        return self.failure is not None and self.failure.stage is Stage.END

    def dialogue(self) -> tuple[str, ...]:
        """Give what was said, a line each (`C: `, `S: `), without the message."""
        return self._dialogue.lines()

    def _send(self, commands: str) -> None:
        octets = commands.encode()
        self._output.append(octets)
        self._dialogue.add("C", octets)

    def _over(self, failure: Failure) -> Step:
        if self.failure is None:
            self.failure = failure
        self.stage = Stage.CLOSED
        self.usable = False
        return Step.OVER

    def _babble(self, reply: PeerReply) -> Step:
        problem = f"{self.stage.value} was answered with “{reply}”"
        return self._over(Failure(self.stage, problem=problem[:200], babble=True))

    def _refused(self, reply: PeerReply) -> Step:
        if reply.code != _CLOSING:
            self.said_quit = True
            self._send("QUIT\r\n")  # RFC 5321 §3.1: 554 in place of 220 waits for it
        return self._over(Failure(self.stage, reply))

    # -- the opening ------------------------------------------------------------------------

    def _greeting(self, reply: PeerReply) -> Step:
        self.greeted_by = first_word(reply)
        if not reply.positive:
            return self._refused(reply)
        return self._say_hello(self._hello)

    def _say_hello(self, word: bytes) -> Step:
        self._hello = word
        self.stage = Stage.HELLO
        self._send(f"{word.decode()} {self.hostname}\r\n")
        return Step.WAIT

    def _hello_answer(self, reply: PeerReply) -> Step:
        if not reply.positive:
            if self._hello == b"EHLO" and reply.permanent:
                return self._say_hello(b"HELO")  # RFC 5321 §3.2, §4.1.1.1
            return self._refused(reply)
        self.offer = Offer(first_word(reply)) if self._hello == b"HELO" else read_offer(reply)
        if self._starttls and not self.secure and "STARTTLS" in self.offer:
            self.stage = Stage.STARTTLS
            self._send("STARTTLS\r\n")
            return Step.WAIT
        return self._opened()

    def _starttls_answer(self, reply: PeerReply) -> Step:
        if reply.code == _CLOSING:
            return self._refused(reply)
        if reply.code == _READY_FOR_TLS:
            self.stage = Stage.HANDSHAKE
            return Step.TLS
        self.tls_refused = reply
        return self._opened()

    def tls_started(self) -> Step:
        """Begin anew under TLS.

        What the server offered in the clear, and what came in the clear behind its 220, does not
        count (RFC 3207 §4.2).
        """
        self.secure = True
        self._reader.clear()
        return self._say_hello(b"LHLO" if self.lmtp else b"EHLO")

    def _opened(self) -> Step:
        # RFC 2033 §4.2 has a server of LMTP offer PIPELINING; who does not offer it gets none.
        self._pipelining = "PIPELINING" in self.offer
        self._mail_rows = [row.mail for row in self.offer.rows if row.mail is not None]
        self.stage = Stage.IDLE
        self._dialogue.opened()
        return Step.READY

    def _unasked(self, reply: PeerReply) -> Step:
        return self._refused(reply) if reply.code == _CLOSING else self._babble(reply)

    # -- a transaction ----------------------------------------------------------------------

    def begin(self, transaction: Transaction) -> Step:
        """Begin a transaction; only after READY, or after DONE where `usable`."""
        self._dialogue.begin()
        self.answers = [None] * len(transaction.recipients)
        if self.stage is not Stage.IDLE:
            return self._over(Failure(self.stage, problem="the session is over"))
        if self._reader.pending:
            problem = "the server speaks out of turn"
            return self._over(Failure(self.stage, problem=problem, babble=True))
        self._transaction = transaction
        self._turn = 0
        self._accepted = []
        self._mail_refused = False
        mail = f"MAIL FROM:<{transaction.sender}>"
        for row in self._mail_rows:
            mail += row(transaction)
        mail += "\r\n"
        self.stage = Stage.MAIL
        if self._dirty:
            mail = "RSET\r\n" + mail if self._pipelining else "RSET\r\n"
            self.stage = Stage.RESET
        if self._pipelining:
            # RFC 2920 §3.1: all up to DATA may go at once.
            rcpt = ">\r\nRCPT TO:<".join(transaction.recipients)
            mail += f"RCPT TO:<{rcpt}>\r\nDATA\r\n"
        self._dirty = True
        self._send(mail)
        return Step.WAIT

    def _reset_answer(self, reply: PeerReply) -> Step:
        if not reply.positive:
            return self._refused(reply) if reply.code == _CLOSING else self._babble(reply)
        if not self._pipelining:
            assert self._transaction is not None  # noqa: S101 -- for the type checker
            self._dirty = False
            self.stage = Stage.IDLE
            return self.begin(self._transaction)
        self.stage = Stage.MAIL
        return Step.WAIT

    def _mail_answer(self, reply: PeerReply) -> Step:
        if not reply.positive:
            if reply.code == _CLOSING:
                return self._refused(reply)
            if reply.code // 100 == _POSITIVE:
                return self._babble(reply)
            self._mail_refused = True
            self.answers = [Answer(reply, Stage.MAIL)] * len(self.answers)
            if not self._pipelining:
                return self._done()
        self.stage = Stage.RCPT
        if not self._pipelining:
            self._next_rcpt()
        return Step.WAIT

    def _next_rcpt(self) -> None:
        assert self._transaction is not None  # noqa: S101 -- for the type checker
        self._send(f"RCPT TO:<{self._transaction.recipients[self._turn]}>\r\n")

    def _rcpt_answer(self, reply: PeerReply) -> Step:
        if reply.positive:
            self._accepted.append(self._turn)
        elif reply.code // 100 == _POSITIVE:
            return self._babble(reply)
        elif reply.code == _CLOSING:
            return self._refused(reply)
        elif not self._mail_refused:
            self.answers[self._turn] = Answer(reply, Stage.RCPT)
        self._turn += 1
        if self._turn < len(self.answers):
            if not self._pipelining:
                self._next_rcpt()
        elif self._pipelining:
            self.stage = Stage.DATA
        elif self._accepted:
            self.stage = Stage.DATA
            self._send("DATA\r\n")
        else:
            return self._done()
        return Step.WAIT

    def _data_answer(self, reply: PeerReply) -> Step:
        first = reply.code // 100
        if first == _POSITIVE:
            if self._accepted and not self._mail_refused:
                self.stage = Stage.BODY
                return Step.BODY
            return self._unwanted_go_ahead()
        if reply.positive:
            return self._babble(reply)
        if reply.code == _CLOSING:
            return self._refused(reply)
        if not self._mail_refused:
            self._decide(Answer(reply, Stage.DATA))
        return self._done()

    def _unwanted_go_ahead(self) -> Step:
        """Get out of a 354 without a recipient (RFC 2920 §3.1): a lone dot ends no message.

        Where the server refused MAIL and yet has a recipient, a dot would deliver an empty
        message; and LMTP gives no reply to a dot for nobody. There the connection is closed.
        """
        if self._accepted or self.lmtp:
            problem = "DATA was let through without a sender or a recipient"
            return self._over(Failure(Stage.DATA, problem=problem, babble=True))
        self.stage = Stage.NOTHING
        self._send(".\r\n")
        return Step.WAIT

    def _nothing_answer(self, reply: PeerReply) -> Step:
        del reply  # a transaction of nobody; the replies to MAIL and RCPT stand
        return self._done()

    def body_sent(self) -> None:
        """Note that the message is sent with its dot; from here on the server may have it."""
        if self.stage is Stage.BODY:
            self._dialogue.add("=", b"the message")
            self.stage = Stage.END
            self._turn = 0

    def _early_answer(self, reply: PeerReply) -> Step:
        """Take a reply before the dot: a no ends it, and a yes to half a message is no reply."""
        if reply.code // 100 <= _POSITIVE:
            return self._babble(reply)
        if reply.code == _CLOSING:
            return self._refused(reply)
        self._decide(Answer(reply, Stage.BODY))
        self.usable = False
        return self._done()

    def _end_answer(self, reply: PeerReply) -> Step:
        if reply.code // 100 == _POSITIVE:
            return self._babble(reply)
        if not self.lmtp or reply.code == _CLOSING:
            self._decide(Answer(reply, Stage.END))
        else:
            # RFC 2033 §4.2: one reply for each accepted RCPT, in their order
            self.answers[self._accepted[self._turn]] = Answer(reply, Stage.END)
            self._turn += 1
            if self._turn < len(self._accepted):
                return Step.WAIT
        self._dirty = False
        if reply.code == _CLOSING:
            self.usable = False
        return self._done()

    def _decide(self, answer: Answer) -> None:
        for index in self._accepted:
            if self.answers[index] is None:
                self.answers[index] = answer

    def _done(self) -> Step:
        self.stage = Stage.IDLE
        return Step.DONE

    # -- the end ----------------------------------------------------------------------------

    def quit(self) -> bool:
        """Say QUIT where it may be said; False where the connection is just to be closed."""
        if self.stage is not Stage.IDLE or not self.usable:
            return False
        self.stage = Stage.QUIT
        self.said_quit = True
        self._send("QUIT\r\n")
        return True

    def _quit_answer(self, reply: PeerReply) -> Step:
        return self._over(Failure(Stage.QUIT, reply))
