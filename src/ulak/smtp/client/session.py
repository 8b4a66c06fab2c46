"""The client's side of a session: its octets, its opening and its end (RFC 5321 §§3.1, 3.2).

Feed it octets and do what the `Step` says that comes back; after each call send what `output`
gives. A step that asks for something asks for one thing, and nothing a server may rightly say
comes before it is done, so what follows such a step in the octets is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable

from ulak.smtp.client.dialogue import Dialogue
from ulak.smtp.client.extensions import Offer, first_word, read_offer
from ulak.smtp.client.login import Locked, LoggedIn, LoggingIn, Login, Say, log_in
from ulak.smtp.client.reply import Babble, PeerReply, ReplyReader
from ulak.smtp.client.states import Failure, Stage, Step

CLOSING = 421
_READY_FOR_TLS = 220


class Session:
    """One session without its transactions.

    `hostname` is what EHLO says. With `starttls` the session goes to TLS where the server offers
    it; with `secure` it is there from its first octet. With `login` it is ready only when it has
    logged in. `heard` counts replies.
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
        self.hostname = hostname
        self.lmtp = lmtp
        self.secure = secure
        self.offer = Offer()
        self.greeted_by = ""  # the name in the greeting
        self.stage = Stage.GREETING
        self.failure: Failure | None = None
        self.usable = True
        self.said_quit = False
        self.heard = 0
        self.tls_refused: PeerReply | None = None
        self._starttls = starttls
        self._login = login
        self._logging_in: LoggingIn | None = None
        self._reader = ReplyReader()
        self._dialogue = Dialogue()
        self._output: list[bytes] = []
        self._hello = b"LHLO" if lmtp else b"EHLO"
        self._take_at: dict[Stage, Callable[[PeerReply], Step]] = {
            Stage.GREETING: self._greeting,
            Stage.HELLO: self._hello_answer,
            Stage.STARTTLS: self._starttls_answer,
            Stage.AUTH: self._auth_answer,
            Stage.QUIT: self._quit_answer,
            Stage.IDLE: self._unasked,
        }

    # -- octets -----------------------------------------------------------------------------

    def feed(self, data: bytes) -> Step:
        """Take octets from the server."""
        if self.stage in (Stage.HANDSHAKE, Stage.CLOSED):
            return Step.WAIT  # what comes in the clear behind 220 is nobody's (RFC 3207 §4.2)
        if self.stage is not Stage.AUTH:
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
    def locked_out(self) -> bool:
        """Whether the server did not let us log in."""
        failure = self.failure
        if failure is None or failure.stage is not Stage.AUTH or failure.babble:
            return False
        return failure.reply.code != CLOSING if failure.reply is not None else self.said_quit

    def dialogue(self) -> tuple[str, ...]:
        """Give what was said, a line each (`C: `, `S: `), without the message."""
        return self._dialogue.lines()

    def _send(self, commands: str, shown: str = "") -> None:
        octets = commands.encode()
        self._output.append(octets)
        self._dialogue.add("C", shown.encode() if shown else octets)

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
        if reply.code != CLOSING:
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
        return self._log_in()

    def _starttls_answer(self, reply: PeerReply) -> Step:
        if reply.code == CLOSING:
            return self._refused(reply)
        if reply.code == _READY_FOR_TLS:
            self.stage = Stage.HANDSHAKE
            return Step.TLS
        self.tls_refused = reply
        return self._log_in()

    def tls_started(self) -> Step:
        """Begin anew under TLS.

        What the server offered in the clear, and what came in the clear behind its 220, does not
        count (RFC 3207 §4.2).
        """
        self.secure = True
        self._reader.clear()
        return self._say_hello(b"LHLO" if self.lmtp else b"EHLO")

    def _log_in(self) -> Step:
        if self._login is None:
            return self._opened()
        self.stage = Stage.AUTH
        begun = log_in(self._login, self.offer, secure=self.secure)
        if isinstance(begun, Locked):
            return self._locked(begun.problem)
        self._logging_in = begun
        self._tell(begun.command())
        return Step.WAIT

    def _tell(self, say: Say) -> None:
        self._send(f"{say.line}\r\n", f"{say.shown}\r\n")

    def _auth_answer(self, reply: PeerReply) -> Step:
        assert self._logging_in is not None  # noqa: S101 -- for the type checker
        answer = self._logging_in.answer(reply)
        # With a challenge and what SCRAM's server proves passwords could be tried out.
        shown = f"{reply.code} ***" if isinstance(answer, Say) else str(reply)
        self._dialogue.add("S", f"{shown}\r\n".encode())
        match answer:
            case Say():
                self._tell(answer)
                return Step.WAIT
            case LoggedIn():
                return self._opened()
            case Locked(problem):
                return self._locked(problem) if problem else self._refused(reply)

    def _locked(self, problem: str) -> Step:
        self.said_quit = True
        self._send("QUIT\r\n")
        return self._over(Failure(Stage.AUTH, problem=problem))

    def _opened(self) -> Step:
        self.stage = Stage.IDLE
        self._dialogue.opened()
        return Step.READY

    def _unasked(self, reply: PeerReply) -> Step:
        return self._refused(reply) if reply.code == CLOSING else self._babble(reply)

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
