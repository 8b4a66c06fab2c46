"""Smart hosts: TLS as it is demanded, logins, and what is done where one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.delivery.carrying import ADA, carrier, message, run, until

from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Host, Target, Told, Way
from ulak.delivery.tls import opportunistic, verifying
from ulak.lab.certificate import authority, certificate, server_context
from ulak.lab.mx import CLOSE, Act, Behaviour, ScriptedServer
from ulak.mail.envelope import Wishes
from ulak.queue.item import Message
from ulak.smtp.sasl.client import Credentials

HOST = "smart.example.net"
ACCOUNTS = {"tim": "tanstaaf"}
Login = Callable[[], Credentials]


def right() -> Credentials:
    return Credentials("tim", "tanstaaf")


def wrong() -> Credentials:
    return Credentials("tim", "guess")


def lost() -> Credentials:
    raise FileNotFoundError(2, "No such file", "password")


AUTHORITY = authority()
TLS = server_context(certificate(HOST, issuer=AUTHORITY))
STRANGER = server_context(certificate("other.example.net", issuer=AUTHORITY))


@pytest.fixture
def believed(tmp_path: Path) -> Path:
    file = tmp_path / "authorities.pem"
    file.write_bytes(AUTHORITY.certificate)
    return file


def required(believed: Path, login: Login | None = right, **more: object) -> Demands:
    return Demands("smart", verifying(believed), required=True, login=login, **more)  # type: ignore[arg-type]  # fields by their names


def over(
    demands: Demands,
    *behaviours: Behaviour,
    messages: Sequence[Message] = (message(),),
    told: Told = Told.OPERATOR,
    **settings: object,
) -> tuple[list[Outcome], ScriptedServer]:
    """Carry messages, one after the other, over a smart host that behaves so."""

    async def main() -> tuple[list[Outcome], ScriptedServer]:
        async with ScriptedServer(*behaviours) as mx:
            sender = carrier(smarthosts={(HOST, mx.port): demands}, **settings)
            target = Target(Way.SMTP, "k", (Host(HOST, ("127.0.0.1",), mx.port),), told=told)
            found: list[Outcome] = []
            for each in messages:
                found += await sender.carry(each, (ADA,), target)
            await sender.close()
            assert len(sender.pool) == 0
            return found, mx

    return run(main)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
@pytest.mark.parametrize("implicit", [False, True])
def test_it_is_logged_in_under_proven_tls(
    believed: Path, mechanism: str, *, implicit: bool
) -> None:
    behaviour = Behaviour(tls=TLS, accounts=ACCOUNTS, mechanisms=(mechanism,), implicit=implicit)
    demands = required(believed, implicit=implicit)
    (outcome,), mx = over(demands, behaviour)
    assert outcome.result is Result.DELIVERED, outcome
    assert outcome.tls == "TLSv1.3"
    assert mx.sessions[0].login == "tim"
    assert mx.commands.count("STARTTLS") == (0 if implicit else 1)


def test_the_best_way_of_logging_in_is_taken(believed: Path) -> None:
    behaviour = Behaviour(
        tls=TLS, accounts=ACCOUNTS, mechanisms=("LOGIN", "PLAIN", "SCRAM-SHA-256")
    )
    _, mx = over(required(believed), behaviour)
    assert any(command.startswith("AUTH SCRAM-SHA-256 ") for command in mx.commands)


def test_a_session_that_has_logged_in_is_used_again(believed: Path) -> None:
    _, mx = over(
        required(believed), Behaviour(tls=TLS, accounts=ACCOUNTS), messages=[message()] * 3
    )
    assert len(mx.sessions) == 1
    assert len(mx.messages) == 3


def test_no_dialogue_shows_the_password(believed: Path) -> None:
    behaviour = Behaviour(tls=TLS, accounts=ACCOUNTS, mechanisms=("PLAIN",))
    (outcome,), mx = over(required(believed), behaviour, always_dialogue=True)
    assert "C: AUTH PLAIN ***" in outcome.dialogue
    assert "AUTH PLAIN AHRpbQB0YW5zdGFhZg==" in mx.commands
    assert "AHRpbQ" not in "".join(outcome.dialogue)


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(tls=STRANGER, accounts=ACCOUNTS),
        Behaviour(accounts=ACCOUNTS),
        Behaviour(tls=TLS, accounts=ACCOUNTS, at={"STARTTLS": "502 5.5.1 Not here"}),
        Behaviour(tls=TLS, accounts=ACCOUNTS, at={"TLS": CLOSE}),
    ],
)
def test_without_proven_tls_nothing_is_sent_and_nothing_goes_back(
    believed: Path, behaviour: Behaviour
) -> None:
    (outcome,), mx = over(required(believed), behaviour)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "tls-failed")
    assert not any(command[:4] in ("AUTH", "MAIL") for command in mx.commands)


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(tls=STRANGER, implicit=True),
        Behaviour(),
        Behaviour(at={"connect": Act(raw=b"220 in the clear\r\n", close=True)}),
    ],
)
def test_implicit_tls_is_never_done_without(believed: Path, behaviour: Behaviour) -> None:
    (outcome,), mx = over(required(believed, implicit=True), behaviour)
    assert outcome.result is Result.DEFERRED
    assert outcome.cause in ("tls-failed", "connection-failed")
    assert mx.messages == []
    assert not any("AUTH" in command or "MAIL" in command for command in mx.commands)


def test_a_wrong_password_puts_off_and_is_not_tried_with_every_message(believed: Path) -> None:
    behaviour = Behaviour(tls=TLS, accounts=ACCOUNTS)
    outcomes, mx = over(required(believed, wrong), behaviour, messages=[message()] * 5)
    for outcome in outcomes:
        assert (outcome.result, outcome.cause) == (Result.DEFERRED, "smart-host-login-failed")
        assert "535 5.7.8" in outcome.reply
    assert len(mx.sessions) == 1
    assert mx.sessions[0].quit


def test_a_password_that_cannot_be_read_puts_off_without_a_session(believed: Path) -> None:
    (outcome,), mx = over(required(believed, lost), Behaviour(tls=TLS, accounts=ACCOUNTS))
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "smart-host-login-failed")
    assert "no such file" in outcome.reply
    assert mx.sessions == []


def test_after_a_while_the_login_is_tried_again(believed: Path) -> None:
    behaviour = Behaviour(tls=TLS, accounts=ACCOUNTS, at={"AUTH": Act("535 5.7.8 No", times=1)})
    outcomes, _ = over(required(believed), behaviour, messages=[message()] * 2, locked_for=-1.0)
    assert [o.result for o in outcomes] == [Result.DEFERRED, Result.DELIVERED]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(tls=TLS), "offers no login"),
        (Behaviour(tls=TLS, accounts=ACCOUNTS, mechanisms=("GSSAPI",)), "GSSAPI"),
        (Behaviour(tls=TLS, accounts=ACCOUNTS, at={"AUTH": "454 4.7.0 Not now"}), "454 4.7.0"),
    ],
)
def test_a_login_that_cannot_be_is_said_to_the_operator(
    believed: Path, behaviour: Behaviour, words: str
) -> None:
    (outcome,), _ = over(required(believed), behaviour)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "smart-host-login-failed")
    assert words in outcome.reply


def test_a_connection_lost_in_a_login_is_a_lost_connection(believed: Path) -> None:
    (outcome,), _ = over(
        required(believed), Behaviour(tls=TLS, accounts=ACCOUNTS, at={"AUTH": CLOSE})
    )
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "connection-lost")


@pytest.mark.parametrize("login", [None, right])
def test_a_smart_host_that_wants_a_login_returns_nothing(
    believed: Path, login: Login | None
) -> None:
    refusing = Behaviour(tls=TLS, accounts=ACCOUNTS, at={"MAIL": "530 5.7.0 Log in first"})
    (outcome,), _ = over(required(believed, login), refusing)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "smart-host-login-failed")
    assert "530 5.7.0 Log in first" in outcome.reply
    (outcome,), _ = over(required(believed, login), refusing, told=Told.DNS)
    assert (outcome.result, outcome.cause) == (Result.FAILED, "authentication-required")


def test_nobody_is_logged_in_where_only_dns_names_the_host(believed: Path) -> None:
    (outcome,), mx = over(required(believed), Behaviour(tls=TLS, accounts=ACCOUNTS), told=Told.DNS)
    assert outcome.cause == "authentication-required"
    assert not any(command.startswith("AUTH") for command in mx.commands)


def test_a_password_stays_where_the_server_is_not_proven() -> None:
    plain = Behaviour(tls=STRANGER, accounts=ACCOUNTS, mechanisms=("PLAIN",))
    loose = Demands("smart", opportunistic(), login=right)
    (outcome,), mx = over(loose, plain)
    assert outcome.cause == "smart-host-login-failed"
    assert not any(command.startswith("AUTH") for command in mx.commands)
    trusting = Demands("smart", opportunistic(), login=right, trusted=True)
    (outcome,), _ = over(trusting, plain)
    assert outcome.result is Result.DELIVERED
    (outcome,), mx = over(trusting, Behaviour(accounts=ACCOUNTS, mechanisms=("PLAIN",)))
    assert outcome.cause == "smart-host-login-failed"  # in the clear never
    (outcome,), _ = over(loose, Behaviour(accounts=ACCOUNTS))
    assert outcome.result is Result.DELIVERED  # SCRAM shows nothing to who listens


def test_requiretls_over_a_smart_host_is_strict_and_logs_in(believed: Path) -> None:
    strict = message(wishes=Wishes(require_tls=True))
    behaviour = Behaviour(tls=TLS, accounts=ACCOUNTS, extensions=("PIPELINING", "REQUIRETLS"))
    for demands in (required(believed), Demands("smart", opportunistic(), login=right)):
        outcomes, mx = over(
            demands,
            behaviour,
            messages=[strict, message()],
            proven=lambda: verifying(believed),
        )
        assert [o.result for o in outcomes] == [Result.DELIVERED] * 2, outcomes
        assert [s.login for s in mx.sessions] == ["tim", "tim"]
        assert mx.messages[0].parameters == "REQUIRETLS"
    unproven = Behaviour(tls=STRANGER, accounts=ACCOUNTS, extensions=("REQUIRETLS",))
    (outcome,), _ = over(required(believed), unproven, messages=[strict])
    assert (outcome.result, outcome.cause) == (Result.FAILED, "tls-unproven")
    implicit = Behaviour(tls=STRANGER, implicit=True, extensions=("REQUIRETLS",))
    (outcome,), _ = over(required(believed, implicit=True), implicit, messages=[strict])
    assert (outcome.result, outcome.cause) == (Result.FAILED, "tls-unproven")


def test_a_cancelled_login_leaves_nothing_behind(believed: Path) -> None:
    async def main() -> None:
        silent = Behaviour(tls=TLS, accounts=ACCOUNTS, at={"AUTH": Act(delay=60, close=True)})
        async with ScriptedServer(silent) as mx:
            sender = carrier(smarthosts={(HOST, mx.port): required(believed)})
            host = Host(HOST, ("127.0.0.1",), mx.port)
            target = Target(Way.SMTP, "k", (host,), told=Told.OPERATOR)
            task = asyncio.create_task(sender.carry(message(), (ADA,), target))
            await until(lambda: any(c.startswith("AUTH") for c in mx.commands))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: len(sender.pool) == 0)
            await sender.close()

    run(main)
