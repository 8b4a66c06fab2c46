"""The carrier against real servers on loopback, well and ill behaved."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.conftest import free_port
from tests.delivery.carrying import (
    ADA,
    BOB,
    PATIENT,
    QUICK,
    TEXT,
    attempt,
    carrier,
    message,
    run,
    several,
    to,
    until,
)

from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.outcome import Result
from ulak.delivery.sending import Sending, Timeouts
from ulak.delivery.source.source import Source
from ulak.delivery.target import Host, Target, Way
from ulak.delivery.tls import opportunistic
from ulak.lab.certificate import certificate, server_context
from ulak.lab.mx import CLOSE, SILENCE, Act, Behaviour, ScriptedServer
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message
from ulak.replies import catalog
from ulak.replies.reply import Reply

# -- what goes well -------------------------------------------------------------------------------


def test_a_message_is_delivered_with_the_servers_words() -> None:
    outcomes, mx = attempt(Behaviour())
    outcome = outcomes[ADA]
    assert outcome.result is Result.DELIVERED
    assert outcome.cause == "delivered"
    assert outcome.reply == "250 2.0.0 Taken"
    assert outcome.host == f"mx1.example.net [127.0.0.1]:{mx.port}"
    assert outcome.remote
    assert [t.body for t in mx.messages] == [TEXT]
    assert mx.sessions[0].quit


def test_envelope_and_message_take_one_write_each() -> None:
    _, mx = attempt(Behaviour(), recipients=(ADA, BOB))
    writes = mx.sessions[0].writes
    assert writes[:3] == [
        b"EHLO relay.example.org\r\n",
        f"MAIL FROM:<grace@example.org> SIZE={len(TEXT)}\r\nRCPT TO:<{ADA}>\r\n"
        f"RCPT TO:<{BOB}>\r\nDATA\r\n".encode(),
        TEXT + b".\r\n",
    ]


def test_connections_are_used_again_for_the_next_message() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(messages_per_connection=3)
            for _ in range(4):
                (outcome,) = await sender.carry(message(), (ADA,), to(mx))
                assert outcome.result is Result.DELIVERED
            await sender.close()
            assert [len(s.taken) for s in mx.sessions] == [3, 1]
            assert all(s.quit for s in mx.sessions)

    run(main)


def test_a_connection_that_waited_too_long_says_quit() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(timeouts=Timeouts(idle=0.05))
            await sender.carry(message(), (ADA,), to(mx))
            await until(lambda: len(sender.pool) == 0)
            assert mx.sessions[0].quit
            await sender.close()

    run(main)


def test_a_connection_that_is_leaving_is_not_used_again() -> None:
    async def main() -> None:
        slow = Behaviour(at={"QUIT": Act("221 2.0.0 Bye", delay=1)})
        async with ScriptedServer(slow, Behaviour()) as mx:
            sender = carrier(timeouts=Timeouts(idle=0.05))
            await sender.carry(message(), (ADA,), to(mx))
            await until(lambda: mx.sessions[0].quit)
            (outcome,) = await sender.carry(message(), (ADA,), to(mx))
            assert outcome.result is Result.DELIVERED
            await sender.close()

    run(main)


def test_a_connection_grows_only_so_old() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(connection_age=-1.0)
            for _ in range(2):
                await sender.carry(message(), (ADA,), to(mx))
            assert len(mx.sessions) == 2
            await sender.close()

    run(main)


def test_a_connection_closed_while_it_waited_is_replaced_without_an_attempt() -> None:
    async def main() -> None:
        first = Behaviour(at={"MAIL again@example.org": CLOSE})
        async with ScriptedServer(first, Behaviour()) as mx:
            sender = carrier()
            await sender.carry(message(), (ADA,), to(mx))
            again = message(sender="again@example.org")
            (outcome,) = await sender.carry(again, (ADA,), to(mx))
            assert outcome.result is Result.DELIVERED
            assert len(mx.sessions) == 2
            await sender.close()

    run(main)


def test_a_large_message_is_sent_from_its_file_in_pieces(tmp_path: Path) -> None:
    body = b"From: g@example.org\r\n\r\n" + b".dots and lines\r\n" * 300_000
    file = tmp_path / "body"
    file.write_bytes(body)
    outcomes, mx = attempt(Behaviour(), what=message(file), timeouts=Timeouts())
    assert outcomes[ADA].result is Result.DELIVERED
    assert mx.messages[0].body == body


def test_a_server_that_does_not_read_holds_the_file_back(tmp_path: Path) -> None:
    file = tmp_path / "body"
    with file.open("wb") as out:
        out.truncate(50_000_000)

    async def main() -> None:
        deaf = Behaviour(extensions=(), at={"body": Act(delay=60, close=True)})
        async with ScriptedServer(deaf) as mx:
            sender = carrier(timeouts=QUICK)
            task = asyncio.create_task(sender.carry(message(file), (ADA,), to(mx)))
            await until(lambda: "DATA" in mx.commands)
            await asyncio.sleep(0.2)
            (connection,) = sender.pool._open
            assert connection._reading is not None
            assert connection._reading.left > 30_000_000
            (outcome,) = await task
            assert outcome.cause == "peer-timed-out"
            assert outcome.facts["stage"] == "message"
            await sender.close()

    run(main)


def test_a_file_shorter_than_it_should_be_is_never_ended_with_a_dot(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(TEXT)
    short = Message("m", Envelope("g@example.org", (ADA,)), Body(len(TEXT) + 1, path=file), 0.0)
    outcomes, mx = attempt(Behaviour(), what=short)
    assert outcomes[ADA].cause == "message-unreadable"
    assert mx.messages == []
    file.unlink()
    outcomes, mx = attempt(Behaviour(), what=short)
    assert outcomes[ADA].cause == "message-unreadable"
    assert "no such file" in outcomes[ADA].reply


def test_bare_line_ends_never_go_out() -> None:
    evil = b"From: g@example.org\r\n\r\none\n.\nMAIL FROM:<x@example.net>\r.\rtwo\r\n.\rthree"
    outcomes, mx = attempt(Behaviour(), what=message(evil))
    assert outcomes[ADA].result is Result.DELIVERED
    (taken,) = mx.messages
    assert taken.bare == ""
    assert taken.body == (
        b"From: g@example.org\r\n\r\none\r\n.\r\nMAIL FROM:<x@example.net> . two\r\n. three\r\n"
    )


# -- recipients and refusals ----------------------------------------------------------------------


def test_every_recipient_has_an_outcome_of_its_own() -> None:
    at: dict[str, Act | str] = {
        f"RCPT {BOB}": "550 5.1.1 No such user",
        "RCPT eve@example.net": "450 4.2.0 Greylisted",
    }
    outcomes, mx = attempt(Behaviour(at=at), recipients=(ADA, BOB, "eve@example.net"))
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[BOB].result is Result.FAILED
    assert outcomes[BOB].reply == "550 5.1.1 No such user"
    assert outcomes["eve@example.net"].result is Result.DEFERRED
    assert "C: DATA" in outcomes[BOB].dialogue
    assert "S: 550 5.1.1 No such user" in outcomes[BOB].dialogue
    assert mx.messages[0].recipients == (ADA,)


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "message"])
@pytest.mark.parametrize(
    ("reply", "result"), [("451 4.3.0 Later", Result.DEFERRED), ("554 5.7.1 No", Result.FAILED)]
)
def test_a_refusal_at_any_stage_decides(
    stage: str, reply: str, result: Result, extensions: tuple[str, ...]
) -> None:
    outcomes, mx = attempt(
        Behaviour(extensions=extensions, at={stage: reply}), recipients=(ADA, BOB)
    )
    for outcome in outcomes.values():
        assert (outcome.result, outcome.reply) == (result, reply)
        assert outcome.facts["stage"] in (stage, "end of data")
    assert mx.messages == []
    assert mx.sessions[0].quit


def test_the_next_message_begins_with_rset_after_a_refusal() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(at={"RCPT": Act("550 5.1.1 No", times=1)})) as mx:
            sender = carrier()
            (first,) = await sender.carry(message(), (ADA,), to(mx))
            (second,) = await sender.carry(message(), (ADA,), to(mx))
            assert (first.result, second.result) == (Result.FAILED, Result.DELIVERED)
            assert "RSET" in mx.commands
            assert len(mx.sessions) == 1
            await sender.close()

    run(main)


def test_recipients_over_the_servers_limit_go_in_another_transaction_at_once() -> None:
    everybody = [f"u{i}@example.net" for i in range(5)]
    at: dict[str, Act | str] = {
        "RCPT u3@example.net": Act("452 4.5.3 Too many recipients", times=1),
        "RCPT u4@example.net": Act("552 Too many recipients", times=1),
    }
    outcomes, mx = attempt(Behaviour(at=at), recipients=everybody)
    assert {o.result for o in outcomes.values()} == {Result.DELIVERED}
    assert [len(t.recipients) for t in mx.messages] == [3, 2]
    assert len(mx.sessions) == 1


def test_a_server_that_takes_nobody_for_too_many_recipients_is_tried_later() -> None:
    outcomes, mx = attempt(Behaviour(at={"RCPT": "552 5.5.3 Too many recipients"}))
    assert outcomes[ADA].result is Result.DEFERRED
    assert outcomes[ADA].reply.startswith("552 5.5.3")
    assert mx.commands.count(f"RCPT TO:<{ADA}>") == 1


def test_a_full_mailbox_is_not_too_many_recipients() -> None:
    outcomes, _ = attempt(
        Behaviour(at={f"RCPT {BOB}": "552 5.2.2 Mailbox full"}), recipients=(ADA, BOB)
    )
    assert outcomes[BOB].result is Result.FAILED


def test_many_recipients_go_in_several_transactions() -> None:
    everybody = [f"u{i}@example.net" for i in range(25)]

    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = SmtpCarrier(Sending("relay.example.org", recipients=10))
            outcomes = await sender.carry(message(), everybody, to(mx))
            assert {o.result for o in outcomes} == {Result.DELIVERED}
            assert [len(t.recipients) for t in mx.messages] == [10, 10, 5]
            assert len(mx.sessions) == 1
            await sender.close()

    run(main)


# -- hosts in turn --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        None,
        Behaviour(at={"connect": "421 4.3.2 Not now"}),
        Behaviour(at={"connect": "450 4.7.0 Not you"}),
        Behaviour(at={"connect": "554 5.7.1 Not you"}),
        Behaviour(at={"EHLO": "450 4.7.0 Not yet"}),
        Behaviour(at={"EHLO": "550 5.7.1 No", "HELO": "550 5.7.1 No"}),
        Behaviour(at={"connect": CLOSE}),
        Behaviour(at={"connect": SILENCE}),
        Behaviour(at={"MAIL": CLOSE}),
        Behaviour(at={"MAIL": "421 4.3.2 Closing"}),
        Behaviour(at={"RCPT": "421 4.3.2 Closing"}),
        Behaviour(at={"DATA": CLOSE}),
        Behaviour(at={"DATA": "421 4.3.2 Closing"}),
        Behaviour(at={"RCPT": SILENCE}),
        Behaviour(at={"connect": Act(raw=b"SSH-2.0-OpenSSH_9.2\r\n")}),
        Behaviour(at={"DATA": "250 2.0.0 Thank you"}),
    ],
)
def test_the_next_host_is_tried_where_a_session_does_not_come_to_the_message(
    first: Behaviour | None,
) -> None:
    silent = first is not None and SILENCE in first.at.values()
    outcome, taken = several(first, Behaviour(), timeouts=QUICK if silent else PATIENT)
    assert outcome.result is Result.DELIVERED
    assert taken == [0, 1]


@pytest.mark.parametrize(
    ("reply", "result"), [("554 5.7.1 Not you", Result.FAILED), ("450 4.7.0 No", Result.DEFERRED)]
)
def test_hosts_that_all_refuse_decide_by_their_digit(reply: str, result: Result) -> None:
    refusing = Behaviour(at={"connect": reply})
    outcome, _ = several(refusing, refusing)
    assert (outcome.result, outcome.reply) == (result, reply)
    assert outcome.dialogue[:2] == (f"S: {reply}", "C: QUIT")


def test_one_host_that_may_take_it_later_stands_over_one_that_refuses() -> None:
    outcome, _ = several(None, Behaviour(at={"connect": "554 5.7.1 Not you"}))
    assert outcome.result is Result.DEFERRED
    assert outcome.cause == "connection-failed"
    assert "connection refused" in outcome.reply


def test_a_recipients_refusal_is_not_taken_to_the_next_host() -> None:
    outcome, taken = several(Behaviour(at={"RCPT": "450 4.2.0 Greylisted"}), Behaviour())
    assert outcome.result is Result.DEFERRED
    assert taken == [0, 0]


def test_a_host_that_could_not_be_reached_is_tried_last_for_a_while() -> None:
    async def main() -> None:
        closed = free_port()
        async with ScriptedServer() as mx:
            sender = carrier(messages_per_connection=1)
            target = to(closed, mx)
            await sender.carry(message(), (ADA,), target)
            assert sender.pool.avoided(("127.0.0.1", closed))
            async with ScriptedServer(port=closed) as back:
                await sender.carry(message(), (ADA,), target)
                assert back.sessions == []
            assert len(mx.messages) == 2
            await sender.close()

    run(main)


# -- the message was sent, and then? --------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "cause"), [(CLOSE, "connection-lost"), (SILENCE, "peer-timed-out")]
)
def test_no_answer_to_the_message_defers_it_and_says_that_it_may_come_twice(
    end: Act, cause: str
) -> None:
    outcome, taken = several(Behaviour(at={"message": end}), Behaviour(), timeouts=QUICK)
    assert outcome.result is Result.DEFERRED
    assert outcome.cause == cause
    assert outcome.facts["after-data"] == "yes"
    assert taken == [0, 0]


def test_a_server_may_refuse_a_file_before_it_has_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"x" * 20_000_000)
    at = {"body": Act("552 5.3.4 Too big", close=True)}
    extensions = ("PIPELINING",)
    outcomes, _ = attempt(Behaviour(extensions=extensions, at=at), what=message(file))
    assert outcomes[ADA].result in (Result.FAILED, Result.DEFERRED)
    assert "after-data" not in outcomes[ADA].facts


def test_replies_said_before_they_were_asked_for_deliver_nothing() -> None:
    played = b"220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 queued\r\n"
    outcomes, _ = attempt(Behaviour(at={"connect": Act(raw=played)}))
    assert outcomes[ADA].result is Result.DEFERRED
    assert outcomes[ADA].cause == "peer-babbles"


@pytest.mark.parametrize(
    "greeting",
    [
        b"2200 mx.example\r\n",
        b"220-" + b"x" * 5000,
        b"220-more\r\n" * 200,
        b"\0\0\0\0\r\n",
        b"\xff\xfe\r\n",
    ],
)
def test_what_is_no_smtp_defers(greeting: bytes) -> None:
    outcomes, _ = attempt(Behaviour(at={"connect": Act(raw=greeting)}))
    assert outcomes[ADA].result is Result.DEFERRED
    assert outcomes[ADA].cause == "peer-babbles"


def test_a_tarpit_cannot_hold_a_message_by_its_drops() -> None:
    outcomes, _ = attempt(Behaviour(at={"MAIL": Act("250 2.1.0 Ok", drip=0.2)}), timeouts=QUICK)
    assert outcomes[ADA].cause == "peer-timed-out"
    assert outcomes[ADA].result is Result.DEFERRED


# -- what the server offers -----------------------------------------------------------------------


def test_a_server_without_ehlo_is_spoken_to_with_helo() -> None:
    outcomes, mx = attempt(Behaviour(at={"EHLO": "500 5.5.1 What?"}))
    assert outcomes[ADA].result is Result.DELIVERED
    assert mx.commands[:3] == [
        "EHLO relay.example.org",
        "HELO relay.example.org",
        "MAIL FROM:<grace@example.org>",
    ]


def test_a_message_over_the_servers_size_is_not_sent() -> None:
    outcomes, mx = attempt(Behaviour(extensions=("SIZE 10",)))
    assert outcomes[ADA].result is Result.FAILED
    assert outcomes[ADA].cause == "message-too-large"
    assert not any(c.startswith("MAIL") for c in mx.commands)


def test_addresses_that_need_smtputf8_fail_alone_where_it_is_not_offered() -> None:
    what = message(smtputf8=True)
    outcomes, mx = attempt(
        Behaviour(extensions=()), what=what, recipients=(ADA, "çağrı@example.net")
    )
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes["çağrı@example.net"].result is Result.FAILED
    assert outcomes["çağrı@example.net"].cause == "peer-lacks-smtputf8"
    assert mx.messages[0].recipients == (ADA,)


@pytest.mark.parametrize(
    ("text", "sender"),
    [("Subject: çağrı\r\n\r\nx\r\n", "g@example.org"), ("A: b\r\n\r\n", "ğ@example.org")],
)
def test_a_header_or_sender_that_needs_smtputf8_fails_for_all(text: str, sender: str) -> None:
    what = message(text.encode(), sender=sender, smtputf8=True)
    outcomes, _ = attempt(Behaviour(extensions=("8BITMIME",)), what=what, recipients=(ADA, BOB))
    assert {o.cause for o in outcomes.values()} == {"peer-lacks-smtputf8"}
    outcomes, mx = attempt(Behaviour(extensions=("8BITMIME", "SMTPUTF8")), what=what)
    assert outcomes[ADA].result is Result.DELIVERED
    assert mx.messages[0].parameters == "BODY=8BITMIME SMTPUTF8"


def test_eight_bits_go_as_they_are_where_8bitmime_is_not_offered() -> None:
    body = "From: g@example.org\r\n\r\nçağrı\r\n".encode()
    outcomes, mx = attempt(Behaviour(extensions=()), what=message(body))
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].facts == {"eight-bit": "as-is"}
    assert mx.messages[0].body == body
    _, mx = attempt(Behaviour(extensions=("8BITMIME",)), what=message(body))
    assert mx.messages[0].parameters == "BODY=8BITMIME"


def test_no_line_end_gets_into_a_command() -> None:
    evil = "a@example.net>\r\nRCPT TO:<b@example.net"
    outcomes, mx = attempt(Behaviour(), recipients=(ADA, evil))
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[evil].result is Result.FAILED
    assert outcomes[evil].cause == "bad-address"
    assert mx.messages[0].recipients == (ADA,)
    outcomes, mx = attempt(Behaviour(), what=message(sender=evil))
    assert outcomes[ADA].cause == "bad-address"
    assert mx.sessions == []


# -- TLS ------------------------------------------------------------------------------------------


def test_tls_is_used_where_it_is_offered_whatever_the_certificate() -> None:
    wrong = certificate("other.example.com", expired=True)
    behaviour = Behaviour(tls=server_context(wrong))
    outcomes, mx = attempt(behaviour, tls=opportunistic())
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].tls == "TLSv1.3"
    assert mx.messages[0].tls == "TLSv1.3"
    assert mx.commands.count("EHLO relay.example.org") == 2


@pytest.mark.parametrize(
    "at",
    [
        {"TLS": Act(raw=b"this is no TLS\r\n", close=True)},
        {"TLS": CLOSE},
        {"STARTTLS": CLOSE},
        {},
    ],
)
def test_where_tls_fails_the_message_goes_in_the_clear_once_and_for_a_while(
    at: dict[str, Act | str],
) -> None:
    context = server_context(certificate("mx.example.net"), old=not at)
    mx_behaviour = Behaviour(tls=context, at=at)

    async def main() -> None:
        async with ScriptedServer(mx_behaviour) as mx:
            sender = carrier(tls=opportunistic(), messages_per_connection=1)
            for turn in range(2):
                (outcome,) = await sender.carry(message(), (ADA,), to(mx))
                assert outcome.result is Result.DELIVERED, outcome
                assert outcome.tls == ""
                assert outcome.facts["tls-failed"]
                assert mx.commands.count("STARTTLS") == 1, turn
            await sender.close()

    run(main)


@pytest.mark.parametrize("name", [".mx.example.net", "x" * 70 + ".example.net", "a..b", "\udcff"])
def test_a_host_with_an_impossible_name_is_spoken_to_in_the_clear(name: str) -> None:
    async def main() -> None:
        context = server_context(certificate("mx.example.net"))
        async with ScriptedServer(Behaviour(tls=context)) as mx:
            sender = carrier(tls=opportunistic())
            target = Target(Way.SMTP, "k", (Host(name, ("127.0.0.1",), mx.port),))
            (outcome,) = await sender.carry(message(), (ADA,), target)
            assert outcome.result is Result.DELIVERED, outcome
            await sender.close()

    run(main)


def test_a_server_that_takes_back_starttls_gets_the_message_in_the_clear() -> None:
    context = server_context(certificate("mx.example.net"))
    at = {"STARTTLS": "454 4.7.0 TLS not available"}
    outcomes, mx = attempt(Behaviour(tls=context, at=at), tls=opportunistic())
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].facts == {"tls-refused": "454 4.7.0 TLS not available"}
    assert len(mx.sessions) == 1


def test_nothing_said_behind_the_220_of_starttls_counts_under_tls() -> None:
    context = server_context(certificate("mx.example.net"))
    injected = Act(raw=b"220 go\r\n250-mx\r\n250 SIZE 1\r\n")
    outcomes, mx = attempt(
        Behaviour(tls=context, at={"STARTTLS": injected}, extensions=()), tls=opportunistic()
    )
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].tls == "TLSv1.3"
    assert mx.commands[-3:] == [f"RCPT TO:<{ADA}>", "DATA", "QUIT"]


def test_a_large_file_goes_over_tls(tmp_path: Path) -> None:
    file = tmp_path / "body"
    body = b"From: g@example.org\r\n\r\n" + b".dots\r\n" * 500_000
    file.write_bytes(body)
    behaviour = Behaviour(tls=server_context(certificate("mx.example.net")))
    outcomes, mx = attempt(behaviour, what=message(file), tls=opportunistic(), timeouts=Timeouts())
    assert outcomes[ADA].result is Result.DELIVERED
    assert mx.messages[0].body == body


# -- oneself, nowhere, and the end ----------------------------------------------------------------


def test_mail_is_not_sent_to_a_server_that_bears_our_name_on_our_port() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(name="RELAY.example.org")) as mx:
            sender = carrier(ports=frozenset({mx.port}))
            (outcome,) = await sender.carry(message(), (ADA,), to(mx))
            assert outcome.result is Result.FAILED
            assert outcome.cause == "route-to-self"
            await sender.close()
            assert mx.commands == ["EHLO relay.example.org", "QUIT"]

    run(main)


def test_mail_is_not_sent_to_an_address_on_which_we_listen() -> None:
    async def main() -> None:
        sender = carrier(addresses=frozenset({("127.0.0.1", 2525)}))
        (outcome,) = await sender.carry(message(), (ADA,), to(2525))
        assert outcome.cause == "route-to-self"

    run(main)


def test_a_target_with_a_refusal_or_without_an_address_is_an_outcome() -> None:
    async def main() -> None:
        sender = carrier()
        refusal: Reply = catalog.NULL_MX.reply(domain="example.net")
        nowhere = Target(Way.SMTP, "example.net", refusal=refusal)
        (outcome,) = await sender.carry(message(), (ADA,), nowhere)
        assert (outcome.result, outcome.cause) == (Result.FAILED, "null-mx")
        (outcome,) = await sender.carry(message(), (ADA,), Target(Way.SMTP, "example.net"))
        assert (outcome.result, outcome.cause) == (Result.DEFERRED, "connection-failed")

    run(main)


def test_an_error_inside_defers_and_names_its_incident() -> None:
    async def main() -> None:
        errors: list[Exception] = []

        def incident(error: Exception) -> str:
            errors.append(error)
            return "INC7"

        sender = SmtpCarrier(Sending("relay.example.org"), incident)
        broken = Target(Way.SMTP, "k", (Host("mx", (None,)),))  # type: ignore[arg-type]
        (outcome,) = await sender.carry(message(), (ADA,), broken)
        assert outcome.result is Result.DEFERRED
        assert outcome.cause == "internal-error"
        assert "INC7" in outcome.reply
        assert len(errors) == 1

    run(main)


def test_a_cancelled_attempt_leaves_no_connection_behind() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(at={"DATA": SILENCE})) as mx:
            sender = carrier(timeouts=Timeouts())
            task = asyncio.create_task(sender.carry(message(), (ADA,), to(mx)))
            await until(lambda: "DATA" in mx.commands)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: len(sender.pool) == 0)
            await sender.close()

    run(main)


def test_the_source_address_is_the_one_that_was_set() -> None:
    async def main() -> None:
        peers: list[str] = []

        def seen() -> asyncio.Protocol:
            class Seen(asyncio.Protocol):
                def connection_made(self, transport: asyncio.BaseTransport) -> None:
                    peers.append(transport.get_extra_info("peername")[0])
                    transport.close()

            return Seen()

        loop = asyncio.get_running_loop()
        server = await loop.create_server(seen, "127.0.0.1", 0)
        sender = carrier(sources=lambda _name: Source("", "127.0.0.9", free=True))
        await sender.carry(message(), (ADA,), to(server.sockets[0].getsockname()[1]))
        assert peers == ["127.0.0.9"]
        server.close()
        await sender.close()

    run(main)


# -- LMTP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("unix", [False, True])
def test_lmtp_has_a_reply_for_every_recipient_after_the_message(
    tmp_path: Path, *, unix: bool
) -> None:
    at: dict[str, Act | str] = {
        f"message {BOB}": "452 4.2.2 Mailbox full",
        "RCPT eve@example.net": "550 5.1.1 No such user",
    }
    path = str(tmp_path / "lmtp") if unix else ""

    async def main() -> None:
        async with ScriptedServer(Behaviour(lmtp=True, at=at), path=path) as mx:
            sender = carrier()
            target = to(mx, way=Way.LMTP, path=path)
            everybody = (ADA, "eve@example.net", BOB)
            outcomes = {o.recipient: o for o in await sender.carry(message(), everybody, target)}
            assert outcomes[ADA].result is Result.DELIVERED
            assert outcomes[BOB].result is Result.DEFERRED
            assert outcomes["eve@example.net"].result is Result.FAILED
            (outcome,) = await sender.carry(message(), (ADA,), target)
            assert outcome.result is Result.DELIVERED
            assert len(mx.sessions) == 1
            if unix:
                assert outcome.host == f"mail [{path}]"
            await sender.close()

    run(main)


def test_lmtp_that_breaks_off_between_its_replies_decides_for_those_it_answered() -> None:
    behaviour = Behaviour(lmtp=True, at={f"message {BOB}": CLOSE})
    outcomes, _ = attempt(behaviour, recipients=(ADA, BOB), way=Way.LMTP)
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[BOB].result is Result.DEFERRED
    assert outcomes[BOB].facts["after-data"] == "yes"
