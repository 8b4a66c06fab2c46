"""What destinations have said last is remembered for those who watch, and not without bound."""

from __future__ import annotations

from ulak.delivery.heard import Heard
from ulak.delivery.line import Job, Round
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.ready import Limits, Ready
from ulak.delivery.site.sites import Sites
from ulak.delivery.standing import stands
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Lease, Message, Pending


def target(key: str, way: Way = Way.SMTP) -> Target:
    return Target(way, key)


def outcome(result: Result, reply: str = "") -> Outcome:
    return Outcome("a@example.net", result, "cause", reply)


def test_outcomes_are_counted_and_the_worst_of_the_last_attempt_is_remembered() -> None:
    heard = Heard(clock=lambda: 7.0)
    heard.note(target("a"), ["x.example"], [outcome(Result.DELIVERED, "250 ok")])
    heard.note(
        target("a"),
        ["x.example", "y.example"],
        [
            outcome(Result.DELIVERED, "250 ok"),
            outcome(Result.DEFERRED, "451 later"),
            outcome(Result.DELIVERED, "250 ok"),
        ],
    )
    (account,) = heard
    assert (account.delivered, account.deferred, account.failed) == (3, 1, 0)
    assert account.last is not None
    assert (account.last.reply, account.time) == ("451 later", 7.0)
    assert list(account.domains) == ["x.example", "y.example"]
    heard.note(target("a"), ["x.example"], [outcome(Result.DELIVERED, "250 at last")])
    (account,) = heard
    assert account.last is not None
    assert account.last.reply == "250 at last"


def test_who_was_heard_of_longest_ago_is_forgotten_first() -> None:
    heard = Heard(clock=lambda: 7.0, most=3)
    for key in "abcad":
        heard.note(target(key), ["x.example"], [outcome(Result.FAILED)])
    assert [account.key for account in heard] == ["c", "a", "d"]


def test_one_destination_has_so_many_domains_that_are_remembered() -> None:
    heard = Heard(clock=lambda: 7.0)
    for number in range(1000):
        heard.note(target("a"), [f"{number}.example"], [outcome(Result.DELIVERED)])
    (account,) = heard
    assert len(account.domains) == 20


def test_a_destination_stands_there_for_its_work_and_for_what_it_has_said() -> None:
    ready, heard = Ready(Limits(), Sites(), lambda: 7.0), Heard(clock=lambda: 7.0)
    message = Message("m", Envelope("", ()), Body(1, b"x"), 0.0)
    for domain in ("x.example", "z.example"):
        pending = (Pending(f"a@{domain}", domain),)
        ready.add(Job(Round(Lease(message, pending, 1)), target("busy"), pending))
    ready.take()
    heard.note(target("busy"), ["y.example"], [outcome(Result.DEFERRED)])
    heard.note(target("idle", Way.LMTP), ["w.example"], [outcome(Result.DELIVERED)])
    assert ready.active == 1
    found = {stand.key: stand for stand in stands(ready, heard)}
    busy, idle = found["busy"], found["idle"]
    assert (busy.way, busy.active, busy.ready) == ("smtp", 1, 1)
    assert set(busy.domains) == {"x.example", "z.example", "y.example"}
    assert busy.account is not None
    assert busy.account.deferred == 1
    assert (idle.way, idle.active, idle.ready, idle.domains) == ("lmtp", 0, 0, ("w.example",))
