"""What every store does, told once and held by each of them."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue.item import (
    Again,
    Body,
    Done,
    Message,
    Pending,
    Receipt,
    Selection,
    State,
    Still,
)
from ulak.queue.store import RECEIPTS, StorageError

from .driver import ALL, Driver, done, message, waiting
from .heap import Heap


@pytest.fixture(
    params=["memory", "sqlite", "postgres", pytest.param("bucket", marks=pytest.mark.slow)]
)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    remote = request.param in ("postgres", "bucket")
    database = request.getfixturevalue("database").url if remote else ""
    objects = Heap() if request.param == "bucket" else None
    driver = Driver(request.param, tmp_path, database, objects)
    yield driver
    driver.close()


# -- put and lease ------------------------------------------------------------------------------


def test_what_is_put_is_leased_whole(queue: Driver) -> None:
    kept = Message(
        "m1",
        Envelope(
            "ada@example.org",
            ("a@example.net", "b@örnek.example"),
            True,  # noqa: FBT003 -- all fields, in their order
            "BINARYMIME",
            Wishes(
                "FULL",
                "QQ314159 ç",
                True,  # noqa: FBT003
                -3,
                DeliverBy(2000.5, "R", True),  # noqa: FBT003
                1500.25,
                "for;500",
                "<>",
                "dmarc-quarantine",
            ),
            {
                "a@example.net": RecipientWishes(
                    frozenset({"SUCCESS", "DELAY"}), "rfc822;A@example.net"
                ),
                "b@örnek.example": RecipientWishes(frozenset({"NEVER"}), expanded=True),
            },
        ),
        Body(4, b"\x00\xff\r\n"),
        1000.25,
        "tr",
        "s1",
        "ada@example.org",
    )
    pending = [
        Pending(
            *("a@example.net", "example.net", State.READY, 999.5, 3, "c", "450 no", "h", True, "s")
        ),
        Pending("b@örnek.example", "örnek.example", due=1000.0),
    ]
    assert queue.put(kept, pending) is None
    (lease,) = queue.lease(1000.0)
    assert lease.message == kept
    assert lease.pending == tuple(pending)


def test_stores_know_all_that_a_message_has() -> None:
    """Fails when a field is added: the stores have to keep it, and the test above to show it."""
    names = [
        [field.name for field in dataclasses.fields(kind)]
        for kind in (Message, Envelope, Wishes, DeliverBy, RecipientWishes, Body, Pending)
    ]
    assert names == [
        ["id", "envelope", "body", "received", "language", "session", "account", "receipt"],
        ["sender", "recipients", "smtputf8", "body", "wishes", "asked"],
        [
            *("ret", "envid", "require_tls", "priority", "deliver_by", "hold_until", "hold"),
            *("auth", "quarantine"),
        ],
        ["until", "mode", "trace"],
        ["notify", "orcpt", "expanded", "through"],
        ["size", "data", "path", "lost"],  # the last one is of what a store has lost
        [
            *("recipient", "domain", "state", "due", "attempts", "cause", "reply", "host"),
            *("warned", "source"),
        ],
    ]


def test_a_receipt_comes_with_its_message_and_outlives_it(queue: Driver) -> None:
    receipt = Receipt("k1", "digest", "the answer")
    mail = dataclasses.replace(message("m1"), receipt=receipt)
    assert queue.run(queue.store.receipt("k1")) is None
    lease = queue.put(mail, lease=True)
    assert lease is not None
    assert lease.message.receipt is None, "it is nobody's business any more"
    assert queue.run(queue.store.receipt("k1")) == receipt
    queue.settle(lease, *(Done(one.recipient) for one in lease.pending))
    assert queue.run(queue.store.receipt("k1")) == receipt
    assert queue.run(queue.store.receipt("k2")) is None


def test_a_key_is_taken_once_and_is_free_again_after_a_day(queue: Driver) -> None:
    first = dataclasses.replace(message("m1"), receipt=Receipt("k1", "d", "first"))
    queue.put(first)
    again = dataclasses.replace(message("m2"), receipt=Receipt("k1", "d", "second"))
    with pytest.raises(ValueError, match=r"already|queued"):
        queue.put(again)
    assert [row.id for row in queue.list()] == ["m1"]
    kept = queue.run(queue.store.receipt("k1"))
    assert kept is not None
    assert kept.answer == "first"
    later = dataclasses.replace(again, received=first.received + RECEIPTS)
    queue.put(later)
    kept = queue.run(queue.store.receipt("k1"))
    assert kept is not None
    assert kept.answer == "second"


def test_a_message_may_be_leased_as_it_is_put(queue: Driver) -> None:
    mail = message("m1")
    lease = queue.put(mail, lease=True)
    assert lease is not None
    assert lease.message == mail
    assert lease.pending == tuple(waiting(mail))
    assert queue.lease(2000.0) == []
    queue.settle(lease, *done(lease))
    assert queue.count().messages == 0


def test_putting_leases_only_who_is_ready_and_due(queue: Driver) -> None:
    mail = message("m1", "a@x.example", "b@x.example", "c@x.example")
    a, b, c = waiting(mail)
    later, held = replace(b, due=mail.received + 1), replace(c, state=State.HELD)
    lease = queue.put(mail, [a, later, held], lease=True)
    assert lease is not None
    assert lease.pending == (a,)
    assert queue.put(message("m2"), waiting(message("m2"), due=5000.0), lease=True) is None
    assert queue.count().by_state == {State.READY: 2, State.LEASED: 1, State.HELD: 1}


def test_a_lease_hides_its_recipients_from_others(queue: Driver) -> None:
    queue.put(message("m1"))
    (lease,) = queue.lease(1000.0)
    assert queue.lease(9999.0) == []
    assert queue.take() == []
    assert queue.next_due() is None
    assert [row.pending.state for row in queue.list()] == [State.LEASED]
    queue.settle(lease)
    assert len(queue.lease(1000.0)) == 1


def test_the_longest_due_comes_first_and_no_more_than_asked(queue: Driver) -> None:
    for name, due in (("m1", 30.0), ("m2", 10.0), ("m3", 20.0), ("m4", 40.0)):
        mail = message(name)
        queue.put(mail, waiting(mail, due))
    assert [lease.message.id for lease in queue.lease(30.0, 2)] == ["m2", "m3"]
    assert [lease.message.id for lease in queue.lease(30.0, 2)] == ["m1"]
    assert queue.lease(30.0, 0) == []
    assert queue.next_due() == 40.0


def test_recipients_of_one_message_are_leased_together(queue: Driver) -> None:
    mail = message("m1", "a@x.example", "b@y.example", "c@z.example")
    a, b, c = waiting(mail)
    queue.put(mail, [replace(a, due=5.0), replace(b, due=50.0), replace(c, due=500.0)])
    queue.put(message("m2", received=10.0))
    (lease,) = queue.lease(100.0, 1)
    assert [each.recipient for each in lease.pending] == ["a@x.example", "b@y.example"]
    assert queue.lease(400.0)[0].message.id == "m2"


def test_avoided_domains_stay(queue: Driver) -> None:
    queue.put(message("m1", "a@busy.example", "b@free.example"))
    queue.put(message("m2", "c@busy.example"))
    (lease,) = queue.lease(1000.0, avoid={"busy.example"})
    assert [each.recipient for each in lease.pending] == ["b@free.example"]
    assert [each.message.id for each in queue.lease(1000.0, avoid=["other.example"])] == [
        "m1",
        "m2",
    ]


def test_what_is_due_next_is_told_of_those_who_are_not_avoided(queue: Driver) -> None:
    assert queue.next_due(["x.example"], 0.0) is None
    for name, domain, due in (
        *(("m1", "shut.example", 10.0), ("m2", "shut.example", 50.0), ("m3", "x.example", 20.0)),
        *(("m4", "x.example", 70.0), ("m5", "y.example", 60.0)),
    ):
        mail = message(name, f"a@{domain}")
        queue.put(mail, waiting(mail, due))
    assert queue.next_due() == 10.0
    assert queue.next_due(["shut.example"]) == 20.0
    assert queue.next_due(["shut.example"], 20.0) == 60.0
    assert queue.next_due(["shut.example", "y.example"], 20.0) == 70.0
    assert queue.next_due(after=20.0) == 50.0
    assert queue.next_due(after=70.0) is None
    assert queue.next_due(["shut.example", "y.example", "x.example"]) is None
    queue.hold(Selection(ids=("m5",)))
    queue.lease(20.0, avoid=["shut.example"])
    assert queue.next_due(["shut.example"]) == 70.0


# -- whose turn it is ---------------------------------------------------------------------------


def _from(name: str, sender: str, *recipients: str, due: float) -> Message:
    mail = message(name, *recipients, received=due)
    return replace(mail, envelope=replace(mail.envelope, sender=sender))


def _flood(queue: Driver, count: int, sender: str = "ads@huge.example", due: float = 1.0) -> None:
    async def all_at_once() -> None:
        mails = [_from(f"{sender}{n}", sender, due=due) for n in range(count)]
        await asyncio.gather(*(queue.store.put(mail, waiting(mail)) for mail in mails))

    queue.run(all_at_once())


def _order(queue: Driver, limit: int, avoid: Collection[str] = ()) -> Sequence[str]:
    leases = queue.lease(9999.0, limit, avoid)
    return [lease.message.envelope.sender for lease in leases]


@pytest.mark.parametrize("avoid", [(), ["shut.example"]])
def test_a_flood_does_not_delay_who_comes_after_it(queue: Driver, avoid: Collection[str]) -> None:
    _flood(queue, 3000)
    queue.put(_from("m1", "ada@small.example", due=2000.0))
    queue.put(_from("m2", "bob@little.example", due=2001.0))
    first = _order(queue, 150, avoid)
    assert first.index("ada@small.example") < 70
    assert first.index("bob@little.example") < 72
    assert first.count("ads@huge.example") == 148, "nobody waits for who is not there"


def test_who_has_less_there_is_sooner_through_however_much_another_has(queue: Driver) -> None:
    _flood(queue, 1500)
    _flood(queue, 100, "list@middle.example", 2000.0)
    order = _order(queue, 800)
    assert len(order) == 800
    assert order.count("list@middle.example") == 100


def test_every_level_has_a_turn_in_every_lease(queue: Driver) -> None:
    _flood(queue, 200)
    seen = set()
    for n in range(20):
        _flood(queue, 20, f"a@s{n}.example", 2.0)
        seen |= {lease.message.id for lease in queue.lease(9999.0, 10)}
    assert {"ads@huge.example0", "ads@huge.example32", "ads@huge.example128"} <= seen


def test_a_sender_is_known_by_the_domain(queue: Driver) -> None:
    for n in range(40):
        queue.put(_from(f"m{n}", f"user{n}@Huge.example", due=1.0))
    queue.put(_from("last", "new@huge.EXAMPLE", due=0.0))
    queue.put(_from("other", "a@small.example", due=2000.0))
    leases = [lease.message.id for lease in queue.lease(9999.0)]
    assert leases.index("last") == 1, "the first of the second level"
    assert leases.index("other") < 42


def test_mail_that_has_gone_puts_nobody_back(queue: Driver) -> None:
    _flood(queue, 100)
    for lease in queue.lease(9999.0, 60):
        queue.settle(lease, *done(lease))
    queue.drop(Selection(address="ads@huge.example"))
    _flood(queue, 31, "more@huge.example", 5.0)
    queue.put(_from("m1", "ads@huge.example", due=0.0))
    queue.put(_from("m2", "ads@huge.example", due=0.0))
    assert [lease.message.id for lease in queue.lease(9999.0, 2)] == ["m1", "m2"]


def test_what_could_not_be_put_counts_for_nobody(queue: Driver) -> None:
    queue.put(message("m1"))
    names = [f"r{n}@x.example" for n in range(40)]
    with pytest.raises(ValueError, match="queued already"):
        queue.put(_from("m1", "a@small.example", *names, due=1.0))
    _flood(queue, 31, "a@small.example", 5.0)
    queue.put(_from("m2", "a@small.example", due=0.0))
    _flood(queue, 33, due=5.0)
    assert [lease.message.id for lease in queue.lease(9999.0, 2)] == ["m2", "ads@huge.example32"]


def test_recipients_count_and_not_messages(queue: Driver) -> None:
    names = [f"r{n}@x.example" for n in range(40)]
    queue.put(_from("m1", "a@huge.example", *names, due=1.0))
    queue.put(_from("m2", "a@huge.example", due=2.0))
    queue.put(_from("m3", "a@small.example", due=3.0))
    queue.put(_from("m4", "a@small.example", due=4.0))
    leases = [lease.message.id for lease in queue.lease(9999.0)]
    assert leases == ["m1", "m2", "m3", "m4"]
    queue.put(_from("m5", "a@huge.example", due=2.0))
    queue.put(_from("m6", "a@small.example", due=3.0))
    queue.put(_from("m7", "a@small.example", due=4.0))
    assert [lease.message.id for lease in queue.lease(9999.0)] == ["m6", "m5", "m7"]


def test_priority_counts_among_the_mail_of_one_level(queue: Driver) -> None:
    _flood(queue, 40)
    urgent = _from("urgent", "ads@huge.example", due=5.0)
    urgent = replace(urgent, envelope=replace(urgent.envelope, wishes=Wishes(priority=9)))
    queue.put(urgent)
    queue.put(_from("m1", "a@small.example", due=6.0))
    leases = [lease.message.id for lease in queue.lease(9999.0)]
    assert leases[1] == "urgent", "before the others of its level, and in its turn"
    assert "m1" in leases[:42]


# -- wishes -------------------------------------------------------------------------------------


def _wishing(name: str, received: float = 1000.0, **wishes: Any) -> Message:
    mail = message(name, received=received)
    return replace(mail, envelope=replace(mail.envelope, wishes=Wishes(**wishes)))


def test_wishes_are_read_back_wherever_the_message_is(queue: Driver) -> None:
    mail = _wishing("m1", envid="QQ314159", deliver_by=DeliverBy(5.0, "N"))
    asked = {"grace@example.net": RecipientWishes(frozenset({"FAILURE"}), "rfc822;g@x.example")}
    mail = replace(mail, envelope=replace(mail.envelope, asked=asked))
    fresh = queue.put(mail, lease=True)
    assert fresh is not None
    assert fresh.message == queue.read("m1") == mail
    queue.settle(fresh)
    assert queue.take()[0].message == mail
    assert queue.list()[0].wishes == mail.envelope.wishes


def test_mail_is_found_by_when_its_sender_wants_it_delivered(queue: Driver) -> None:
    assert queue.next_deadline() is None
    for name, until in (("m1", 2000.0), ("m2", 3000.5), ("m3", 4000.25)):
        queue.put(_wishing(name, deliver_by=DeliverBy(until, "R")))
    queue.put(_wishing("m4", envid="QQ314159"))
    queue.put(message("m5"))
    assert queue.next_deadline() == 2000.0
    assert queue.next_deadline(2000.0) == 3000.5
    assert queue.next_deadline(4000.25) is None
    for after, until, expected in (
        *((0.0, 1999.0, []), (0.0, 2000.0, ["m1"]), (2000.0, 4000.25, ["m2", "m3"])),
        *((4000.25, math.inf, []), (-math.inf, math.inf, ["m1", "m2", "m3"])),
    ):
        which = Selection(state=State.READY, deadline=(after, until))
        rows = queue.list(which)
        assert [row.id for row in rows] == expected
        assert all(which.matches(row) for row in rows)
    taken = queue.take(Selection(deadline=(0.0, 3500.0)), 1)
    assert [lease.message.id for lease in taken] == ["m1"]
    queue.settle(taken[0], *done(taken[0]))
    assert queue.next_deadline() == 3000.5


def test_mail_that_is_to_be_released_later_waits_until_then(queue: Driver) -> None:
    mail = _wishing("m1", hold_until=5000.0, hold="for;4000")
    assert mail.released == 5000.0
    assert message("m2").released == 1000.0
    assert queue.put(mail, waiting(mail, mail.released), lease=True) is None
    assert queue.lease(4999.0) == []
    assert queue.next_due() == 5000.0
    assert len(queue.lease(5000.0)) == 1


def test_what_has_priority_comes_first_and_what_has_waited_longer_for_an_hour_a_step(
    queue: Driver,
) -> None:
    hour = 3600.0
    for name, received, priority in (
        ("old", 0.0, -2),
        ("plain", 3 * hour, 0),
        ("later", 3 * hour + 1, 0),
        ("urgent", 4 * hour - 1, 1),
        ("too-late", 6 * hour, 2),
    ):
        queue.put(_wishing(name, received, priority=priority))
    in_order = [lease.message.id for lease in queue.lease(10 * hour, 3)]
    assert in_order == ["old", "urgent", "plain"]
    assert queue.next_due() == 3 * hour + 1
    assert [lease.message.id for lease in queue.lease(10 * hour)] == ["later", "too-late"]
    assert queue.next_due() is None


def test_priority_does_not_make_due(queue: Driver) -> None:
    queue.put(_wishing("m1", 500.0, priority=9))
    queue.put(_wishing("m2", 900.0, priority=-9))
    assert queue.lease(499.0) == []
    assert [lease.message.id for lease in queue.lease(1000.0)] == ["m1", "m2"]


def test_priority_counts_beside_avoided_domains(queue: Driver) -> None:
    for n, domain in enumerate(("a", "b", "busy", "c")):
        mail = _wishing(f"m{n}", 10.0 + n, priority=n)
        (one,) = waiting(mail)
        queue.put(mail, [replace(one, domain=f"{domain}.example")])
    leases = queue.lease(99.0, avoid=["busy.example"])
    assert [lease.message.id for lease in leases] == ["m3", "m1", "m0"]


@pytest.mark.parametrize("recipients", [[], ["a@x.example", "a@x.example"]])
def test_a_message_has_recipients_and_each_once(queue: Driver, recipients: list[str]) -> None:
    with pytest.raises(ValueError, match="recipient"):
        queue.put(message("m1"), [Pending(each, "x.example") for each in recipients])
    assert queue.count().messages == 0


def test_an_id_is_queued_once(queue: Driver) -> None:
    queue.put(message("m1"))
    with pytest.raises(ValueError, match="queued already"):
        queue.put(message("m1"))
    assert queue.ids() == ["m1"]


# -- settle -------------------------------------------------------------------------------------


def test_each_recipient_is_settled_as_said(queue: Driver) -> None:
    mail = message("m1", "a@x.example", "b@x.example", "c@x.example")
    queue.put(mail)
    (lease,) = queue.lease(1000.0)
    a, b, c = lease.pending
    again = replace(
        b, due=2000.0, attempts=1, cause="greylisted", reply="451 later", host="mx", warned=True
    )
    queue.settle(lease, Done(a.recipient), Again(again))
    assert [row.pending for row in queue.list()] == [again, c]
    (second,) = queue.lease(3000.0)
    assert second.message == mail
    assert second.pending == (again, c)


def test_the_message_goes_with_its_last_recipient(queue: Driver) -> None:
    queue.put(message("m1", "a@x.example", "b@x.example"))
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, Done("a@x.example"))
    assert queue.read("m1") is not None
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, Done("b@x.example"))
    assert queue.read("m1") is None
    assert queue.count().messages == 0
    assert queue.next_due() is None


def test_settling_may_hold(queue: Driver) -> None:
    queue.put(message("m1"))
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, Again(replace(lease.pending[0], state=State.HELD)))
    assert queue.lease(9999.0) == []
    assert queue.count().by_state[State.HELD] == 1


def test_who_is_settled_again_is_not_leased_whatever_was_said(queue: Driver) -> None:
    queue.put(message("m1"))
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, Again(replace(lease.pending[0], state=State.LEASED)))
    assert queue.count().by_state[State.READY] == 1


def test_a_stale_token_changes_nothing(queue: Driver) -> None:
    queue.put(message("m1"))
    (old,) = queue.lease(1000.0)
    queue.settle(old)
    (new,) = queue.lease(1000.0)
    assert new.token != old.token
    queue.settle(old, *done(old))
    assert queue.count().by_state[State.LEASED] == 1
    queue.settle(new, *done(new))
    assert queue.count().messages == 0


def test_two_leases_of_one_message_do_not_disturb_each_other(queue: Driver) -> None:
    queue.put(message("m1", "a@x.example", "b@y.example"))
    (first,) = queue.lease(1000.0, avoid=["y.example"])
    (second,) = queue.lease(1000.0)
    queue.settle(first, *done(first))
    assert [row.pending.recipient for row in queue.list()] == ["b@y.example"]
    queue.settle(second)
    assert queue.count().by_state[State.READY] == 1


def test_a_lease_goes_on_for_those_who_are_worked_on_still(queue: Driver) -> None:
    queue.put(message("m1", "a@x.example", "b@x.example", "c@x.example"))
    (lease,) = queue.lease(1000.0)
    a, b, c = lease.pending
    queue.settle(lease, Done(a.recipient), Still())
    queue.settle(lease, Again(replace(b, due=500.0, attempts=1)), Still())
    assert [row.pending.state for row in queue.list()] == [State.READY, State.LEASED]
    (other,) = queue.lease(1000.0)
    assert [each.recipient for each in other.pending] == [b.recipient]
    queue.settle(lease, Done(c.recipient))  # the last one: it is over, and is nobody else's
    queue.settle(lease)
    assert [row.pending.state for row in queue.list()] == [State.LEASED]
    queue.settle(other, *done(other))
    assert queue.count().messages == 0


def test_a_lease_that_went_on_gives_the_rest_back(queue: Driver) -> None:
    queue.put(message("m1", "a@x.example", "b@x.example"))
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, Done("a@x.example"), Still())
    queue.settle(lease)
    assert [row.pending.state for row in queue.list()] == [State.READY]


def test_a_settle_that_fails_leaves_a_lease_as_it_went_on(queue: Driver) -> None:
    queue.put(message("m1"))
    lease = queue.put(message("m2", "a@x.example", "b@x.example"), lease=True)
    assert lease is not None
    queue.settle(lease, Done("a@x.example"), Still())
    with pytest.raises(ValueError, match="queued already"):
        queue.put(message("m1"), settle=(lease, (Done("b@x.example"),)))
    queue.settle(lease, Done("b@x.example"))
    assert queue.ids() == ["m1"]


def test_an_outcome_for_a_stranger_is_a_mistake(queue: Driver) -> None:
    queue.put(message("m1"))
    (lease,) = queue.lease(1000.0)
    with pytest.raises(ValueError, match="not in the lease"):
        queue.settle(lease, Done("stranger@example.net"))
    queue.settle(lease, *done(lease))
    assert queue.count().messages == 0


def test_a_report_and_what_it_reports_are_one_step(queue: Driver) -> None:
    failed = queue.put(message("m1"), lease=True)
    assert failed is not None
    report = queue.put(message("m2"), lease=True, settle=(failed, done(failed)))
    assert report is not None
    assert queue.ids() == ["m2"]


def test_a_report_for_a_stale_lease_is_not_put(queue: Driver) -> None:
    failed = queue.put(message("m1"), lease=True)
    assert failed is not None
    queue.settle(failed)
    assert queue.put(message("m2"), lease=True, settle=(failed, done(failed))) is None
    assert queue.ids() == ["m1"]


def test_a_report_that_cannot_be_put_settles_nothing(queue: Driver) -> None:
    queue.put(message("m1"))
    failed = queue.put(message("m2"), lease=True)
    assert failed is not None
    with pytest.raises(ValueError, match="queued already"):
        queue.put(message("m1"), settle=(failed, done(failed)))
    assert queue.ids() == ["m1", "m2"]
    queue.settle(failed, *done(failed))
    assert queue.ids() == ["m1"]


# -- the operator's verbs -----------------------------------------------------------------------


def _mixed(queue: Driver) -> None:
    first = message("m1", "a@x.example", "b@y.example")
    pending = waiting(first, 5000.0)
    queue.put(first, [replace(pending[0], cause="greylisted"), pending[1]])
    queue.put(message("m2", "c@x.example", received=2000.0))


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Selection(), []),
        (Selection(ids=("m1",)), ["a@x.example", "b@y.example"]),
        (Selection(ids=("m2", "m1", "m9")), ["a@x.example", "b@y.example", "c@x.example"]),
        (Selection(domains=("X.example",)), ["a@x.example", "c@x.example"]),
        (
            Selection(domains=("y.example", "x.example")),
            ["a@x.example", "b@y.example", "c@x.example"],
        ),
        (Selection(cause="greylisted"), ["a@x.example"]),
        (Selection(address="B@Y.example"), ["b@y.example"]),
        (Selection(address="ADA@example.ORG"), ["a@x.example", "b@y.example", "c@x.example"]),
        (Selection(address="b@y.exampl\u0131"), []),
        (Selection(address="%"), []),
        (Selection(ids=("m1",), domains=("y.example",)), ["b@y.example"]),
        (Selection(everything=True, domains=("y.example",)), ["b@y.example"]),
        (Selection(before=2000.0), ["a@x.example", "b@y.example"]),
        (Selection(after=1000.0), ["c@x.example"]),
        (Selection(after=999.0, before=2000.0, domains=("x.example",)), ["a@x.example"]),
        (ALL, ["a@x.example", "b@y.example", "c@x.example"]),
    ],
)
def test_conditions_of_a_selection_add_up(
    queue: Driver, which: Selection, expected: list[str]
) -> None:
    _mixed(queue)
    rows = queue.list(which)
    assert [row.pending.recipient for row in rows] == expected
    assert all(which.matches(row) for row in rows)
    taken = [each.recipient for lease in queue.take(which) for each in lease.pending]
    assert taken == expected


def test_a_selection_knows_who_waits_who_is_leased_and_who_is_held(queue: Driver) -> None:
    _mixed(queue)
    queue.hold(Selection(domains=("y.example",)))
    queue.lease(2000.0)
    for state, whose in (
        (State.READY, ["a@x.example"]),
        (State.LEASED, ["c@x.example"]),
        (State.HELD, ["b@y.example"]),
    ):
        rows = queue.list(Selection(state=state))
        assert [row.pending.recipient for row in rows] == whose
        assert all(Selection(state=state).matches(row) for row in rows)
    assert queue.release(Selection(state=State.READY), 3000.0) == 0
    assert queue.drop(Selection(state=State.HELD)) == 1
    assert [row.pending.recipient for row in queue.list()] == ["a@x.example", "c@x.example"]


def test_a_listing_shows_what_there_is(queue: Driver) -> None:
    mail = message("m1")
    queue.put(mail)
    (row,) = queue.list()
    assert (row.id, row.sender, row.size, row.received) == (
        "m1",
        "ada@example.org",
        mail.body.size,
        mail.received,
    )
    assert row.pending == waiting(mail)[0]


def test_retry_makes_due_now_and_leaves_what_is_due(queue: Driver) -> None:
    _mixed(queue)
    assert queue.retry(ALL, 3000.0) == 3
    assert [row.pending.due for row in queue.list()] == [3000.0, 3000.0, 2000.0]
    queue.hold(ALL)
    assert queue.retry(ALL, 1000.0) == 0


def test_what_is_held_waits_until_it_is_released(queue: Driver) -> None:
    _mixed(queue)
    assert queue.hold(Selection(domains=("x.example",))) == 2
    assert queue.hold(Selection(domains=("x.example",))) == 0
    assert [lease.pending[0].recipient for lease in queue.lease(9999.0)] == ["b@y.example"]
    assert queue.release(ALL, 4000.0) == 2
    assert [row.pending.due for row in queue.list(Selection(domains=("x.example",)))] == [
        4000.0,
        2000.0,
    ]
    assert queue.release(ALL, 4000.0) == 0


def test_a_lease_is_not_held_nor_hurried(queue: Driver) -> None:
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    assert (queue.hold(ALL), queue.release(ALL, 1.0), queue.retry(ALL, 1.0)) == (0, 0, 0)
    queue.settle(lease)
    assert queue.list()[0].pending.due == 1000.0


def test_what_was_taken_from_hold_goes_back_to_hold(queue: Driver) -> None:
    _mixed(queue)
    queue.hold(Selection(ids=("m1",)))
    first, second = queue.take()
    assert [each.state for each in first.pending] == [State.HELD, State.HELD]
    assert [each.state for each in second.pending] == [State.READY]
    queue.settle(first, Done("a@x.example"))
    queue.settle(second)
    assert [row.pending.state for row in queue.list()] == [State.HELD, State.READY]


def test_take_takes_no_more_messages_than_asked(queue: Driver) -> None:
    _mixed(queue)
    assert [lease.message.id for lease in queue.take(limit=1)] == ["m1"]
    assert [lease.message.id for lease in queue.take(limit=1)] == ["m2"]
    assert queue.take(limit=0) == []


def test_dropping_removes_and_an_attempt_under_way_brings_nothing_back(queue: Driver) -> None:
    _mixed(queue)
    lease = queue.take(Selection(ids=("m2",)))[0]
    assert queue.drop(Selection(domains=("x.example",))) == 2
    assert queue.ids() == ["m1"]
    queue.settle(lease, Again(replace(lease.pending[0], due=1.0)))
    assert queue.ids() == ["m1"]
    assert queue.drop(Selection()) == 0
    assert queue.drop(ALL) == 1
    assert queue.count().messages == 0


def test_counting_knows_messages_and_states(queue: Driver) -> None:
    assert queue.count().messages == 0
    assert queue.count().by_state == {State.READY: 0, State.LEASED: 0, State.HELD: 0}
    _mixed(queue)
    queue.hold(Selection(domains=("y.example",)))
    queue.lease(2000.0)
    assert queue.count().messages == 2
    assert queue.count().by_state == {State.READY: 1, State.LEASED: 1, State.HELD: 1}


# -- bodies -------------------------------------------------------------------------------------


def _spooled(queue: Driver, identifier: str, *recipients: str) -> Message:
    incoming = getattr(queue.store, "incoming", queue.folder)
    path = incoming / identifier
    path.write_bytes(b"x" * 100)
    mail = message(identifier, *recipients)
    return replace(mail, body=Body(100, path=path))


def _files(queue: Driver) -> list[Path]:
    # Removing a file follows the commit; a verb behind it has seen it done.
    queue.next_due()
    return [
        path
        for path in queue.folder.rglob("*")
        if path.is_file() and path.name != "lock" and "queue.sqlite" not in path.name
    ]


def test_a_body_in_a_file_is_read_from_a_file(queue: Driver) -> None:
    spooled = _spooled(queue, "m1")
    lease = queue.put(spooled, lease=True)
    assert lease is not None
    for found in (lease.message, queue.read("m1")):
        assert found is not None
        assert found.body.path is not None
        assert found.body.path.read_bytes() == b"x" * 100
        assert (found.body.size, found.body.data) == (100, None)
    queue.settle(lease)
    assert queue.lease(1000.0)[0].message == queue.read("m1")


def test_a_file_goes_with_the_last_recipient(queue: Driver) -> None:
    lease = queue.put(_spooled(queue, "m1", "a@x.example", "b@x.example"), lease=True)
    assert lease is not None
    queue.settle(lease, Done("a@x.example"))
    assert len(_files(queue)) == 1
    (lease,) = queue.lease(1000.0)
    queue.settle(lease, *done(lease))
    assert _files(queue) == []


def test_a_file_stays_while_somebody_is_worked_on(queue: Driver) -> None:
    lease = queue.put(_spooled(queue, "m1", "a@x.example", "b@x.example"), lease=True)
    assert lease is not None
    queue.settle(lease, Done("a@x.example"), Still())
    queue.drop(ALL)
    assert len(_files(queue)) == 1
    queue.settle(lease, Done("b@x.example"))
    assert _files(queue) == []


def test_a_dropped_file_stays_while_somebody_reads_it(queue: Driver) -> None:
    lease = queue.put(_spooled(queue, "m1"), lease=True)
    queue.put(_spooled(queue, "m2"))
    assert lease is not None
    queue.drop(ALL)
    assert len(_files(queue)) == 1
    assert lease.message.body.path is not None
    assert lease.message.body.path.exists()
    queue.settle(lease, *done(lease))
    assert _files(queue) == []


# -- waiting and ending -------------------------------------------------------------------------


def test_many_at_once_are_all_kept(queue: Driver) -> None:
    mails = [message(f"m{n}") for n in range(500)]

    async def all_at_once() -> None:
        leases = await asyncio.gather(
            *(queue.store.put(mail, waiting(mail), lease=True) for mail in mails)
        )
        await asyncio.gather(
            *(queue.store.settle(lease, done(lease)) for lease in leases[::2] if lease is not None)
        )

    queue.run(all_at_once())
    assert sorted(queue.ids()) == sorted(mail.id for mail in mails[1::2])


def test_a_message_may_have_many_recipients(queue: Driver) -> None:
    mail = message("m1", *(f"r{n:03}@x.example" for n in range(333)))
    lease = queue.put(mail, lease=True)
    assert lease is not None
    assert lease.pending == tuple(waiting(mail))
    queue.settle(lease, *(Done(each.recipient) for each in lease.pending[:200]))
    (lease,) = queue.lease(1000.0)
    assert lease.message == mail
    assert lease.pending == tuple(waiting(mail)[200:])
    queue.settle(lease, *(Again(replace(each, due=5000.0)) for each in lease.pending[:33]))
    assert [row.pending.due for row in queue.list()] == [5000.0] * 33 + [1000.0] * 100


def test_one_bad_message_among_many_fails_alone(queue: Driver) -> None:
    queue.put(message("m7"))
    mails = [message(f"m{n}") for n in range(20)]

    async def all_at_once() -> list[object]:
        return await asyncio.gather(
            *(queue.store.put(mail, waiting(mail)) for mail in mails), return_exceptions=True
        )

    results = queue.run(all_at_once())
    assert [type(each) for each in results] == [type(None)] * 7 + [ValueError] + [type(None)] * 12
    assert sorted(queue.ids()) == sorted(mail.id for mail in mails)


def test_a_closed_store_does_nothing(queue: Driver) -> None:
    queue.run(queue.store.close())
    queue.run(queue.store.close())
    with pytest.raises(StorageError, match="closed"):
        queue.put(message("m1"))
    with pytest.raises(StorageError, match="closed"):
        queue.list()
