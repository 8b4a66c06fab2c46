"""Recipients on the suppression list: given up without an attempt, and put there by refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.suppressing import SuppressingCarrier
from ulak.delivery.target import Target, Way
from ulak.queue.item import Message
from ulak.suppression.gate import Gate
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.suppressed import Rules, Suppressed

from .posting import Postman, mail, ok, refused
from .virtual import NOON, run

TARGET = Target(Way.SMTP, "mx")


class World:
    def __init__(self, folder: Path, answers: dict[str, Callable[[str], Outcome]]) -> None:
        async def script(_message: Message, to: Sequence[str], _target: Target) -> list[Outcome]:
            return [answers.get(each, ok)(each) for each in to]

        self.store = SqliteSuppressions(folder / "suppressions.db")
        self.postman = Postman(script)
        gate = Gate(
            self.store, self.store, Rules(), local=self.local, clock=lambda: NOON, incident=str
        )
        self.carrier = SuppressingCarrier(self.postman, gate, local=self.local, clock=lambda: NOON)

    @staticmethod
    def local(domain: str) -> bool:
        return domain == "home.example"

    def carry(
        self, name: str, *to: str, sender: str = "grace@home.example", target: Target = TARGET
    ) -> dict[str, Outcome]:
        async def carry() -> list[Outcome]:
            message = mail(name, *to)
            envelope = replace(message.envelope, sender=sender)
            return await self.carrier.carry(replace(message, envelope=envelope), to, target)

        found = run(carry())
        return {outcome.recipient: outcome for outcome in found}


def test_who_is_refused_as_unknown_gets_nothing_more(tmp_path: Path) -> None:
    world = World(tmp_path, {"x@a.example": refused})
    first = world.carry("M1", "x@a.example", "y@a.example")
    assert first["x@a.example"].cause == "no-such-mailbox"
    assert first["y@a.example"].result is Result.DELIVERED
    again = world.carry("M2", "x@a.example", "y@a.example")
    assert world.postman.carried[1].recipients == ("y@a.example",)
    given_up = again["x@a.example"]
    assert given_up.result is Result.FAILED
    assert given_up.cause == "on-suppression-list"
    assert "no such user" in given_up.reply
    assert not given_up.remote
    assert given_up.facts["suppressed-by"] == "M1"
    assert given_up.facts["suppressed-for"] == "no-such-mailbox"
    alone = world.carry("M3", "x@a.example")
    assert alone["x@a.example"].cause == "on-suppression-list"
    assert len(world.postman.carried) == 2, "nothing was asked for it"


def test_other_refusals_and_our_own_findings_put_nobody_there(tmp_path: Path) -> None:
    def said(cause: str, result: Result = Result.FAILED, *, remote: bool = True) -> object:
        return lambda who: replace(refused(who), cause=cause, result=result, remote=remote)

    answers = {
        "policy@a.example": said("policy-refused"),
        "full@a.example": said("mailbox-full"),
        "later@a.example": said("no-such-mailbox", Result.DEFERRED),
        "own@a.example": said("no-such-mailbox", remote=False),
        "ours@home.example": said("no-such-mailbox"),
    }
    world = World(tmp_path, answers)  # type: ignore[arg-type] # as said
    world.carry("M1", *answers)
    assert not world.store.any()


def test_reports_and_mail_for_other_ways_are_not_looked_at(tmp_path: Path) -> None:
    world = World(tmp_path, {})
    world.store.add(Suppressed("x@a.example", since=NOON))
    assert world.carry("M1", "x@a.example", sender="")["x@a.example"].result is Result.DELIVERED
    by_lmtp = world.carry("M1", "x@a.example", target=Target(Way.LMTP, "mx"))
    assert by_lmtp["x@a.example"].result is Result.DELIVERED
    assert world.carry("M1", "x@a.example")["x@a.example"].result is Result.FAILED
