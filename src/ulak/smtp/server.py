"""The server's side of one SMTP or LMTP session, without sockets (RFC 5321 §§2–4, RFC 2033).

Feed it octets, take events from it, answer each event with a reply, and send what `output`
gives. The core decides syntax and order; who may send what to whom is the caller's.
"""

from __future__ import annotations

from dataclasses import replace

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp import commands, events, extensions, grammar, refusals
from ulak.smtp.arrival import Arrival, ByChunks, ByData
from ulak.smtp.dialogue import Dialogue
from ulak.smtp.events import Event
from ulak.smtp.extensions import NOTHING_OFFERED
from ulak.smtp.limits import Limits
from ulak.smtp.lines import Fault, LineReader
from ulak.smtp.offers import Offers, Standing
from ulak.smtp.sasl.exchange import LONGEST_LINE
from ulak.smtp.sasl.table import Channel
from ulak.smtp.states import IN_TRANSACTION, LMTP_ORDER, ORDER, State

__all__ = ["Limits", "ServerCore"]

_CLOSES = 421  # the one reply after which the server closes by itself (RFC 5321 §3.8)
_GO_ON = 334
_TLS = 0x16  # the first octet of a TLS handshake
_ABSURD = 16  # limits of a message: a chunk with more is not waited for
_TINY = 256  # octets: a chunk with fewer brings hardly more than a command without a message
_OFFERS = Offers()
_SECURE = Channel(secure=True)
_VERBS = {verb.encode(): verb for verb in (*ORDER, *LMTP_ORDER)}  # as nearly everybody writes them


