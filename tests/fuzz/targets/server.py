"""The server's core (RFC 5321 §§2–4), answered by a host of any mind: its story is one story.

However the octets are cut, the same events, replies and messages come of them; every refusal of
the core's own is a row of the catalog; and nothing that a client can make it keep grows.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from tests.fuzz.octets import Octets, pieces, sound

from ulak.replies import catalog
from ulak.replies.catalog import CATALOG
from ulak.replies.reply import Reply
from ulak.smtp import events
from ulak.smtp.offers import Offers
from ulak.smtp.sasl.exchange import LONGEST_LINE
from ulak.smtp.sasl.table import MECHANISMS, Channel, Ways
from ulak.smtp.server import Limits, ServerCore
from ulak.smtp.states import State

_HOST = "mx.example.org"
_LIMITS = (
    Limits(),
    Limits(command_line=64, message_size=100, errors=3, cheap_commands=4),
    Limits(command_line=512, message_size=2000),
)
_WAYS = Ways(frozenset(MECHANISMS), clear=True)
_OFFERS = (
    Offers(tls=True),
    Offers(kind="submission", longest_hold=1000, expn=True, ways=_WAYS, needs_login=True),
    Offers(kind="lmtp", vrfy=False),
    Offers(withheld=frozenset({"PIPELINING", "CHUNKING", "SMTPUTF8", "DSN"})),
)
_YES = {
    events.Mail: catalog.SENDER_OK,
    events.Recipient: catalog.RECIPIENT_OK,
    events.Data: catalog.START_DATA,
    events.Reset: catalog.RESET_DONE,
    events.Noop: catalog.NOTHING_DONE,
    events.StartTls: catalog.READY_FOR_TLS,
    events.Help: catalog.HELP_TEXT,
    events.Verify: catalog.VRFY_WITHHELD,
    events.Expand: catalog.EXPN_WITHHELD,
}
_LOGIN = (
    catalog.AUTHENTICATION_CONTINUES.challenge(b"eA=="),
    catalog.AUTHENTICATED.reply(),
    catalog.AUTHENTICATION_FAILED.reply(),
)


@dataclass
class Told:
    """What came of a session."""

    events: list[object] = field(default_factory=list)
    output: bytes = b""
    messages: list[bytes] = field(default_factory=list)
    state: State = State.CONNECTED
    dialogue: list[bytes] = field(default_factory=list)


def reply_to(event: events.Event, salt: int) -> Reply:
    """Answer as a host might: the same event always in the same way."""
    mood = zlib.crc32(repr(event).encode("utf-8", "replace"), salt) if salt else 1
    match event:
        case events.Refused(reply):
            return reply
        case events.EndOfData(_, fault) if fault is not None:
            return fault
        case events.Quit():
            return catalog.CLOSING.reply(hostname=_HOST)
        case events.Hello(name):
            return catalog.HELLO.reply(hostname=_HOST, client=name)
        case events.XClient():
            return catalog.READY.reply(hostname=_HOST)
        case events.EndOfChunk(size) if mood % 5:
            return catalog.CHUNK_RECEIVED.reply(octets=size)
        case events.Auth() | events.Response():
            return _LOGIN[mood % len(_LOGIN)]
        case events.EndOfData() if mood % 5:
            return catalog.MESSAGE_QUEUED.reply(id="1")
        case _ if mood % 5:
            return _YES[type(event)].reply()
    if mood % 3 == 0:
        return catalog.INTERNAL_ERROR.reply(id="1")
    if mood % 7 == 0:
        return catalog.SHUTTING_DOWN.reply(hostname=_HOST)
    return catalog.POLICY_REFUSED.reply(problem="a mood")


def talk(parts: list[bytes], core: ServerCore, salt: int) -> Told:
    """Feed pieces and answer everything, up to TLS or the end."""
    told = Told()
    message: list[bytes] = []
    core.greet(catalog.READY.reply(hostname=_HOST))
    told.output += core.output()
    fed = 0
    for part in parts:
        core.feed(part)
        fed += len(part)
        while (event := core.next_event()) is not None:
            if isinstance(event, events.Chunk):
                message.append(event.data)
                continue
            told.events.append(event)
            match event:
                case events.Bdat(first=False):
                    continue
                case events.Data() | events.Bdat():
                    message.clear()
                case events.EndOfData(size, None):
                    told.messages.append(b"".join(message))
                    assert size == len(told.messages[-1])
                case events.Refused(reply):
                    assert reply.cause in CATALOG
                    assert not reply.positive
            if not isinstance(event, events.Bdat):
                reply = reply_to(event, salt)
                if reply.cause == catalog.AUTHENTICATED.name:
                    core.authenticate("ada@example.org")
                if isinstance(event, events.XClient) and reply.positive:
                    core.begin_anew(event.helo or "", event.login or "")
                core.answer(event, reply)
        assert core.waiting < max(core.limits.command_line, LONGEST_LINE + 2) or core.closed
        assert core.received <= fed
        told.output += core.output()
        if core.state is State.HANDSHAKE:
            break
    told.state, told.dialogue = core.state, core.dialogue.lines
    return told


def one(data: bytes) -> None:
    given = Octets(data)
    limits = given.choice(_LIMITS)
    offers = given.choice(_OFFERS)
    salt = given.number(255) if given.flag() else 0
    trusted, secure, known = given.flag(), given.flag(), given.flag()
    places = given.places()
    sent = given.rest()

    def run(parts: list[bytes]) -> Told:
        core = ServerCore(_HOST, limits, offers)
        if secure:
            core.tls_started(Channel(secure=True, certificate=True, binding=True))
        core.place(trusted=trusted, front=trusted)
        if known:
            core.authenticate("ada@example.org")
        return talk(parts, core, salt)

    whole = run([sent])
    assert run(pieces(sent, places)) == whole

    assert sound(whole.output)
    assert whole.output.isascii()
    lines = whole.output.split(b"\r\n")[:-1]
    assert all(4 <= len(line) <= 510 and line[:3].isdigit() for line in lines)
    # One reply an event, and one event a line at most.
    answered = [event for event in whole.events if not isinstance(event, events.Bdat)]
    assert len(lines) == len(answered) + 1
    assert len(answered) <= sent.count(b"\r\n") + 2
    assert len(whole.dialogue) <= 80
    for message in whole.messages:
        assert len(message) <= limits.message_size
