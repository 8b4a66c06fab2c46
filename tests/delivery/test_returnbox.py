"""What comes back: taken apart from other mail, believed only where it can be, and passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.returnbox import ReturnCarrier, Returns, Sent
from ulak.delivery.returnpath import ReturningCarrier
from ulak.delivery.target import Target, Way
from ulak.journal.entry import Kind
from ulak.mail.address import Address
from ulak.mail.envelope import Envelope
from ulak.mail.returnpath import ReturnPath
from ulak.queue.item import Body, Message
from ulak.smtp.grammar import GrammarError, parse_mailbox
from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import Rules

from .posting import Notes, Postman, mail
from .virtual import NOON, run

PATH = ReturnPath("bounces.home.example", (b"s" * 32,))
HERE = Target(Way.MAILDIR, "maildir")
BOB = "bob@a.example"
BOUNCE = (
    b"From: MAILER-DAEMON@a.example\r\nAuto-Submitted: auto-replied\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.example\r\n\r\n"
    b"Final-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
)


@dataclass
class World:
    folder: Path
    known: dict[str, Sent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notes, self.inner = Notes(), Postman()
        self.passed: list[tuple[str, str]] = []
        self.incidents: list[BaseException] = []
        self.store = SqliteSuppressions(self.folder / "suppressions.db")
        gate = Gate(
            self.store, self.store, Rules(), local=lambda _: False, clock=lambda: NOON, incident=str
        )
        returns = Returns(
            PATH,
            ("feedback@home.example",),
            self.known.get,
            self._forward,
            gate,
            self.notes,
            lambda: NOON,
            self._incident,
            _parsed,
        )
        self.carrier = ReturnCarrier(self.inner, returns)

    async def _forward(self, message: Message, about: str, sender: str) -> bool:
        assert message.id == "B1"
        self.passed.append((about, sender))
        return True

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "I1"

    def come(self, *to: str, data: bytes = BOUNCE) -> dict[str, Outcome]:
        message = Message("B1", Envelope("", to), Body(len(data), data), NOON)
        found = run(self.carrier.carry(message, to, HERE))
        return {one.recipient: one for one in found}


def _parsed(text: str) -> Address | None:
    try:
        return parse_mailbox(text)
    except GrammarError:
        return None


def test_a_bounce_is_believed_for_whom_its_address_names(tmp_path: Path) -> None:
    world = World(tmp_path, {"M12345": Sent("grace@home.example", ("c@a.example", BOB))})
    to = PATH.address("M12345".lower(), BOB)
    world.known["m12345"] = world.known["M12345"]
    outcome = world.come(to)[to]
    assert outcome.result is Result.DELIVERED
    (entry,) = world.notes.of(Kind.FAILED)
    assert (entry.message, entry.cause) == ("m12345", "no-such-mailbox")
    assert (entry.facts["recipient"], entry.facts["late"]) == (BOB, "yes")
    assert entry.facts["report"] == "B1"
    assert world.passed == [("m12345", "grace@home.example")]
    assert [one.address for one in world.store.list(NOON)[0]] == [BOB]
    assert not world.inner.carried


def test_a_recipient_that_is_none_of_the_messages_is_not_suppressed(tmp_path: Path) -> None:
    world = World(tmp_path, {"m12345": Sent("grace@home.example", ("c@a.example",))})
    world.come(PATH.address("m12345", BOB))
    assert not world.store.any()
    assert world.passed


def test_what_is_forged_or_too_old_is_an_unknown_mailbox(tmp_path: Path) -> None:
    world = World(tmp_path)
    genuine = PATH.address("m12345", BOB)
    forged = ReturnPath(PATH.domain, (b"t" * 32,)).address("m12345", BOB)
    for to in (genuine, forged, f"ada@{PATH.domain}"):
        outcome = world.come(to)[to]
        assert (outcome.result, outcome.cause) == (Result.FAILED, "no-such-mailbox"), to
    assert not world.passed
    assert not world.notes.entries


def test_other_mail_goes_its_way(tmp_path: Path) -> None:
    world = World(tmp_path, {"m12345": Sent("grace@home.example", (BOB,))})
    to = PATH.address("m12345", BOB)
    found = world.come(to, "ada@home.example", "feedback@home.example")
    assert {one.result for one in found.values()} == {Result.DELIVERED}
    (carried,) = world.inner.carried
    assert carried.recipients == ("ada@home.example", "feedback@home.example")


def test_an_error_inside_leaves_the_mail_waiting(tmp_path: Path) -> None:
    class Broken(dict[str, Sent]):
        def get(self, *_: object) -> Sent:
            raise OSError

    world = World(tmp_path, Broken())
    to = PATH.address("m12345", BOB)
    assert world.come(to)[to].result is Result.DEFERRED
    assert len(world.incidents) == 1


def test_each_recipient_of_who_has_logged_in_has_a_return_address() -> None:
    senders: list[tuple[str, Sequence[str]]] = []

    async def script(message: Message, to: Sequence[str], _: Target) -> list[Outcome]:
        senders.append((message.envelope.sender, tuple(to)))
        return [Outcome(each, Result.DELIVERED, "delivered") for each in to]

    async def carry(account: str, way: Way, sender: str = "grace@home.example") -> list[Outcome]:
        message = replace(mail("m12345", "a@a.example", BOB), account=account)
        message = replace(message, envelope=replace(message.envelope, sender=sender))
        carrier = ReturningCarrier(Postman(script), PATH)
        return await carrier.carry(message, message.envelope.recipients, Target(way, "mx"))

    found = run(carry("grace@home.example", Way.SMTP))
    assert [one.recipient for one in found] == ["a@a.example", BOB]
    assert senders == [
        (PATH.address("m12345", "a@a.example"), ("a@a.example",)),
        (PATH.address("m12345", BOB), (BOB,)),
    ]
    for account, way, sender in (
        ("", Way.SMTP, "grace@home.example"),
        ("grace@home.example", Way.LMTP, "grace@home.example"),
        ("grace@home.example", Way.SMTP, ""),
    ):
        senders.clear()
        run(carry(account, way, sender))
        assert senders == [(sender, ("a@a.example", BOB))]