class ServerCore:
    """One session on a listener that allows what `offers` says.

    `authenticated` is who has logged in, `""` for nobody; `secure` says whether TLS is on.
    """

    __slots__ = (
        "_accepted",
        "_arrival",
        "_before",
        "_binary",
        "_cheap",
        "_errors",
        "_lines",
        "_lmtp",
        "_offered",
        "_order",
        "_output",
        "authenticated",
        "client_name",
        "dialogue",
        "extended",
        "hostname",
        "limits",
        "smtputf8",
        "standing",
        "state",
    )

    def __init__(self, hostname: str, limits: Limits, offers: Offers = _OFFERS) -> None:
        self.hostname = hostname
        self.limits = limits
        self.standing = Standing(offers, limits.message_size)
        self.authenticated = ""
        self._lmtp = offers.kind == "lmtp"
        self._order = LMTP_ORDER if self._lmtp else ORDER
        self._accepted = 0  # RCPT commands of the transaction
        self.state = State.CONNECTED
        self.extended = False
        self.client_name = ""
        self.smtputf8 = False
        self.dialogue = Dialogue()
        self._offered = NOTHING_OFFERED  # until EHLO
        self._lines = LineReader(limits.command_line)
        self._arrival: Arrival | None = None
        self._before = self.state  # where the session stood when octets of a message began
        self._binary = False
        self._errors = 0
        self._cheap = 0
        self._output: list[bytes] = []

    # -- bytes ------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take octets from the client."""
        if self.state is not State.CLOSED and self.state is not State.HANDSHAKE:
            self._lines.feed(data)

    def output(self) -> bytes:
        """Give what is to be sent now."""
        output = self._output
        if len(output) == 1:
            return output.pop()
        data = b"".join(output)
        output.clear()
        return data

    @property
    def waiting(self) -> int:
        """How many octets were fed and not yet looked at."""
        return len(self._lines)

    @property
    def unsent(self) -> int:
        """How many replies wait in the output."""
        return len(self._output)

    @property
    def received(self) -> int:
        """How many octets of the message under way have come."""
        return 0 if self._arrival is None else self._arrival.size

    @property
    def receiving(self) -> bool:
        """Whether a message is under way: its octets come, or its next chunk is waited for."""
        return self.state is State.MESSAGE or self.state is State.CHUNKS

    @property
    def closed(self) -> bool:
        """Whether the connection is to be closed once the output is sent."""
        return self.state is State.CLOSED

    # -- replies ----------------------------------------------------------------------------

    def greet(self, reply: Reply) -> None:
        """Open the session: 220, or 554 after which only QUIT is answered, or 421 and close."""
        self._say(reply)
        if reply.code == _CLOSES:
            self.close()
        elif not reply.positive:
            self.state = State.REFUSED

    def announce(self, reply: Reply) -> None:
        """Say, unasked, that the server closes: 421 (RFC 5321 §3.8)."""
        self._say(reply)
        self.close()

    def answer(self, event: Event, reply: Reply) -> None:
        """Answer an event; a positive answer moves the session on."""
        if not reply.positive and isinstance(event, events.Hello):
            reply = reply.bare()  # RFC 2034 §4: no enhanced code in any response to EHLO
        # RFC 2033 §4.2: in LMTP once for each recipient
        each = self._lmtp and isinstance(event, events.EndOfData) and event.last
        for _ in range(self._accepted if each else 1):
            self._say(reply)
        if reply.code == _CLOSES:
            self.close()
        elif reply.positive:
            self._move(event)
            if isinstance(event, events.Auth | events.Response):
                self.state = State.EXCHANGE if reply.code == _GO_ON else State.READY
        else:
            self._errors += reply.permanent
            if self.state is State.EXCHANGE:
                self.state = State.READY
            if isinstance(event, events.EndOfData | events.EndOfChunk):
                counted = isinstance(self._arrival, ByChunks)
                self.reset()
                if reply.cause == catalog.BARE_LINE_END.name and not counted:
                    # Somebody may have meant another end of the message than we saw: trust
                    # nothing that follows.
                    self.close()
            elif isinstance(event, events.Refused) and event.closing:
                self.close()

    def _move(self, event: Event) -> None:
        match event:
            case events.Mail():
                self.state, self.smtputf8 = State.SENDER, event.smtputf8
                self._binary = event.body == "BINARYMIME"
            case events.Recipient():
                self.state = State.RECIPIENTS
                self._accepted += 1
            case events.Data():
                self.state = State.MESSAGE
                self._arrival = ByData(self.limits.message_size)
            case events.EndOfChunk():
                self.state = State.CHUNKS
            case events.EndOfData():
                self.reset()
                self._errors = self._cheap = 0
                self.dialogue.clear()
            case events.Hello(name, extended):
                self.reset()
                self.state, self.client_name, self.extended = State.READY, name, extended
                self._offer()
            case events.Reset():
                self.reset()
            case events.StartTls():
                # RFC 3207 §4.2: what was sent before the handshake is forgotten.
                self._lines.clear()
                self.state = State.HANDSHAKE
            case events.Quit():
                self.close()
            case _:
                pass

    def blame(self) -> None:
        """Count an error that was ours among the client's: it could be made to repeat it."""
        self._errors += 1

    def _say(self, reply: Reply) -> None:
        wire = reply.to_wire()
        self._output.append(wire)
        self.dialogue.said(reply, wire)

    @property
    def secure(self) -> bool:
        """Whether TLS is on."""
        return self.standing.secure

    def place(self, *, trusted: bool, front: bool) -> None:
        """Note what the client may do by where it is; see `Standing`."""
        if (trusted, front) != (self.standing.trusted, self.standing.front):
            self._stand(replace(self.standing, trusted=trusted, front=front))

    def authenticate(self, identity: str) -> None:
        """Note who has logged in."""
        self.authenticated = identity
        self._stand(replace(self.standing, authenticated=bool(identity)))

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        if self.state is not State.CONNECTED:
            self._offer()

    def _offer(self) -> None:
        self._offered = extensions.offered(self.standing) if self.extended else NOTHING_OFFERED
        # What a login says may be longer than a command (RFC 4954 §4).
        long = "AUTH" in self._offered.commands and not self.authenticated
        self._lines.limit = LONGEST_LINE + 2 if long else self.limits.command_line

    def tls_started(self, channel: Channel = _SECURE) -> None:
        """Begin anew under TLS (RFC 3207 §4.2)."""
        self.standing = replace(self.standing, channel=channel)
        self.begin_anew()

    def begin_anew(self, name: str = "", identity: str = "") -> None:
        """Forget all that the client has said: it has to say EHLO again.

        `name` and `identity` are what another has said for it: its name and who it is.
        """
        self.client_name = name
        self.extended = False
        self.authenticated = identity
        self.standing = replace(self.standing, authenticated=bool(identity))
        self._offer()
        self.reset()
        self.state = State.CONNECTED

    def reset(self) -> None:
        """Forget the transaction (RFC 5321 §4.1.1.5)."""
        self._arrival = None
        self._binary = False
        self._accepted = 0
        self.smtputf8 = False
        if self.state in IN_TRANSACTION:
            self.state = State.READY

    def close(self) -> None:
        """Say no more after what is in the output."""
        self.state = State.CLOSED
        self._lines.clear()

    def hello_lines(self, client: str, now: float) -> list[str]:
        """Give the lines of the answer to EHLO: what is offered as the session stands.

        `now` is in seconds since the epoch.
        """
        greeting = f"{self.hostname} greets {client}"
        return [greeting, *extensions.listing(self.standing, now)]

    # -- events -----------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """Give the next thing the client said, or None until more octets come."""
        if self.state is State.MESSAGE and self._arrival is not None:
            event = self._arrival.next(self._lines)
            if isinstance(event, events.Refused):  # a chunk out of order has passed
                self.state, self._arrival = self._before, None
            return event
        if self.state is State.CLOSED or self.state is State.HANDSHAKE:
            return None
        return self._command_event()

    def _command_event(self) -> Event | None:
        if self.state is State.CONNECTED and self._lines.begins_with(_TLS):
            self.dialogue.hidden("TLS")
            return events.Refused(
                catalog.NOT_OUR_PROTOCOL.reply(code=554, hostname=self.hostname), closing=True
            )
        line = self._lines.next()
        if line is None:
            return None
        if isinstance(line, Fault):
            self.dialogue.hidden(line.name)
            if line is Fault.TOO_LONG and self.state is State.EXCHANGE:
                too_long = catalog.AUTHENTICATION_LINE_TOO_LONG.reply(limit=LONGEST_LINE)
                return events.Refused(too_long)
            if self.state is State.REFUSED and line is Fault.TOO_LONG:
                return events.Refused(catalog.REFUSED_EARLIER.reply())
            return refusals.line_fault(line, self._lines.beginning, self.limits.command_line)
        if self.state is State.EXCHANGE:
            self.dialogue.hidden("credentials")
            return events.Response(line)
        head, _, rest = line.partition(b" ")
        verb = _VERBS.get(head) or head.rstrip().decode("ascii", "replace").upper()
        most = self.limits.command_line
        if len(line) + 2 > most and verb != "AUTH":
            self.dialogue.hidden(Fault.TOO_LONG.name)
            return refusals.line_fault(Fault.TOO_LONG, line[:4], most)
        self.dialogue.heard(line, verb)
        if self._errors >= self.limits.errors or self._cheap >= self.limits.cheap_commands:
            return events.Refused(
                catalog.TOO_MANY_ERRORS.reply(hostname=self.hostname), closing=True
            )
        try:
            return self._command(verb, rest.rstrip(b" \t"))
        except grammar.GrammarError as error:
            return refusals.syntax_error(verb, error)

    def _command(self, verb: str, octets: bytes) -> Event:
        if self.state is State.REFUSED and verb != "QUIT":
            return events.Refused(catalog.REFUSED_EARLIER.reply())
        order = self._order.get(verb)
        if order is None or not extensions.may_be_had(verb, self.standing):
            return refusals.unknown(verb, self.hostname, lmtp=self._lmtp)
        if verb == "BDAT":
            return self._bdat(octets)
        rest = commands.text_of(octets) if octets else ""
        allowed, problem = order
        if self.state not in allowed:
            reply = refusals.out_of_order(verb, self.state, problem, lmtp=self._lmtp)
            return events.Refused(reply)
        if verb in commands.CHEAP:
            self._cheap += 1
        match verb:
            case "MAIL":
                return commands.mail(rest, self.standing, self._offered.mail)
            case "RCPT":
                return commands.recipient(rest, self._offered.rcpt, smtputf8=self.smtputf8)
            case "DATA":
                return commands.data(rest, binary=self._binary)
            case "AUTH":
                return commands.auth(rest, self.standing, extended=self.extended)
            case "XCLIENT":
                return commands.xclient(rest, self.standing)
            case "STARTTLS":
                return commands.start_tls(rest, self.standing)
            case _:
                return commands.plain(verb, rest)

    def _bdat(self, octets: bytes) -> Event:
        """Begin a chunk (RFC 3030 §2).

        Whatever is wrong with it, its octets are let pass before that is said.
        """
        size, last, problem = commands.bdat(commands.text_of(octets))
        largest = self.limits.message_size
        if size > largest * _ABSURD:  # nobody waits for so many
            return events.Refused(catalog.MESSAGE_TOO_LARGE.reply(limit=largest), closing=True)
        self._cheap += size < _TINY and not last
        allowed, out_of_order = ORDER["BDAT"]
        stray = self.state not in allowed
        arrival = self._arrival
        first = not isinstance(arrival, ByChunks)
        if not isinstance(arrival, ByChunks):
            arrival = ByChunks(binary=self._binary, stray=stray)
        refusal: Reply | None = None
        if stray:
            refusal = refusals.out_of_order("BDAT", self.state, out_of_order, lmtp=self._lmtp)
        elif not self.extended:
            refusal = catalog.BAD_SEQUENCE.reply(problem="BDAT comes after EHLO, not HELO")
        elif problem:
            refusal = catalog.SYNTAX_ERROR.reply(problem=problem)
        elif arrival.size + size > largest:
            refusal = catalog.MESSAGE_TOO_LARGE.reply(limit=largest)
        arrival.begin(size, last=last, refusal=refusal)
        self._arrival, self._before = arrival, self.state
        self.state = State.MESSAGE
        return events.Bdat(size, first=first, stray=stray)
