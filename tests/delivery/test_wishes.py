"""What a sender asked for is done: reports as RFC 3461 wants them, deadlines as RFC 2852 does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.ready import Limits
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.mail.envelope import DeliverBy, RecipientWishes, Wishes, domain_of
from ulak.mail.expansion import expand
from ulak.queue.item import Message, Pending, State
from ulak.queue.retry import Retry

from .posting import ALL, DAY, HOUR, Post, Script, deferred, mail, ok, refused
from .virtual import NOON, clock, run

SENDER = "grace@home.example"


def asked(*notify: str, orcpt: str = "") -> RecipientWishes:
    return RecipientWishes(frozenset(notify), orcpt)


async def put(
    post: Post,
    name: str,
    recipients: Mapping[str, RecipientWishes],
    *,
    sender: str = SENDER,
    **wishes: Any,
) -> None:
    """Take a message over as a session does that has heard these parameters."""
    message = mail(name, *recipients)
    envelope = replace(
        message.envelope,
        sender=sender,
        wishes=Wishes(**wishes),  # real wishes
        asked=recipients,
    )
    message = replace(message, envelope=envelope)
    pending = [Pending(r, domain_of(r), due=message.received) for r in recipients]
    wanted = post.worker.wants({each.domain for each in pending})
    lease = await post.store.put(message, pending, lease=wanted)
    if lease is not None:
        post.worker.accepted(lease)
    await asyncio.sleep(0)


def told(post: Post) -> list[tuple[str, str]]:
    """Give what was reported: the action and the recipients."""
    return [(e.facts["action"], e.facts["recipients"]) for e in post.notes.of(Kind.REPORTED)]


def by_local_part(**facts: str) -> Script:
    """Make a script: who is called `bad` fails, who is called `slow` waits, all others get it."""

    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        if ".99:" in target.key:  # where senders are at home
            return [ok(recipient) for recipient in recipients]
        kinds = {"bad": refused, "slow": deferred}
        return [
            replace(kinds.get(r.partition("@")[0].partition("-")[0], ok)(r), facts=facts)
            for r in recipients
        ]

    return script


# -- NOTIFY ---------------------------------------------------------------------------------------


def test_a_delivery_is_told_where_success_was_asked_for() -> None:
    """The report is put in the step that settles the delivery."""

    async def main() -> None:
        post = Post()
        async with post.working():
            await put(
                post,
                "M1",
                {
                    "postmaster": asked("SUCCESS", orcpt="rfc822;Postmaster@mx.home.example"),
                    "postmaster@mx.home.example": asked("FAILURE", "DELAY"),
                },
                envid="QQ314159",
            )
            await post.idle()
            assert await post.rows() == []
        assert told(post) == [("delivered", "postmaster")]
        (report,) = post.postman.bodies
        assert b"Original-Envelope-Id: QQ314159\r\n" in report
        assert b"Original-Recipient: rfc822; Postmaster@mx.home.example\r\n" in report
        assert b"Action: delivered\r\nStatus: 2.0.0\r\n" in report
        assert post.store.asked.count("report") == 1
        assert post.store.asked.count("settle") == 1  # of the report itself

    run(main())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, [("relayed", "ada@a.example")]),
        ({"dsn": "not-offered"}, [("relayed", "ada@a.example")]),
        ({"dsn": "passed-on"}, []),
    ],
)
def test_a_relay_is_told_where_the_next_server_will_not_tell(
    facts: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    async def main() -> None:
        post = Post(by_local_part(**facts))
        async with post.working():
            await put(post, "M1", {"ada@a.example": asked("SUCCESS"), "bob@a.example": asked()})
            await post.idle()
        assert told(post) == expected

    run(main())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"dsn": "not-offered"}, [("delivered", "ada@boxes.example")]),
        ({"dsn": "passed-on"}, []),
    ],
)
def test_a_mailbox_behind_lmtp_is_where_mail_is_delivered(
    facts: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    async def main() -> None:
        post = Post(by_local_part(**facts))
        async with post.working():
            await put(post, "M1", {"ada@boxes.example": asked("SUCCESS")})
            await post.idle()
        assert told(post) == expected

    run(main())


def test_each_recipient_is_reported_as_was_asked_for_it() -> None:
    async def main() -> None:
        post = Post(by_local_part())
        names = ("bad", "slow", "fine")
        wishes = {
            "-n": asked("NEVER"),
            "-s": asked("SUCCESS"),
            "-f": asked("FAILURE"),
            "-d": asked("DELAY"),
            "-all": asked("SUCCESS", "FAILURE", "DELAY"),
            "-no": asked(),
        }
        async with post.working():
            await put(
                post, "M1", {f"{n}{w}@a.example": a for w, a in wishes.items() for n in names}
            )
            await asyncio.sleep(2 * DAY)
            assert len(await post.rows()) == len(wishes)
            at_first = told(post)
            await asyncio.sleep(4 * DAY)
            assert await post.rows() == []

        def named(name: str, *kinds: str) -> str:
            return " ".join(f"{name}{kind}@a.example" for kind in kinds)

        assert at_first == [
            ("relayed", named("fine", "-s", "-all")),
            ("failed", named("bad", "-f", "-all", "-no")),
            ("delayed", named("slow", "-d", "-all", "-no")),
        ]
        assert told(post)[3:] == [("failed", named("slow", "-f", "-all", "-no"))]
        unreported = {
            e.facts["recipient"]
            for e in post.notes.of(Kind.FAILED)
            if e.facts.get("unreported") == "not-asked-for"
        }
        assert unreported == {f"{n}-{w}@a.example" for n in ("bad", "slow") for w in "nsd"}

    run(main())


def test_nobody_is_told_anything_about_a_message_from_nobody() -> None:
    async def main() -> None:
        post = Post(by_local_part())
        every = asked("SUCCESS", "FAILURE", "DELAY")
        async with post.working():
            await put(
                post,
                "M1",
                {"fine@a.example": every, "bad@a.example": every, "slow@a.example": every},
                sender="",
                deliver_by=DeliverBy(clock() + 60, "N", trace=True),
            )
            await asyncio.sleep(7 * DAY)
            assert await post.rows() == []
        assert told(post) == []

    run(main())


def test_a_report_asks_for_no_report_and_is_as_safe_and_urgent_as_its_message() -> None:
    async def main() -> None:
        post = Post(by_local_part())
        seen: list[Message] = []

        async def script(message: Message, names: Sequence[str], target: Target) -> list[Outcome]:
            seen.append(message)
            return list(await by_local_part()(message, names, target))

        post.postman.script = script
        async with post.working():
            await put(
                post,
                "M1",
                {"bad@a.example": asked("FAILURE")},
                require_tls=True,
                priority=4,
                envid="x",
                ret="FULL",
            )
            await post.idle()
            await put(post, "M2", {"bad@a.example": asked()})
            await post.idle()
        first, second = (message for message in seen if not message.envelope.sender)
        assert first.envelope.asked == {SENDER: asked("NEVER")}
        assert first.envelope.wishes == Wishes(require_tls=True, priority=4)
        assert second.envelope.wishes == Wishes()
        assert b"text/rfc822-headers" in (first.body.data or b"")
        assert b"message/rfc822" in (second.body.data or b"")

    run(main())


def test_reports_that_cannot_be_put_are_put_later_and_nothing_is_carried_twice() -> None:
    async def main() -> None:
        post = Post(by_local_part())
        async with post.working():
            names = ("fine@a.example", "bad@a.example", "slow@a.example", "fine@b.example")
            recipients = dict.fromkeys(names, asked("SUCCESS", "FAILURE"))
            await put(post, "M1", recipients)
            post.store.broken = 5
            await asyncio.sleep(HOUR)
            (row,) = await post.rows()
            assert (row.pending.recipient, row.pending.state) == ("slow@a.example", State.READY)
        assert sorted(told(post)) == [
            ("failed", "bad@a.example"),
            ("relayed", "fine@a.example"),
            ("relayed", "fine@b.example"),
        ]
        carried = [r for c in post.postman.carried if c.message == "M1" for r in c.recipients]
        assert carried.count("fine@a.example") == carried.count("bad@a.example") == 1

    run(main())


def test_a_report_of_success_that_cannot_be_written_delivers_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_a: object, **_k: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        post = Post(by_local_part())
        monkeypatch.setattr("ulak.delivery.reporting.write", explode)
        async with post.working():
            await put(post, "M1", {"fine@a.example": asked("SUCCESS")})
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        assert [c.message for c in post.postman.carried] == ["M1"]
        assert len(post.incidents) == 1

    run(main())


# -- aliases --------------------------------------------------------------------------------------


def test_an_alias_is_told_as_expanded_and_its_members_only_where_they_fail() -> None:
    async def main() -> None:
        post = Post(by_local_part())
        alias, members = "team@home.example", ["fine@a.example", "bad@b.example"]
        async with post.working():
            wish = asked("SUCCESS", "FAILURE", orcpt="rfc822;team@home.example")
            await put(post, "M1", expand(alias, members, wish))
            await post.idle()
            assert await post.rows() == []
        assert sorted(told(post)) == [("expanded", alias), ("failed", "bad@b.example")]
        carried = [r for c in post.postman.carried if c.message == "M1" for r in c.recipients]
        assert sorted(carried) == sorted(members)
        delivered = {e.facts["recipient"]: e.cause for e in post.notes.of(Kind.DELIVERED)}
        assert delivered[alias] == "expanded"
        expanded = next(b for b in post.postman.bodies if b"Action: expanded" in b)
        assert b"Final-Recipient: rfc822; team@home.example\r\n" in expanded
        assert b"fine@a.example" not in expanded

    run(main())


# -- a time limit ---------------------------------------------------------------------------------


def test_mail_that_is_not_wanted_late_goes_back_when_its_time_has_passed() -> None:
    async def main() -> Post:
        post = Post(by_local_part())
        async with post.working():
            by = DeliverBy(clock() + 1000, "R")
            await put(post, "M1", {"slow@a.example": asked()}, deliver_by=by)
            await asyncio.sleep(1001)
            assert await post.rows() == []
        return post

    post = run(main())
    tries = [c.at - NOON for c in post.postman.carried if c.message == "M1"]
    assert tries == [pytest.approx(after, abs=1) for after in (0, 330, 990)]
    assert told(post) == [("failed", "slow@a.example")]
    report = post.postman.bodies[-1]
    assert b"Status: 5.4.7\r\n" in report
    assert b"X-Ulak-Cause: deliver-by-passed\r\nX-Ulak-Last-Cause: connection-failed" in report
    assert b"Deliver-By-Date: Tue, 03 Nov 2026 12:16:40 +0000\r\n" in report
    (failed,) = post.notes.of(Kind.FAILED)
    assert (failed.cause, failed.facts["attempt"]) == ("deliver-by-passed", "3")
    assert failed.time == pytest.approx(NOON + 1000, abs=0.1)


def test_no_attempt_is_made_for_mail_whose_time_passed_while_it_waited() -> None:
    async def main() -> Post:
        post = Post()
        post.worker.pause()
        async with post.working():
            for name, mode in (("M1", "R"), ("M2", "N")):
                by = DeliverBy(clock() + 60, mode)
                await put(post, name, {"ada@a.example": asked()}, deliver_by=by)
            await asyncio.sleep(100)
            post.worker.resume()
            await asyncio.sleep(1)
            assert await post.rows() == []
        return post

    post = run(main())
    assert [c.message for c in post.postman.carried if c.key != "smtp:192.0.2.99:25"] == ["M2"]
    assert sorted(told(post)) == [("delayed", "ada@a.example"), ("failed", "ada@a.example")]
    failed = next(b for b in post.postman.bodies if b"Action: failed" in b)
    assert b"X-Ulak-Cause: deliver-by-passed\r\n" in failed
    assert b"x-ulak; 554 5.4.7 Not delivered by 2026-11-03T12:01:00Z" in failed
    delayed = next(b for b in post.postman.bodies if b"Action: delayed" in b)
    assert b"x-ulak; 451 4.4.7 Not delivered by 2026-11-03T12:01:00Z" in delayed
    assert b"X-Ulak-Cause: deliver-by-late" in delayed
    # The delay is told before anything that may take long.
    order = [e.kind for e in post.notes.entries if e.message == "M2"]
    assert order == [Kind.REPORTED, Kind.DELIVERED]


def test_a_delay_is_told_once_and_when_the_sender_wants_to_hear_of_it() -> None:
    async def main() -> Post:
        post = Post(by_local_part())
        async with post.working():
            by = DeliverBy(clock() + 1000, "N")
            wishes = {"slow@a.example": asked(), "slow@b.example": asked("FAILURE")}
            await put(post, "M1", wishes, deliver_by=by)
            await asyncio.sleep(1000.5)
            (report,) = post.notes.of(Kind.REPORTED)
            assert report.time == pytest.approx(NOON + 1000, abs=0.1)
            await asyncio.sleep(6 * DAY)
            assert await post.rows() == []
        return post

    post = run(main())
    assert sorted(told(post)) == [
        ("delayed", "slow@a.example"),
        ("failed", "slow@b.example slow@a.example"),
    ]
    delayed = next(b for b in post.postman.bodies if b"Action: delayed" in b)
    assert b"Status: 4.4.7\r\n" in delayed
    tries = [c.at - NOON for c in post.postman.carried if c.key == "smtp:192.0.2.1:25"]
    assert tries[:4] == [pytest.approx(after, abs=1) for after in (0, 330, 990, 1000)]
    assert tries[-1] == pytest.approx(5 * DAY, abs=1)


def test_a_time_limit_lengthens_nobodys_patience() -> None:
    async def main() -> Post:
        post = Post(by_local_part(), retry=Retry(give_up_after=DAY, warn_after=HOUR))
        async with post.working():
            for mode in "RN":
                by = DeliverBy(clock() + 30 * DAY, mode)
                await put(post, f"M{mode}", {"slow@a.example": asked()}, deliver_by=by)
            await asyncio.sleep(2 * DAY)
            assert await post.rows() == []
        return post

    post = run(main())
    causes = {e.message: e.cause for e in post.notes.of(Kind.FAILED)}
    assert causes == {"MR": "expired", "MN": "expired"}
    # Whoever said when to be told of a delay is not told before; the other is as ever.
    delays = [e.message for e in post.notes.of(Kind.REPORTED) if e.facts["action"] == "delayed"]
    assert delays == ["MR"]


def test_a_delay_that_was_told_on_the_way_here_is_not_told_again() -> None:
    async def main() -> Post:
        post = Post(by_local_part())
        async with post.working():
            by = DeliverBy(clock() - 60, "N")
            await put(post, "M1", {"slow@a.example": asked()}, deliver_by=by)
            await asyncio.sleep(HOUR)
            assert told(post) == []
            await asyncio.sleep(DAY)
            assert told(post) == [("delayed", "slow@a.example")]  # after four hours, as ever
        return post

    run(main())


def test_a_delay_that_nobody_reads_of_does_not_stop_the_attempts() -> None:
    async def main() -> None:
        post = Post(by_local_part(), readers=lambda _sender: ())
        async with post.working():
            by = DeliverBy(clock() + 60, "N")
            await put(post, "M1", {"slow@a.example": asked()}, deliver_by=by)
            await asyncio.sleep(HOUR)
        assert len(post.postman.carried) == 4

    run(main())


@pytest.mark.parametrize(
    ("mode", "trace", "facts", "notify", "expected"),
    [
        ("N", True, {"dsn": "passed-on"}, (), ["relayed"]),
        ("R", True, {"dsn": "passed-on"}, ("FAILURE",), ["relayed"]),
        ("R", True, {"dsn": "passed-on"}, ("NEVER",), []),
        ("R", False, {"dsn": "passed-on"}, (), []),
        ("N", False, {"dsn": "passed-on"}, (), []),
        ("N", False, {"dsn": "passed-on", "deliver-by": "not-offered"}, (), ["relayed"]),
        ("N", False, {"dsn": "passed-on", "deliver-by": "not-offered"}, ("NEVER",), []),
    ],
)
def test_a_relay_is_told_where_it_is_traced_or_the_time_will_not_be_kept(
    mode: str,
    trace: bool,  # noqa: FBT001 -- the table is read by its columns
    facts: dict[str, str],
    notify: tuple[str, ...],
    expected: list[str],
) -> None:
    """RFC 2852 §4.1.4."""

    async def main() -> None:
        post = Post(by_local_part(**facts))
        async with post.working():
            by = DeliverBy(clock() + 60, mode, trace=trace)
            await put(post, "M1", {"ada@a.example": asked(*notify)}, deliver_by=by)
            await post.idle()
        assert [action for action, _ in told(post)] == expected

    run(main())


def test_a_held_message_keeps_its_time_limit() -> None:
    async def main() -> None:
        post = Post()
        post.worker.pause()
        async with post.working():
            by = DeliverBy(clock() + 60, "R")
            await put(post, "M1", {"ada@a.example": asked()}, deliver_by=by)
            await post.store.hold(ALL)
            post.worker.resume()
            await asyncio.sleep(HOUR)
            assert [row.pending.state for row in await post.rows()] == [State.HELD]
            await post.store.release(ALL, clock())
            post.worker.wake()
            await asyncio.sleep(1)
        assert told(post) == [("failed", "ada@a.example")]
        assert Result.FAILED.value == post.notes.of(Kind.FAILED)[0].kind.value

    run(main())


# -- priority -------------------------------------------------------------------------------------


def test_urgent_mail_overtakes_what_waits_here_and_in_the_store() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(total=1, messages=12, waiting=4))
        async with post.working():
            for n in range(20):
                await put(post, f"bulk{n}", {"ada@a.example": asked()}, priority=-2)
            for n in range(10):
                await put(post, f"plain{n}", {f"ada@{'bc'[n % 2]}.example": asked()})
            await asyncio.sleep(2.5)
            await put(post, "urgent", {"ada@d.example": asked()}, priority=4)
            await asyncio.sleep(100)
            assert await post.rows() == []
        order = [c.message for c in post.postman.carried]
        assert len(order) == 31
        assert order.index("urgent") <= 4  # three were carried when it came
        bulk = [order.index(f"bulk{n}") for n in range(20)]
        assert bulk == sorted(bulk)
        in_store = [name for name in order if name.startswith("plain")][4:]
        assert all(order.index(name) < order.index("bulk19") for name in in_store)

    run(main())
