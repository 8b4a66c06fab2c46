"""The worker delivers, retries, reports and stops, and loses nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.delivery.outcome import Outcome
from ulak.delivery.ready import Limits
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.mail.envelope import Wishes, domain_of
from ulak.queue.item import Body, Lease, Message, Pending, Selection, State
from ulak.queue.memory import MemoryStore
from ulak.queue.retry import Retry
from ulak.replies import catalog

from .posting import (
    ALL,
    DAY,
    HOUR,
    Carried,
    Post,
    Script,
    deferred,
    deliver_all,
    mail,
    ok,
    refused,
)
from .virtual import NOON, clock, run

# -- the fast way ---------------------------------------------------------------------------------


def test_a_message_is_carried_at_once_and_leaves_the_queue() -> None:
    async def main() -> None:
        post = Post()
        async with post.working():
            await post.put("M1", "ada@a.example")
            await post.idle()
            assert await post.rows() == []
            assert post.postman.carried == [
                Carried(NOON, "M1", ("ada@a.example",), "smtp:192.0.2.1:25")
            ]
            (entry,) = post.notes.entries
            assert (entry.kind, entry.cause, entry.message) == (Kind.DELIVERED, "delivered", "M1")
            assert entry.facts["host"] == "mx [192.0.2.1]:25"
            assert entry.facts["recipient"] == "ada@a.example"
        assert post.postman.closed
        assert "lease" in post.store.asked  # the first look; nothing was read back

    run(main())


def test_recipients_at_one_target_go_together_and_no_more_than_the_limit() -> None:
    async def main() -> None:
        post = Post(limits=Limits(recipients=3))
        async with post.working():
            many = [f"u{i}@a.example" for i in range(7)]
            await post.put("M1", *many, "ada@b.example")
            await post.idle()
            assert await post.rows() == []
        sizes = sorted((c.key[-5:-3], len(c.recipients)) for c in post.postman.carried)
        assert sizes == [(".1", 1), (".1", 3), (".1", 3), (".2", 1)]

    run(main())


def test_who_is_delivered_is_settled_though_another_takes_long() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        await asyncio.sleep(600 if ".2:" in target.key else 1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "ada@a.example", "bob@b.example", "eve@c.example")
            await asyncio.sleep(2)
            rows = await post.rows()
            assert [(r.pending.recipient, r.pending.state) for r in rows] == [
                ("bob@b.example", State.LEASED)
            ]
            await asyncio.sleep(600)
            assert await post.rows() == []
        assert len(post.postman.carried) == 3

    run(main())


def test_a_domain_is_looked_up_once_for_all_who_wait() -> None:
    async def main() -> None:
        post = Post(mx={"far.example": 2.0})
        async with post.working():
            for i in range(5):
                await post.put(f"M{i}", "ada@far.example", f"ada@{'abcde'[i]}.example")
            await asyncio.sleep(1)
            assert len(post.postman.carried) == 5  # the others did not wait for DNS
            await asyncio.sleep(10)
            assert len(post.postman.carried) == 10
            assert await post.rows() == []
        assert post.zone.asked.count(("far.example", "MX")) == 1

    run(main())


def test_the_postmaster_of_this_server_always_gets_mail() -> None:
    async def main() -> None:
        post = Post(mx={"mx.home.example": 0})
        async with post.working():
            await post.put("M1", "Postmaster@mx.home.example")
            await post.put("M2", "postmaster")
            await post.put("M3", "ada@mx.home.example")
            await asyncio.sleep(1)
        assert {c.message for c in post.local.carried} == {"M1", "M2"}
        failed = post.notes.of(Kind.FAILED)
        assert [(e.message, e.cause) for e in failed] == [("M3", "route-to-self")]

    run(main())


# -- a week of retries ----------------------------------------------------------------------------


def test_a_week_of_retries_a_warning_and_the_end() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [(ok if ".99:" in target.key else deferred)(r) for r in recipients]

    async def main() -> Post:
        post = Post(script)
        async with post.working():
            await post.put("M1", "ada@a.example")
            await asyncio.sleep(7 * DAY)
            assert await post.rows() == []
        return post

    post = run(main())
    tries = [c.at - NOON for c in post.postman.carried if c.message == "M1"]
    waits = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert tries[0] == 0
    assert waits[:3] == [pytest.approx(w * 1.1, abs=1) for w in (300, 600, 1200)]
    assert max(waits) <= 3 * HOUR * 1.2 + 1
    assert tries[-1] == pytest.approx(5 * DAY, abs=1)
    assert post.incidents == []
    reports = [c for c in post.postman.carried if c.message != "M1"]
    assert [c.recipients for c in reports] == [("grace@home.example",)] * 2
    late, last = (c.at - NOON for c in reports)
    assert 4 * HOUR <= late < 4 * HOUR + max(waits)
    assert last == tries[-1]
    texts = [b for b in post.postman.bodies if b"multipart/report" in b]
    assert b"Action: delayed" in texts[0]
    assert b"Will-Retry-Until: Sun, 08 Nov 2026 12:00:00 +0000" in texts[0]
    assert b"Action: failed" in texts[1]
    assert b"Status: 5.4.7" in texts[1]
    told = [(e.kind, e.cause) for e in post.notes.entries if e.message == "M1"]
    assert Counter(told) == {
        (Kind.DEFERRED, "connection-failed"): len(tries) - 1,
        (Kind.FAILED, "expired"): 1,
        (Kind.REPORTED, "connection-failed"): 2,
    }


def test_the_store_is_asked_when_something_is_due_and_not_in_between() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [deferred(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, retry=Retry(first=50.0, longest=50.0, jitter=0))
        async with post.working():
            await post.put("M1", "ada@a.example")
            await post.idle()
            await asyncio.sleep(205)
            asked = Counter(post.store.asked)
        tries = [c.at - NOON for c in post.postman.carried]
        assert tries == [pytest.approx(50 * i, abs=0.2) for i in range(5)]
        assert asked["lease"] < 20

    run(main())


async def put_for_later(post: Post, name: str, wait: float, *recipients: str) -> None:
    """Take a message over as a session does whose client asked for a later release."""
    message = mail(name, *recipients)
    wishes = Wishes(hold_until=message.received + wait)
    message = replace(message, envelope=replace(message.envelope, wishes=wishes))
    pending = [Pending(r, domain_of(r), due=message.released) for r in recipients]
    await post.store.put(message, pending)
    post.worker.later(message.released)


def test_mail_for_later_leaves_when_it_is_released_to_the_second() -> None:
    async def main() -> None:
        post = Post()
        async with post.working():
            await put_for_later(post, "M2", 5.0, "ada@a.example")
            await put_for_later(post, "M1", 2.0, "ada@a.example")
            await asyncio.sleep(300)
            await put_for_later(post, "M3", DAY, "ada@b.example")
            await asyncio.sleep(2 * DAY)
        assert [c.message for c in post.postman.carried] == ["M1", "M2", "M3"]
        times = [c.at - NOON for c in post.postman.carried]
        assert times == [pytest.approx(after, abs=0.1) for after in (2, 5, DAY + 300)]

    run(main())


def test_the_patience_with_mail_for_later_begins_at_its_release() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [(ok if ".99:" in target.key else deferred)(r) for r in recipients]

    async def main() -> Post:
        post = Post(script)
        async with post.working():
            await put_for_later(post, "M1", 10 * DAY, "ada@a.example")
            await asyncio.sleep(20 * DAY)
            assert await post.rows() == []
        return post

    post = run(main())
    tries = [c.at - NOON for c in post.postman.carried if c.message == "M1"]
    assert tries[0] == pytest.approx(10 * DAY, abs=1)
    assert tries[-1] == pytest.approx(15 * DAY, abs=1)
    late, last = (c.at - NOON for c in post.postman.carried if c.message != "M1")
    assert 10 * DAY + 4 * HOUR <= late < 10 * DAY + 8 * HOUR
    assert last == tries[-1]


def test_an_operator_sends_mail_for_later_now() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [deferred(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await put_for_later(post, "M1", DAY, "ada@a.example")
            await asyncio.sleep(HOUR)
            assert post.postman.carried == []
            await post.store.retry(ALL, clock())
            post.worker.wake()
            await asyncio.sleep(HOUR)
            # It is no younger than it is, and is retried as any other mail.
            assert len(post.postman.carried) == 4
            assert post.notes.of(Kind.REPORTED) == []

    run(main())


def test_a_message_put_when_nobody_looked_is_found() -> None:
    async def main() -> None:
        post = Post()
        async with post.working():
            message = mail("M1", "ada@a.example")
            await post.store.put(message, [Pending("ada@a.example", "a.example", due=clock())])
            await asyncio.sleep(61)
            assert len(post.postman.carried) == 1

    run(main())


# -- reports --------------------------------------------------------------------------------------


def test_failures_of_one_attempt_are_one_report_put_in_the_step_that_settles_them() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [
            ok(r) if ".99:" in target.key or r.startswith("ok") else refused(r) for r in recipients
        ]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "ok@a.example", "x@a.example", "y@a.example", language="tr")
            await post.idle()
            assert await post.rows() == []
        assert post.store.asked.count("report") == 1
        assert [c.message for c in post.postman.carried] == ["M1", "R1"]
        report = post.postman.bodies[1]
        assert b"Final-Recipient: rfc822; x@a.example" in report
        assert b"Final-Recipient: rfc822; y@a.example" in report
        assert b"ok@a.example" not in report
        assert b"Content-Language: tr" in report
        (told,) = post.notes.of(Kind.REPORTED)
        assert (told.message, told.facts["report"]) == ("M1", "R1")
        assert told.facts["recipients"] == "x@a.example y@a.example"
        assert post.notes.of(Kind.FAILED)[0].facts["remote"] == "yes"
        (born,) = post.notes.of(Kind.ACCEPTED)
        assert (born.message, born.facts["report-for"]) == ("R1", "M1")
        assert post.notes.of(Kind.FAILED)[0].dialogue == ("S: 220 mx",)

    run(main())


def test_a_report_is_signed_as_a_whole() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [ok(r) if ".99:" in target.key else refused(r) for r in recipients]

    seen: list[bytes] = []

    def sign(message: bytes) -> bytes:
        seen.append(message)
        return b"DKIM-Signature: of it\r\n"

    async def main() -> None:
        post = Post(script, sign=sign)
        async with post.working():
            await post.put("M1", "x@a.example")
            await post.idle()
        assert post.postman.bodies[1] == b"DKIM-Signature: of it\r\n" + seen[0]
        (born,) = post.notes.of(Kind.ACCEPTED)
        assert born.facts["size"] == str(len(post.postman.bodies[1]))

    run(main())


def test_a_report_that_cannot_be_signed_goes_as_it_is() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [ok(r) if ".99:" in target.key else refused(r) for r in recipients]

    def sign(_message: bytes) -> bytes:
        message = "out of ink"
        raise RuntimeError(message)

    async def main() -> None:
        post = Post(script, sign=sign)
        async with post.working():
            await post.put("M1", "x@a.example")
            await post.idle()
        assert b"Final-Recipient: rfc822; x@a.example" in post.postman.bodies[1]
        assert [str(each) for each in post.incidents] == ["out of ink"]

    run(main())


def test_there_is_never_a_report_about_a_message_without_sender() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [(refused if r.startswith("x") else deferred)(r) for r in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "x@a.example", sender="")
            await post.put("M2", "y@a.example", sender="")
            await asyncio.sleep(6 * DAY)
            assert await post.rows() == []
        assert {c.message for c in post.postman.carried} == {"M1", "M2"}
        failed = post.notes.of(Kind.FAILED)
        assert [e.facts["unreported"] for e in failed] == ["null-reverse-path"] * 2
        assert post.notes.of(Kind.REPORTED) == []

    run(main())


def test_a_report_that_fails_ends_there() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [refused(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "x@a.example")
            await asyncio.sleep(1)
            assert await post.rows() == []
        assert [c.message for c in post.postman.carried] == ["M1", "R1"]

    run(main())


def test_a_failure_and_a_delay_of_one_attempt_are_told_each_in_its_report() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        if ".99:" in target.key:
            return [ok(r) for r in recipients]
        return [(refused if r.startswith("x") else deferred)(r) for r in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "x@a.example", "y@a.example", received=clock() - 5 * HOUR)
            await post.idle()
            reports = post.notes.of(Kind.REPORTED)
            told = [(e.facts["action"], e.facts["recipients"]) for e in reports]
            assert told == [("failed", "x@a.example"), ("delayed", "y@a.example")]
            await asyncio.sleep(HOUR)
            assert len(post.notes.of(Kind.REPORTED)) == 2
            (row,) = await post.rows()
            assert row.pending.warned

    run(main())


# -- when something breaks ------------------------------------------------------------------------


@pytest.mark.parametrize("script", [deliver_all, None])
def test_a_store_that_fails_is_asked_again_and_nothing_is_carried_twice(
    script: Script | None,
) -> None:
    async def refuse(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        return [(ok if ".99:" in target.key else refused)(r) for r in recipients]

    async def main() -> None:
        post = Post(script or refuse)
        async with post.working():
            await post.put("M1", "x@a.example")
            post.store.broken = 10
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        carried = [c.message for c in post.postman.carried]
        assert carried == (["M1"] if script else ["M1", "R1"])
        assert len(post.incidents) >= 10

    run(main())


def test_at_a_crash_only_what_is_under_way_is_in_doubt() -> None:
    """No attempt begins in the place of one that is not settled."""

    async def main() -> None:
        post = Post(limits=Limits(target=3))
        async with post.working():
            post.store.broken = 10_000
            for i in range(20):
                message = mail(f"M{i}", "x@a.example")
                pending = [Pending("x@a.example", "a.example", due=clock())]
                lease = await MemoryStore.put(post.store, message, pending, lease=True)
                assert lease is not None
                post.worker.accepted(lease)
            await asyncio.sleep(100)
            assert len(post.postman.carried) == 3
            post.store.broken = 0
            await asyncio.sleep(100)
            assert len(post.postman.carried) == 20
            assert await post.rows() == []

    run(main())


def test_nothing_is_begun_with_a_lease_that_others_have_taken_over() -> None:
    async def sure(lease: Lease) -> bool:
        asked.append(lease)
        await asyncio.sleep(5)  # the store is away
        assert post.postman.carried == []
        return False

    asked: list[Lease] = []
    post = Post(sure=sure)

    async def main() -> None:
        message = mail("M1", "x@a.example", "y@b.example")
        theirs = [Pending(r, domain_of(r), due=clock()) for r in message.envelope.recipients]
        lease = await post.store.put(message, theirs, lease=True)
        assert lease is not None
        post.worker.accepted(lease)
        await asyncio.sleep(20)
        assert asked == [lease, lease]
        assert await post.store.next_due() is not None, "it was given back, in case it is ours"
        assert post.worker.attempts == 0
        assert post.notes.entries == []
        await post.worker.stop(1.0)

    run(main())


def test_an_error_in_a_carrier_puts_the_message_off() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if len(post.postman.carried) == 1:
            raise ZeroDivisionError
        return [ok(recipient) for recipient in recipients]

    post: Post

    async def main() -> None:
        nonlocal post
        post = Post(script)
        async with post.working():
            await post.put("M1", "x@a.example")
            await post.idle()
            (row,) = await post.rows()
            assert (row.pending.cause, row.pending.attempts) == ("internal-error", 1)
            assert "incident I1" in row.pending.reply
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        assert [type(e) for e in post.incidents] == [ZeroDivisionError]

    run(main())


def test_a_recipient_whom_a_carrier_forgets_is_put_off() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [ok(recipients[0])]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("M1", "x@a.example", "y@a.example")
            await post.idle()
            (row,) = await post.rows()
            assert (row.pending.recipient, row.pending.cause) == ("y@a.example", "internal-error")
            assert len(post.incidents) == 1

    run(main())


def test_an_error_while_looking_a_domain_up_puts_the_message_off() -> None:
    async def main() -> None:
        post = Post()

        post.zone.slow = {"far.example": "soon"}  # type: ignore[dict-item]  # it fails at that
        async with post.working():
            await post.put("M1", "x@far.example")
            await asyncio.sleep(1)
            (row,) = await post.rows()
            assert row.pending.cause == "internal-error"
            assert len(post.incidents) == 1

    run(main())


def test_an_error_while_a_report_is_written_loses_nothing_and_carries_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [ok(r) if r == "y@a.example" else refused(r) for r in recipients]

    def explode(*_a: object, **_k: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        post = Post(script)
        monkeypatch.setattr("ulak.delivery.reporting.write", explode)
        async with post.working():
            await post.put("M1", "x@a.example", "y@a.example")
            await asyncio.sleep(1)
            (row,) = await post.rows()
            assert row.pending.recipient == "x@a.example"
            assert (row.pending.cause, row.pending.state) == ("internal-error", State.READY)
            monkeypatch.undo()
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
            assert len(post.notes.of(Kind.REPORTED)) == 1

    run(main())


# -- many -----------------------------------------------------------------------------------------


def test_mail_that_waits_for_a_full_line_costs_nothing_while_other_mail_goes() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        await asyncio.sleep(600 if ".1:" in target.key else 0.01)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(target=5, total=50, messages=200, waiting=20))
        async with post.working():
            for i in range(300):
                await post.put(f"S{i}", "x@a.example")
            await asyncio.sleep(20)
            before = Counter(post.store.asked)
            for i in range(400):
                await post.put(f"F{i}", f"x@{'bcdef'[i % 5]}.example")
                await asyncio.sleep(0.05)
            looks = Counter(post.store.asked)["lease"] - before["lease"]
            done = [c.message for c in post.postman.carried if c.message.startswith("F")]
            assert len(done) == 400
            assert looks <= 5  # one in five seconds, in case that something was missed
            await asyncio.sleep((300 / 5 + 1) * 600)
            assert await post.rows() == []

    run(main())


def test_a_line_that_empties_during_a_look_at_the_store_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(0.05)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(target=5, total=50, messages=200, waiting=20))
        lease = post.store.lease

        async def slowly(now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
            found = await lease(now, limit, avoid)
            await asyncio.sleep(2)
            return found

        monkeypatch.setattr(post.store, "lease", slowly)
        for i in range(500):
            pending = [Pending("x@a.example", "a.example", due=NOON)]
            await post.store.put(mail(f"M{i}", "x@a.example"), pending)
        async with post.working():
            await asyncio.sleep(600)
            assert await post.rows() == []
            last = max(c.at for c in post.postman.carried)
        assert last - NOON < 60  # one look after the other, and no pause between them

    run(main())


def test_a_slow_destination_delays_only_itself_and_does_not_fill_the_memory() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        await asyncio.sleep(600 if ".1:" in target.key else 0.01)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        limits = Limits(target=5, total=50, messages=200, waiting=20)
        post = Post(script, limits)
        async with post.working():
            for i in range(300):
                await post.put(f"S{i}", "x@a.example")
            await post.idle()
            leased = [r for r in await post.rows() if r.pending.state is State.LEASED]
            assert len(leased) == 23  # three under way and a full line
            for i in range(300):
                await post.put(f"F{i}", f"x@{'bcdef'[i % 5]}.example")
            await asyncio.sleep(10)
            done = [c.message for c in post.postman.carried if c.message.startswith("F")]
            assert len(done) == 300
            assert post.postman.most["smtp:192.0.2.1:25"] == 3
            await asyncio.sleep((300 / 5 + 1) * 600)  # a round more, to learn
            assert post.postman.most["smtp:192.0.2.1:25"] == 5
            assert await post.rows() == []
        assert len(post.postman.carried) == len({c.message for c in post.postman.carried}) == 600

    run(main())


def test_a_backlog_leaves_room_for_mail_that_comes_in() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        await asyncio.sleep(0.01 if ".6:" in target.key else 600)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(messages=40))
        for i in range(100):
            message = mail(f"B{i}", f"x@{'abcde'[i % 5]}.example")
            (recipient,) = message.envelope.recipients
            await post.store.put(message, [Pending(recipient, domain_of(recipient), due=NOON)])
        async with post.working():
            await asyncio.sleep(10)
            await post.put("F", "x@f.example")
            await post.idle()
            assert post.postman.carried[-1].message == "F"
            await asyncio.sleep(HOUR)
            assert await post.rows() == []

    run(main())


def test_targets_take_turns() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(total=1))
        async with post.working():
            for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
                await post.put(name, f"x@{name[0]}.example")
            await asyncio.sleep(10)
        assert [c.message for c in post.postman.carried] == ["a1", "a2", "b1", "c1", "a3", "b2"]

    run(main())


def test_attempts_under_way_are_bounded_over_all_targets() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(target=4, total=10))
        async with post.working():
            for i in range(60):
                await post.put(f"M{i}", f"x@{'abcdef'[i % 6]}.example")
            await asyncio.sleep(20)
            assert await post.rows() == []
        assert post.postman.most["all"] == 10

    run(main())


def test_large_messages_count_by_their_octets() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(octets=1000))
        async with post.working():
            for i in range(10):
                domain = f"{'abc'[i % 3]}.example"  # one line would not be given all of it
                await post.put(f"M{i}", f"x@{domain}", body=Body(400, b"x" * 400))
            leased = [r for r in await post.rows() if r.pending.state is State.LEASED]
            assert len(leased) == 3
            await asyncio.sleep(60)
            assert await post.rows() == []

    run(main())


def test_slow_dns_of_one_domain_leaves_room_for_others() -> None:
    async def main() -> None:
        post = Post(limits=Limits(messages=100, waiting=10), mx={"far.example": 100.0})
        async with post.working():
            for i in range(200):
                await post.put(f"S{i}", "x@far.example")
            await post.put("F", "x@a.example")
            await post.idle()
            assert [c.message for c in post.postman.carried] == ["F"]
            await asyncio.sleep(600)
            assert await post.rows() == []

    run(main())


# -- an operator ----------------------------------------------------------------------------------


def test_paused_all_stays_in_the_queue_until_it_goes_on() -> None:
    async def main() -> None:
        post = Post()
        post.worker.pause()
        async with post.working():
            await post.put("M1", "x@a.example")
            await asyncio.sleep(HOUR)
            assert post.postman.carried == []
            post.worker.resume()
            await asyncio.sleep(1)
            assert len(post.postman.carried) == 1

    run(main())


def test_an_operator_returns_what_waits_to_its_sender() -> None:
    async def main() -> None:
        post = Post()
        post.worker.pause()
        async with post.working():
            for i in range(3):
                await post.put(f"M{i}", "x@a.example", "y@b.example")
            await post.store.hold(Selection(ids=("M0",)))
            assert await post.worker.bounce(Selection(domains=("a.example",))) == 3
            left = Counter(row.pending.recipient for row in await post.rows())
            assert left == {"y@b.example": 3, "grace@home.example": 3}
            post.worker.resume()
            await asyncio.sleep(1)
        reports = [b for b in post.postman.bodies if b"multipart/report" in b]
        assert len(reports) == 3
        assert all(b"X-Ulak-Cause: dropped-by-operator" in b for b in reports)

    run(main())


def test_mail_whose_text_is_lost_is_returned_without_it_and_the_report_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = catalog.BODY_LOST.reply(object="heap/1")

    async def main() -> None:
        post = Post()
        post.worker.pause()
        async with post.working():
            await post.put("M1", "x@a.example")
            await post.put("M2", "x@b.example")
            for queued in post.store._queued.values():  # what a bucket does, in memory
                body = Body(300_000, b"", lost=True)
                if queued.message.id == "M2":
                    body = Body(300_000, path=tmp_path / "gone")
                queued.message = replace(queued.message, body=body)
            taken = post.store.take

            async def take(which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
                assert bodiless, "else nobody is given such mail"
                return [
                    replace(
                        lease,
                        pending=tuple(
                            replace(each, cause=lost.cause, reply=str(lost))
                            for each in lease.pending
                        ),
                    )
                    for lease in await taken(which, limit)
                ]

            monkeypatch.setattr(post.store, "take", take)
            assert await post.worker.bounce(ALL) == 2
            assert {row.pending.recipient for row in await post.rows()} == {"grace@home.example"}
            post.worker.resume()
            await asyncio.sleep(1)
        reports = [b for b in post.postman.bodies if b"multipart/report" in b]
        first, second = sorted(reports, key=lambda b: b"X-Ulak-Message: M2" in b)
        assert b"X-Ulak-Cause: body-lost" in first
        assert b"(heap/1)" in first
        assert b"X-Ulak-Cause: dropped-by-operator" in second
        for each in (first, second):
            assert b"Your message is not attached" in each
            assert b"rfc822-headers" not in each

    run(main())


def test_an_error_while_mail_is_returned_ends_that_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_a: object, **_k: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        post = Post()
        post.worker.pause()
        async with post.working():
            await post.put("M1", "x@a.example")
            monkeypatch.setattr("ulak.delivery.reporting.write", explode)
            assert await post.worker.bounce(ALL) == 0
            (row,) = await post.rows()
            assert (row.pending.cause, row.pending.state) == ("internal-error", State.READY)
            monkeypatch.undo()
            # The report lies in the queue while more is returned, and is not returned with it.
            assert await post.worker.bounce(ALL) == 1
            assert [row.pending.recipient for row in await post.rows()] == ["grace@home.example"]

    run(main())


def test_a_report_goes_to_whoever_reads_the_senders_mail() -> None:
    async def script(message: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        sender = message.envelope.sender
        return [refused(r) if sender else ok(r) for r in recipients]

    members = {"team@home.example": ("a@a.example", "b@b.example"), "no@home.example": ()}

    async def main() -> None:
        post = Post(script, readers=members.__getitem__)
        async with post.working():
            await post.put("M1", "x@a.example", sender="team@home.example")
            await post.put("M2", "x@a.example", sender="no@home.example")
            await asyncio.sleep(1)
            assert await post.rows() == []
        (report,) = post.notes.of(Kind.REPORTED)
        assert report.facts["to"] == "a@a.example b@b.example"
        told = {c.recipients for c in post.postman.carried if c.message == report.facts["report"]}
        assert told == {("a@a.example",), ("b@b.example",)}
        failed = {entry.message: entry.facts for entry in post.notes.of(Kind.FAILED)}
        assert "unreported" not in failed["M1"]
        assert failed["M2"]["unreported"] == "no-such-mailbox"

    run(main())


# -- stopping -------------------------------------------------------------------------------------


def test_stopping_lets_attempts_end_and_gives_the_rest_back() -> None:
    async def script(message: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1000 if message.id == "M1" else 5)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(target=2), mx={"far.example": 99.0})
        task = asyncio.create_task(post.worker.run())
        for i in range(5):
            await post.put(f"M{i}", "x@a.example")
        await post.put("D", "x@far.example")
        await asyncio.sleep(1)
        before = clock()
        await post.worker.stop(10.0)
        await task
        assert clock() - before <= 11
        assert post.postman.closed
        rows = await post.rows()
        assert {(r.id, r.pending.state) for r in rows} == {
            (name, State.READY) for name in ("M1", "M2", "M3", "M4", "D")
        }
        assert {r.pending.attempts for r in rows} == {0}
        assert not post.worker.wants(["a.example"])

    run(main())


def test_stopping_keeps_what_was_settled_of_a_message() -> None:
    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        await asyncio.sleep(1 if ".1:" in target.key else 1000)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(total=2))
        task = asyncio.create_task(post.worker.run())
        await post.put("M1", "x@a.example", "x@b.example", "x@c.example", "x@d.example")
        await asyncio.sleep(2)
        await post.worker.stop(0.5)
        await task
        left = {(r.pending.recipient, r.pending.state) for r in await post.rows()}
        assert left == {(f"x@{c}.example", State.READY) for c in "bcd"}

    run(main())


def test_a_lease_that_comes_after_the_stop_is_given_back() -> None:
    async def main() -> None:
        post = Post()
        async with post.working():
            message = mail("M1", "x@a.example")
            pending = [Pending("x@a.example", "a.example", due=clock())]
            lease = await post.store.put(message, pending, lease=True)
        assert lease is not None
        post.worker.accepted(lease)
        await asyncio.sleep(1)
        assert [r.pending.state for r in await post.rows()] == [State.READY]

    run(main())
