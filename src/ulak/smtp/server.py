"""The server's side of one SMTP session, without sockets (RFC 5321 §§2–4).

Feed it octets, take events from it, answer each event with a reply, and send what `output`
gives. The core decides syntax and order; who may send what to whom is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp import events, grammar
from ulak.smtp.body import BodyReader
from ulak.smtp.events import Event
from ulak.smtp.states import ORDER, State

_NOT_IMPLEMENTED = frozenset(
    {"SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "AUTH", "BDAT", "BURL", "XCLIENT", "XFORWARD"}
)
# What a browser, not a mail client, begins with (cross-protocol attacks).
_FOREIGN = frozenset(
    {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE"}
)
_CHEAP = frozenset({"NOOP", "RSET", "VRFY", "EXPN", "HELP", "EHLO", "HELO"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may use up. Octets and counts.

    RFC 5321 §4.5.3.1.4 asks for command lines of 512 octets and more for extensions; 2,048 is
    room for all of them.
    """

    command_line: int = 2048
    message_size: int = 50_000_000
    errors: int = 20
    cheap_commands: int = 100  # that do not bring a message along


class ServerCore:
    """One session. `secure` says whether TLS is on; `offer_tls` whether STARTTLS is to be had."""

    def __init__(
        self, hostname: str, limits: Limits, *, offer_tls: bool = False, secure: bool = False
    ) -> None:
        self.hostname = hostname
        self.limits = limits
        self.secure = secure
        self.state = State.CONNECTED
        self.extended = False
        self.client_name = ""
        self.smtputf8 = False
        self._offer_tls = offer_tls
        self._buffer = b""
        self._body: BodyReader | None = None
        self._discarding = False
        self._errors = 0
        self._cheap = 0
        self._ended: events.EndOfData | None = None
        self._output: list[bytes] = []

    # -- bytes ------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take octets from the client."""
        if self.state is not State.CLOSED:
            self._buffer = self._buffer + data if self._buffer else data

    def output(self) -> bytes:
        """Give what is to be sent now."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    @property
    def waiting(self) -> int:
        """How many octets were fed and not yet looked at."""
        return len(self._buffer)

    @property
    def closed(self) -> bool:
        """Whether the connection is to be closed once the output is sent."""
        return self.state is State.CLOSED

    # -- replies ----------------------------------------------------------------------------

    def greet(self, reply: Reply) -> None:
        """Open the session: 220, or 554 after which only QUIT is answered, or 421 and close."""
        self._output.append(reply.to_wire())
        if reply.code == 421:  # noqa: PLR2004 -- RFC 5321 §3.8
            self.close()
        elif not reply.positive:
            self.state = State.REFUSED

    def answer(self, event: Event, reply: Reply) -> None:
        """Answer an event; a positive answer moves the session on."""
        self._output.append(reply.to_wire())
        if reply.code == 421 or isinstance(event, events.Quit):  # noqa: PLR2004 -- RFC 5321 §3.8
            self.close()
            return
        if isinstance(event, events.EndOfData):
            self.reset()
            if event.fault is not None and event.fault.cause == catalog.BARE_LINE_END.name:
                # Somebody may have meant another end of the message than we saw: trust nothing
                # that follows.
                self.close()
            return
        if not reply.positive:
            self._errors += reply.permanent
            if isinstance(event, events.Refused) and event.closing:
                self.close()
            return
        match event:
            case events.Hello(name, extended):
                self.reset()
                self.state, self.client_name, self.extended = State.READY, name, extended
            case events.Mail():
                self.state, self.smtputf8 = State.SENDER, event.smtputf8
                self._cheap = 0
            case events.Recipient():
                self.state = State.RECIPIENTS
            case events.Data():
                self.state = State.MESSAGE
                self._body = BodyReader()
            case events.Reset():
                self.reset()
            case events.StartTls():
                # RFC 3207 §4.2: what was said or sent before the handshake is forgotten.
                self._buffer = b""
            case _:
                pass

    def tls_started(self) -> None:
        """Begin anew under TLS: the client has to say EHLO again (RFC 3207 §4.2)."""
        self.secure = True
        self._buffer = b""
        self.client_name = ""
        self.reset()
        self.state = State.CONNECTED

    def reset(self) -> None:
        """Forget the transaction (RFC 5321 §4.1.1.5)."""
        self._body = None
        self._ended = None
        self.smtputf8 = False
        if self.state not in (State.CONNECTED, State.REFUSED, State.CLOSED):
            self.state = State.READY

    def close(self) -> None:
        """Say no more after what is in the output."""
        self.state = State.CLOSED
        self._buffer = b""

    def hello_lines(self, *, vrfy: bool) -> list[str]:
        """Give the lines of the answer to EHLO: what is offered in this state."""
        lines = [
            f"{self.hostname} greets {self.client_name or 'you'}",
            "PIPELINING",
            f"SIZE {self.limits.message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        ]
        if vrfy:
            lines.append("VRFY")
        if self._offer_tls and not self.secure:
            lines.append("STARTTLS")
        lines.append("HELP")
        return lines

    # -- events -----------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """Give the next thing the client said, or None until more octets come."""
        if self._ended is not None:
            ended, self._ended = self._ended, None
            return ended
        if not self._buffer or self.state is State.CLOSED:
            return None
        if self._body is not None:
            return self._message_event(self._body)
        return self._command_event()

    def _message_event(self, body: BodyReader) -> Event | None:
        if body.done:
            return None  # EndOfData waits for its answer
        piece, self._buffer = body.feed(self._buffer)  # what follows the end stays
        if not body.done:
            # Past the limit nothing is kept, but the end is looked for as strictly as before.
            if not piece or body.size > self.limits.message_size or body.bare:
                return None
            return events.Chunk(piece)
        fault: Reply | None = None
        if body.bare:
            fault = catalog.BARE_LINE_END.reply(octet=body.bare)
        elif body.size > self.limits.message_size:
            fault = catalog.MESSAGE_TOO_LARGE.reply(limit=self.limits.message_size)
        ended = events.EndOfData(body.size, fault)
        if piece and fault is None:
            self._ended = ended
            return events.Chunk(piece)
        return ended

    def _command_event(self) -> Event | None:
        line = self._line()
        if line is None or isinstance(line, events.Refused):
            return line
        if self._errors >= self.limits.errors or self._cheap >= self.limits.cheap_commands:
            return events.Refused(catalog.TOO_MANY_ERRORS.reply(), closing=True)
        try:
            return self._parse(line)
        except grammar.GrammarError as error:
            verb = line[:4].upper()
            row = catalog.BAD_ADDRESS if verb in (b"MAIL", b"RCPT") else catalog.SYNTAX_ERROR
            return events.Refused(row.reply(problem=error))

    def _line(self) -> bytes | events.Refused | None:
        limit = self.limits.command_line
        end = self._buffer.find(b"\r\n")
        bare = self._bare(self._buffer if end < 0 else self._buffer[:end], complete=end >= 0)
        if bare and not self._discarding:
            # Where the client thinks its command ended is anybody's guess: nothing after it is
            # executed.
            self._buffer = b""
            return events.Refused(catalog.BARE_LINE_END.reply(code=500, octet=bare), closing=True)
        if end < 0:
            if len(self._buffer) > limit:
                self._discarding = True
                self._buffer = self._buffer[-1:]
            return None
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        if self._discarding or len(line) + 2 > limit:
            self._discarding = False
            return events.Refused(catalog.LINE_TOO_LONG.reply(limit=limit))
        return line

    @staticmethod
    def _bare(line: bytes, *, complete: bool) -> str:
        if b"\n" in line:
            return "LF"
        at = line.find(b"\r")
        if at >= 0 and (complete or at < len(line) - 1):
            return "CR"
        return ""

    def _parse(self, line: bytes) -> Event:
        verb_octets, _, rest_octets = line.partition(b" ")
        verb = verb_octets.decode("ascii", "replace").upper()
        if self.state is State.REFUSED and verb != "QUIT":
            self._errors += 1
            return events.Refused(catalog.REFUSED_EARLIER.reply())
        if verb not in ORDER:
            if verb in _FOREIGN:
                return events.Refused(catalog.NOT_OUR_PROTOCOL.reply(), closing=True)
            if verb in _NOT_IMPLEMENTED:
                return events.Refused(catalog.NOT_IMPLEMENTED.reply(command=verb))
            return events.Refused(catalog.UNKNOWN_COMMAND.reply())
        try:
            rest = rest_octets.decode()
        except UnicodeDecodeError:
            message = "the command is neither ASCII nor UTF-8"
            raise grammar.GrammarError(message) from None
        if any(c < " " or c == "\x7f" for c in rest):
            message = "there is a control character in the command"
            raise grammar.GrammarError(message)
        self._cheap += verb in _CHEAP
        allowed, problem = ORDER[verb]
        if self.state not in allowed:
            return self._out_of_order(verb, problem)
        return self._command(verb, rest)

    def _out_of_order(self, verb: str, problem: str) -> events.Refused:
        if verb == "DATA" and self.state is State.SENDER:
            # RFC 5321 §3.3: every RCPT was refused
            return events.Refused(catalog.DATA_REFUSED.reply())
        return events.Refused(catalog.BAD_SEQUENCE.reply(problem=problem))

    def _command(self, verb: str, rest: str) -> Event:
        match verb:
            case "MAIL":
                return self._mail(rest)
            case "RCPT":
                return self._recipient(rest)
            case "EHLO" | "HELO":
                return events.Hello(grammar.parse_hello(rest), verb == "EHLO")
            case "VRFY" | "EXPN":
                return self._user(verb, rest)
            case "NOOP":
                return events.Noop()
            case "HELP":
                return events.Help()
            case _:
                pass
        if rest.strip(" "):
            message = f"{verb} takes no argument"
            raise grammar.GrammarError(message)
        match verb:
            case "DATA":
                return events.Data()
            case "RSET":
                return events.Reset()
            case "STARTTLS" if self._offer_tls and not self.secure:
                return events.StartTls()
            case "STARTTLS" if self.secure:
                problem = "TLS is on already"
                return events.Refused(catalog.BAD_SEQUENCE.reply(problem=problem))
            case "STARTTLS":
                return events.Refused(catalog.NOT_IMPLEMENTED.reply(command=verb))
            case _:
                return events.Quit()

    def _mail(self, rest: str) -> Event:
        if rest[:5].upper() != "FROM:":
            message = "MAIL has to be followed by FROM:"
            raise grammar.GrammarError(message)
        sender, rest = grammar.parse_path(rest[5:])
        if sender is not None and not sender.domain:
            message = "the sender has no domain"
            raise grammar.GrammarError(message)
        size, body, smtputf8 = 0, "7BIT", False
        parameters = grammar.parse_parameters(rest)
        if parameters and not self.extended:
            return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=min(parameters)))
        for key, value in parameters.items():
            match key:
                case "SIZE" if value and value.isascii() and value.isdigit() and len(value) <= 20:  # noqa: PLR2004 -- RFC 1870 §3
                    size = int(value)
                case "BODY" if value and value.upper() in ("7BIT", "8BITMIME"):
                    body = value.upper()
                case "SMTPUTF8" if value is None:
                    smtputf8 = True
                case "SIZE" | "BODY" | "SMTPUTF8":
                    return events.Refused(catalog.PARAMETER_BAD.reply(parameter=key))
                case _:
                    return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=key))
        if sender is not None and not sender.ascii and not smtputf8:
            return events.Refused(catalog.NEEDS_SMTPUTF8.reply(code=550))
        if size > self.limits.message_size:
            return events.Refused(catalog.MESSAGE_TOO_LARGE.reply(limit=self.limits.message_size))
        return events.Mail(sender, size, body, smtputf8)

    def _recipient(self, rest: str) -> Event:
        if rest[:3].upper() != "TO:":
            message = "RCPT has to be followed by TO:"
            raise grammar.GrammarError(message)
        address, rest = grammar.parse_path(rest[3:])
        if address is None:
            message = "the forward-path is empty"
            raise grammar.GrammarError(message)
        for key in grammar.parse_parameters(rest):
            return events.Refused(catalog.PARAMETER_UNKNOWN.reply(parameter=key))
        if not address.ascii and not self.smtputf8:
            return events.Refused(catalog.NEEDS_SMTPUTF8.reply())
        return events.Recipient(address)

    def _user(self, verb: str, rest: str) -> Event:
        if not rest.strip(" "):
            message = f"{verb} needs a user or mailbox name"
            raise grammar.GrammarError(message)
        if rest.upper().endswith(" SMTPUTF8"):  # RFC 6531 §3.7.4.2
            rest = rest[:-9]
        elif not rest.isascii():
            return events.Refused(catalog.NEEDS_SMTPUTF8.reply())
        user = grammar.parse_user(rest)
        return events.Verify(user) if verb == "VRFY" else events.Expand(user)
