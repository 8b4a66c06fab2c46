"""Wishes and needs of a message against what servers offer: sent on, or said to be impossible."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.delivery.carrying import ADA, BOB, attempt, message, run, several, to
from tests.delivery.carrying import carrier as carrier_of

from ulak.delivery.outcome import Result
from ulak.delivery.target import Host, Target, Way
from ulak.lab.mx import Act, Behaviour, ScriptedServer
from ulak.mail.envelope import DeliverBy, RecipientWishes, Wishes

DSN = ("PIPELINING", "DSN")
EVE = "eve@example.org"
LIMITED = "u{}@d{}.example"
PARTS = (
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Disposition: attachment; filename=çağrı.pdf\r\n\r\nx\r\n--b--\r\n"
).encode()


# -- DSN ------------------------------------------------------------------------------------------


def test_what_was_asked_for_reports_goes_on_to_a_server_with_dsn() -> None:
    asked = {ADA: RecipientWishes(frozenset({"SUCCESS"}), "rfc822;a+b@example.com")}
    what = message(wishes=Wishes(ret="HDRS", envid="a b"), asked=asked)
    outcomes, mx = attempt(Behaviour(extensions=DSN), what=what, recipients=(ADA, BOB))
    (taken,) = mx.messages
    assert taken.parameters == "RET=HDRS ENVID=a+20b"
    assert taken.asked == ("NOTIFY=SUCCESS ORCPT=rfc822;a+2Bb@example.com", "")
    assert {o.facts["dsn"] for o in outcomes.values()} == {"passed-on"}


def test_a_server_without_dsn_gets_the_message_and_the_outcome_says_so() -> None:
    what = message(asked={ADA: RecipientWishes(frozenset({"SUCCESS"}))})
    outcomes, mx = attempt(Behaviour(extensions=()), what=what)
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].facts == {"dsn": "not-offered"}
    assert mx.messages[0].asked == ("",)


def test_a_message_without_wishes_has_no_facts_about_them() -> None:
    outcomes, _ = attempt(Behaviour(extensions=DSN))
    assert outcomes[ADA].facts == {}


def test_lmtp_is_told_of_wishes_too() -> None:
    what = message(asked={ADA: RecipientWishes(frozenset({"NEVER"}))})
    lmtp = Behaviour(extensions=DSN, lmtp=True)
    outcomes, mx = attempt(lmtp, what=what, way=Way.LMTP)
    assert outcomes[ADA].facts["dsn"] == "passed-on"
    assert mx.messages[0].asked == ("NOTIFY=NEVER",)


# -- DELIVERBY ------------------------------------------------------------------------------------


def by(mode: str, until: float = 1120.0) -> Wishes:
    return Wishes(deliver_by=DeliverBy(until, mode))


def test_the_seconds_that_are_left_go_on() -> None:
    offering = Behaviour(extensions=("DELIVERBY 60",))
    _, mx = attempt(offering, what=message(wishes=by("R")), clock=lambda: 1000.0)
    assert mx.messages[0].parameters == "BY=120;R"


@pytest.mark.parametrize("extensions", [(), ("DELIVERBY 121",)])
def test_what_has_to_come_back_in_time_goes_only_where_the_time_is_kept(
    extensions: tuple[str, ...],
) -> None:
    def clock() -> float:
        return 1000.0

    late, offering = Behaviour(extensions=extensions), Behaviour(extensions=("DELIVERBY",))
    what = message(wishes=by("R"))
    outcome, taken = several(late, late, what=what, clock=clock)
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-deliverby")
    assert taken == [0, 0]
    outcome, taken = several(late, offering, what=what, clock=clock)
    assert taken == [0, 1]


def test_a_time_that_is_over_keeps_only_what_has_to_come_back() -> None:
    offering = Behaviour(extensions=("DELIVERBY",))
    outcome, taken = several(offering, what=message(wishes=by("R")), clock=lambda: 1120.5)
    assert (outcome.cause, taken) == ("peer-lacks-deliverby", [0])
    _, mx = attempt(offering, what=message(wishes=by("N")), clock=lambda: 1130.0)
    assert mx.messages[0].parameters == "BY=-10;N"


def test_a_wish_to_be_told_of_a_delay_does_not_keep_a_message_back() -> None:
    outcomes, mx = attempt(Behaviour(extensions=()), what=message(wishes=by("N")))
    assert outcomes[ADA].result is Result.DELIVERED
    assert outcomes[ADA].facts == {"deliver-by": "not-offered"}
    assert mx.messages[0].parameters == ""


# -- SMTPUTF8 -------------------------------------------------------------------------------------


def test_another_host_is_tried_where_one_lacks_smtputf8() -> None:
    what = message("Subject: çağrı\r\n\r\nx\r\n".encode(), smtputf8=True)
    lacking, offering = Behaviour(extensions=()), Behaviour()
    outcome, taken = several(lacking, offering, what=what)
    assert (outcome.result, taken) == (Result.DELIVERED, [0, 1])
    outcome, taken = several(lacking, lacking, what=what)
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-smtputf8")
    assert "mx1.example.net" in outcome.host


def test_a_message_waits_where_the_host_with_smtputf8_may_only_be_down() -> None:
    what = message("Subject: çağrı\r\n\r\nx\r\n".encode(), smtputf8=True)
    outcome, _ = several(Behaviour(extensions=()), None, what=what)
    assert outcome.result is Result.DEFERRED


def test_recipients_go_by_different_hosts_where_only_one_takes_them() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(extensions=())) as one, ScriptedServer() as other:
            sender = carrier_of()
            wide = "çağrı@example.net"
            outcomes = await sender.carry(message(smtputf8=True), (wide, ADA), to(one, other))
            await sender.close()
            assert {o.result for o in outcomes} == {Result.DELIVERED}
            assert [t.recipients for t in (*one.messages, *other.messages)] == [(ADA,), (wide,)]
            assert other.messages[0].parameters.endswith("BODY=8BITMIME SMTPUTF8")

    run(main)


def test_an_alias_may_lead_to_an_address_that_needs_smtputf8() -> None:
    """The client asked for nothing: its own recipient was plain ASCII."""
    wide = "çağrı@example.net"
    _, mx = attempt(Behaviour(), recipients=(wide,))
    assert mx.messages[0].parameters.endswith("SMTPUTF8")


@pytest.mark.parametrize("in_file", [False, True])
def test_a_header_of_a_part_needs_smtputf8_as_well(tmp_path: Path, *, in_file: bool) -> None:
    body: bytes | Path = PARTS
    if in_file:
        body = tmp_path / "body"
        body.write_bytes(PARTS)
    what = message(body, smtputf8=True, body="8BITMIME")
    outcomes, _ = attempt(Behaviour(extensions=("8BITMIME",)), what=what)
    assert outcomes[ADA].cause == "peer-lacks-smtputf8"
    _, mx = attempt(Behaviour(), what=what)
    assert mx.messages[0].parameters.endswith("SMTPUTF8")


def test_smtputf8_is_not_asked_for_where_nothing_needs_it() -> None:
    what = message("Subject: x\r\n\r\nçağrı\r\n".encode(), smtputf8=True)
    outcomes, mx = attempt(Behaviour(extensions=("8BITMIME",)), what=what)
    assert outcomes[ADA].result is Result.DELIVERED
    assert mx.messages[0].parameters == "BODY=8BITMIME"


# -- LIMITS ---------------------------------------------------------------------------------------


def limited(limits: str, recipients: int) -> tuple[list[tuple[str, ...]], int]:
    """Carry to recipients in as many domains; the transactions, and how many sessions."""
    everybody = [LIMITED.format(n, n) for n in range(recipients)]
    behaviour = Behaviour(extensions=("PIPELINING", f"LIMITS {limits}"))
    outcomes, mx = attempt(behaviour, recipients=everybody)
    assert {o.result for o in outcomes.values()} == {Result.DELIVERED}
    return [t.recipients for t in mx.messages], len(mx.sessions)


def test_no_more_recipients_in_a_transaction_than_the_server_has_said() -> None:
    transactions, sessions = limited("RCPTMAX=2", 5)
    assert [len(t) for t in transactions] == [2, 2, 1]
    assert sessions == 1


def test_no_more_transactions_in_a_session_than_the_server_has_said() -> None:
    transactions, sessions = limited("RCPTMAX=1 MAILMAX=2", 5)
    assert [len(t) for t in transactions] == [1] * 5
    assert sessions == 3


def test_no_more_domains_in_a_session_than_the_server_has_said() -> None:
    transactions, sessions = limited("RCPTDOMAINMAX=2", 5)
    assert [len(t) for t in transactions] == [2, 2, 1]
    assert sessions == 3


def test_a_session_that_had_its_domains_is_left_for_a_new_one() -> None:
    async def main() -> None:
        behaviour = Behaviour(extensions=("PIPELINING", "LIMITS RCPTDOMAINMAX=1"))
        async with ScriptedServer(behaviour) as mx:
            sender = carrier_of()
            for recipient in (ADA, BOB, EVE, ADA):
                (outcome,) = await sender.carry(message(), (recipient,), to(mx))
                assert outcome.result is Result.DELIVERED
            assert [[t.recipients for t in s.taken] for s in mx.sessions] == [
                [(ADA,), (BOB,)],
                [(EVE,)],
                [(ADA,)],
            ]
            await sender.close()

    run(main)


def test_a_session_ends_politely_after_its_last_transaction() -> None:
    async def main() -> None:
        behaviour = Behaviour(extensions=("PIPELINING", "LIMITS MAILMAX=2"))
        async with ScriptedServer(behaviour) as mx:
            sender = carrier_of()
            for _ in range(5):
                await sender.carry(message(), (ADA,), to(mx))
            assert [len(s.taken) for s in mx.sessions] == [2, 2, 1]
            assert mx.sessions[0].quit
            await sender.close()

    run(main)


def test_a_session_without_room_for_anybody_is_no_endless_loop() -> None:
    """Every RCPT is put off for too many recipients, one domain at a time."""
    at: dict[str, Act | str] = {"RCPT": "452 4.5.3 Too many recipients"}
    behaviour = Behaviour(extensions=("PIPELINING", "LIMITS RCPTDOMAINMAX=1"), at=at)
    outcomes, mx = attempt(behaviour, recipients=(ADA, EVE))
    assert {o.result for o in outcomes.values()} == {Result.DEFERRED}
    assert len(mx.sessions) == 2


def test_a_place_is_a_socket_as_well(tmp_path: Path) -> None:
    async def main() -> None:
        path = f"{tmp_path}/lmtp.sock"
        behaviour = Behaviour(extensions=("PIPELINING", "LIMITS RCPTMAX=1"), lmtp=True)
        async with ScriptedServer(behaviour, path=path) as mx:
            sender = carrier_of()
            target = Target(Way.LMTP, "k", (Host("mail", path=path),))
            outcomes = await sender.carry(message(), (ADA, BOB), target)
            assert {o.result for o in outcomes} == {Result.DELIVERED}
            assert [len(t.recipients) for t in mx.messages] == [1, 1]
            await sender.close()

    run(main)
