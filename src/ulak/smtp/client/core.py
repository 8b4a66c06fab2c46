"""The client's side of one SMTP or LMTP session with its transactions, without sockets.

(RFC 5321 §§3.3, 4.1; RFC 2033; RFC 2920; RFC 3030.) How it is driven stands in `session`.
"""

from __future__ import annotations

from ulak.mail.envelope import NO_WISHES
from ulak.smtp.client.extensions import Parameters, RecipientParameters, Transaction
from ulak.smtp.client.login import Login
from ulak.smtp.client.reply import PeerReply
from ulak.smtp.client.session import CLOSING, Session
from ulak.smtp.client.states import Answer, Failure, Stage, Step

_POSITIVE = 3  # a first digit under it accepts, and itself goes on (RFC 5321 §4.2.1)


class ClientCore(Session):
    """One session.

    `answers` has one place for each recipient of the transaction, None where nothing was decided.
    """

    def __init__(
        self,
        hostname: str,
        *,
        lmtp: bool = False,
        starttls: bool = False,
        secure: bool = False,
        login: Login | None = None,
    ) -> None:
        super().__init__(hostname, lmtp=lmtp, starttls=starttls, secure=secure, login=login)
        self.answers: list[Answer | None] = []
        self.pipelining = False
        self._mail_rows: list[Parameters] = []
        self._wish_rows: list[Parameters] = []
        self._rcpt_rows: list[RecipientParameters] = []
        self._transaction: Transaction | None = None
        self._dirty = False  # a transaction was begun and not ended: RSET comes first
        self._turn = 0  # the recipient whose reply comes next
        self._chunks = 0  # how many chunks before the last wait for their replies
        self._accepted: list[int] = []
        self._mail_refused = False
        self._take_at |= {
            Stage.RESET: self._reset_answer,
            Stage.MAIL: self._mail_answer,
            Stage.RCPT: self._rcpt_answer,
            Stage.DATA: self._data_answer,
            Stage.BODY: self._early_answer,
            Stage.END: self._end_answer,
            Stage.NOTHING: self._nothing_answer,
        }

    @property
    def accepted(self) -> int:
        """How many recipients of the transaction RCPT was accepted for."""
        return len(self._accepted)

    @property
    def after_data(self) -> bool:
        """Whether the session failed when the server may have taken the message already."""
        return self.failure is not None and self.failure.stage is Stage.END

    def _opened(self) -> Step:
        # RFC 2033 §4.2 has a server of LMTP offer PIPELINING; who does not offer it gets none.
        self.pipelining = "PIPELINING" in self.offer
        rows = self.offer.rows
        self._mail_rows = [row.mail for row in rows if row.mail is not None]
        self._wish_rows = [row.wish for row in rows if row.wish is not None]
        self._rcpt_rows = [row.rcpt for row in rows if row.rcpt is not None]
        return super()._opened()

    # -- the envelope -----------------------------------------------------------------------

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
        self._chunks = 0
        self._accepted = []
        self._mail_refused = False
        mail = f"MAIL FROM:<{transaction.sender}>"
        for row in self._mail_rows:
            mail += row(transaction)
        if transaction.wishes is not NO_WISHES:
            for row in self._wish_rows:
                mail += row(transaction)
        mail += "\r\n"
        self.stage = Stage.MAIL
        if self._dirty:
            mail = "RSET\r\n" + mail if self.pipelining else "RSET\r\n"
            self.stage = Stage.RESET
        if self.pipelining:
            # RFC 2920 §3.1: all up to DATA may go at once. A chunk waits for the answers, so that
            # no message is sent to a server that will have none of its recipients.
            mail += self._recipients(transaction)
            if not transaction.chunking:
                mail += "DATA\r\n"
        self._dirty = True
        self._send(mail)
        return Step.WAIT

    def _recipients(self, transaction: Transaction) -> str:
        if transaction.asked and self._rcpt_rows:
            return "".join(map(self._rcpt, transaction.recipients))
        return "RCPT TO:<" + ">\r\nRCPT TO:<".join(transaction.recipients) + ">\r\n"

    def _rcpt(self, recipient: str) -> str:
        transaction = self._transaction
        assert transaction is not None  # noqa: S101 -- for the type checker
        asked = transaction.asked.get(recipient)
        parameters = ""
        if asked is not None:
            for row in self._rcpt_rows:
                parameters += row(transaction, asked)
        return f"RCPT TO:<{recipient}>{parameters}\r\n"

    def _reset_answer(self, reply: PeerReply) -> Step:
        if not reply.positive:
            return self._refused(reply) if reply.code == CLOSING else self._babble(reply)
        if not self.pipelining:
            assert self._transaction is not None  # noqa: S101 -- for the type checker
            self._dirty = False
            self.stage = Stage.IDLE
            return self.begin(self._transaction)
        self.stage = Stage.MAIL
        return Step.WAIT

    def _mail_answer(self, reply: PeerReply) -> Step:
        if not reply.positive:
            if reply.code == CLOSING:
                return self._refused(reply)
            if reply.code // 100 == _POSITIVE:
                return self._babble(reply)
            self._mail_refused = True
            self.answers = [Answer(reply, Stage.MAIL)] * len(self.answers)
            if not self.pipelining:
                return self._done()
        self.stage = Stage.RCPT
        if not self.pipelining:
            self._next_rcpt()
        return Step.WAIT

    def _next_rcpt(self) -> None:
        assert self._transaction is not None  # noqa: S101 -- for the type checker
        self._send(self._rcpt(self._transaction.recipients[self._turn]))

    def _rcpt_answer(self, reply: PeerReply) -> Step:
        if reply.positive:
            self._accepted.append(self._turn)
        elif reply.code // 100 == _POSITIVE:
            return self._babble(reply)
        elif reply.code == CLOSING:
            return self._refused(reply)
        elif not self._mail_refused:
            self.answers[self._turn] = Answer(reply, Stage.RCPT)
        self._turn += 1
        if self._turn < len(self.answers):
            if not self.pipelining:
                self._next_rcpt()
            return Step.WAIT
        assert self._transaction is not None  # noqa: S101 -- for the type checker
        if self._transaction.chunking:
            if not self._accepted or self._mail_refused:
                return self._done()
            self.stage = Stage.BODY
            return Step.BODY
        if self.pipelining:
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
        if reply.code == CLOSING:
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

    # -- the message ------------------------------------------------------------------------

    def chunk(self, size: int, *, last: bool) -> None:
        """Announce so many octets, all of which follow at once (RFC 3030 §2).

        Only where the server `takes_more`. After the last one comes `body_sent`.
        """
        if self.stage is Stage.BODY:
            self._send(f"BDAT {size} LAST\r\n" if last else f"BDAT {size}\r\n")
            if not last:
                self._chunks += 1

    @property
    def takes_more(self) -> bool:
        """Whether more of the message may be sent now; if not, CHUNK says when."""
        return self.pipelining or not self._chunks

    def body_sent(self) -> None:
        """Note that the message is sent to its end; from here on the server may have it."""
        if self.stage is Stage.BODY:
            self._dialogue.add("=", b"the message")
            self.stage = Stage.END
            self._turn = 0

    def _early_answer(self, reply: PeerReply) -> Step:
        """Take a reply before the end: a no ends it, and a yes can only be to a chunk."""
        if reply.positive and self._chunks:
            self._chunks -= 1
            return Step.WAIT if self.pipelining else Step.CHUNK
        if reply.code // 100 <= _POSITIVE:
            return self._babble(reply)
        if reply.code == CLOSING:
            return self._refused(reply)
        self._decide(Answer(reply, Stage.BODY))
        self.usable = False
        return self._done()

    def _end_answer(self, reply: PeerReply) -> Step:
        if self._chunks:
            # A reply to a chunk before the last: where it says no, no is said to the whole.
            if reply.positive:
                self._chunks -= 1
                return Step.WAIT
            return self._early_answer(reply)
        if reply.code // 100 == _POSITIVE:
            return self._babble(reply)
        if not self.lmtp or reply.code == CLOSING:
            self._decide(Answer(reply, Stage.END))
        else:
            # RFC 2033 §4.2: one reply for each accepted RCPT, in their order
            self.answers[self._accepted[self._turn]] = Answer(reply, Stage.END)
            self._turn += 1
            if self._turn < len(self._accepted):
                return Step.WAIT
        self._dirty = False
        if reply.code == CLOSING:
            self.usable = False
        return self._done()

    def _decide(self, answer: Answer) -> None:
        for index in self._accepted:
            if self.answers[index] is None:
                self.answers[index] = answer

    def _done(self) -> Step:
        self.stage = Stage.IDLE
        return Step.DONE
