"""`ulak send` sends one message and explains what it was told."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ulak.cli.dress import TEXTS
from ulak.delivery import conclusion
from ulak.lab.certificate import authority, certificate, server_context
from ulak.lab.mx import CLOSE, Behaviour
from ulak.replies import catalog

AUTHORITY = authority()
ACCOUNTS = {"tim": "tanstaaf"}
EVERYTHING = ("PIPELINING", "DSN", "MT-PRIORITY", "DELIVERBY", "REQUIRETLS")


def ulak(
    *words: str, given: bytes | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ulak", "send", *words],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def ca(tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    file.write_bytes(AUTHORITY.certificate)
    return str(file)


def proven(**more: Any) -> Behaviour:
    context = server_context(certificate("127.0.0.1", issuer=AUTHORITY))
    return Behaviour(tls=context, **more)


def addressed(port: int, *to: str) -> list[str]:
    words = ["--server", f"127.0.0.1:{port}", "--from", "g@example.net"]
    for one in to:
        words += ["--to", one]
    return words


def test_a_message_that_is_taken_shows_its_dialogue(sink: Callable[..., Any]) -> None:
    server = sink()
    sent = ulak(*addressed(server.port, "a@example.com"), "--lang", "en")
    assert sent.returncode == 0, sent.stderr
    assert b"C: MAIL FROM:<g@example.net>" in sent.stdout
    assert b"S: 250" in sent.stdout
    assert len(server.messages) == 1


def test_a_refused_recipient_is_explained_and_is_a_finding(sink: Callable[..., Any]) -> None:
    behaviour = Behaviour(at={"RCPT b@example.com": "550 5.1.1 No such user here"})
    server = sink(behaviour)
    sent = ulak(*addressed(server.port, "a@example.com", "b@example.com"), "--json")
    assert sent.returncode == 1
    told = json.loads(sent.stdout)
    results = {outcome["recipient"]: outcome for outcome in told["outcomes"]}
    assert results["a@example.com"]["result"] == "delivered"
    assert results["b@example.com"]["result"] == "failed"
    assert results["b@example.com"]["explanation"]["family"] == "recipient-unknown"


def test_a_message_from_standard_input_goes_out_with_crlf(sink: Callable[..., Any]) -> None:
    server = sink()
    sent = ulak(*addressed(server.port, "a@example.com"), "-", given=b"From: g\n\n.dot\nlast")
    assert sent.returncode == 0, sent.stderr
    assert server.messages[0].body == b"From: g\r\n\r\n.dot\r\nlast\r\n"


def test_a_wrong_server_is_said_in_a_sentence() -> None:
    wrong = ulak("--server", "nonsense", "--from", "a@b.example", "--to", "c@d.example")
    assert wrong.returncode == 2
    assert b"nonsense" in wrong.stderr
    assert b"Traceback" not in wrong.stderr


# -- what this side has to say --------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_an_unreachable_server_is_not_told_of_in_the_words_of_a_queue(lang: str) -> None:
    sent = ulak(*addressed(closed_port(), "a@example.com"), "--lang", lang)
    assert sent.returncode == 1
    said = sent.stdout.decode()
    assert "connection refused" in said
    assert not any(word in said for word in ("waits", "tried again", "bekliyor", "denenecek"))
    sent = ulak(*addressed(closed_port(), "a@example.com"), "--lang", lang, "--json")
    (outcome,) = json.loads(sent.stdout)["outcomes"]
    assert outcome["cause"] == "connection-failed"
    assert outcome["explanation"]["fix"] == []
    assert not any(word in outcome["explanation"]["means"] for word in ("waits", "bekliyor"))


def test_a_message_that_may_have_been_taken_is_in_doubt(sink: Callable[..., Any]) -> None:
    server = sink(Behaviour(at={"message": CLOSE}))
    sent = ulak(*addressed(server.port, "a@example.com"), "--lang", "en")
    assert sent.returncode == 1
    assert b"nobody knows whether it was taken" in sent.stdout
    assert b"may have been taken" in sent.stdout


@pytest.mark.parametrize("language", ["en", "tr"])
def test_everything_that_this_side_can_say_has_words_without_a_queue(language: str) -> None:
    source = Path(conclusion.__file__).read_text("utf-8")
    rows = {getattr(catalog, name).name for name in re.findall(r"catalog\.([A-Z_]+)\.", source)}
    # Not of a message from a file, to a server that was named.
    rows -= {"message-unreadable", "route-to-self", "peer-lacks-binarymime", "expanded"}
    # Not from an address that was named.
    rows -= {"source-unusable", "source-wrong-family"}
    # Not of a domain that was looked up in DNS.
    rows -= {"dane-failed", "mta-sts-failed"}
    assert len(rows) > 10
    assert not [name for name in rows if TEXTS.find(language, f"by-hand.{name}") is None]


# -- wishes ---------------------------------------------------------------------------------------


def test_what_is_wished_is_said_to_the_server(sink: Callable[..., Any]) -> None:
    server = sink(Behaviour(extensions=EVERYTHING))
    sent = ulak(
        *addressed(server.port, "a@example.com", "b@example.com"),
        *("--notify", "success,delay", "--ret", "hdrs", "--envid", "a b"),
        *("--priority", "-3", "--by", "600R"),
    )
    assert sent.returncode == 0, sent.stderr
    (message,) = server.messages
    assert message.parameters == "RET=HDRS ENVID=a+20b MT-PRIORITY=-3 BY=600;R"
    assert message.asked == ("NOTIFY=DELAY,SUCCESS",) * 2
    assert b"not passed on" not in sent.stdout


def test_what_the_server_knows_nothing_of_is_said(sink: Callable[..., Any]) -> None:
    server = sink(Behaviour(extensions=("DSN",)))
    words = ("--notify", "never", "--priority", "3", "--by", "600", "--lang", "en")
    sent = ulak(*addressed(server.port, "a@example.com"), *words)
    assert sent.returncode == 0, sent.stderr
    said = sent.stdout.decode()
    assert "--priority was not passed on, since the server does not offer MT-PRIORITY." in said
    assert "--by was not passed on, since the server does not offer DELIVERBY." in said
    assert "--notify" not in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--notify", "always"), b"always"),
        (("--notify", "never,delay"), b"never,delay"),
        (("--by", "soon"), b"soon"),
        (("--by", "0R"), b"0R"),
        (("--priority", "10"), b"--priority"),
        (("--ca", "/none/ca.pem"), b"/none/ca.pem"),
        (("--ca", __file__, "--tls", "required"), b"certificate"),
    ],
)
def test_a_wrong_wish_is_said_in_a_sentence(words: tuple[str, ...], part: bytes) -> None:
    sent = ulak(*addressed(closed_port(), "a@example.com"), "--tls", "required", *words)
    assert sent.returncode == 2
    assert part in sent.stderr
    assert b"Traceback" not in sent.stderr


def test_requiretls_is_asked_for_over_proven_tls_only(sink: Callable[..., Any], ca: str) -> None:
    server = sink(proven(extensions=EVERYTHING))
    words = (*addressed(server.port, "a@example.com"), "--require-tls", "--lang", "en")
    assert b"--require-tls" in ulak(*words).stdout
    assert server.messages == []
    sent = ulak(*words, "--ca", ca)
    assert sent.returncode == 0, sent.stdout
    assert server.messages[0].parameters == "REQUIRETLS"


# -- logins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("implicit", [False, True])
def test_a_login_by_hand_shows_its_dialogue_and_no_password(
    sink: Callable[..., Any], ca: str, *, implicit: bool
) -> None:
    server = sink(proven(accounts=ACCOUNTS, mechanisms=("PLAIN",), implicit=implicit))
    words = [*addressed(server.port, "a@example.com"), "--auth", "tim", "--ca", ca]
    words += ["--tls", "implicit"] if implicit else []
    for how in ({"given": b"tanstaaf\n"}, {"env": {"ULAK_PASSWORD": "tanstaaf"}}):
        sent = ulak(*words, **how)
        assert sent.returncode == 0, sent.stdout + sent.stderr
        assert b"C: AUTH PLAIN ***" in sent.stdout
        assert b"AHRpbQB0YW5zdGFhZg" not in sent.stdout
    assert len(server.messages) == 2


def test_a_password_and_a_message_do_not_both_come_by_the_pipe(
    sink: Callable[..., Any], ca: str
) -> None:
    server = sink(proven(accounts=ACCOUNTS))
    words = (*addressed(server.port, "a@example.com"), "--auth", "tim", "--ca", ca, "-")
    sent = ulak(*words, given=b"From: g\n\nhi\n")
    assert sent.returncode == 2
    assert b"ULAK_PASSWORD" in sent.stderr
    sent = ulak(*words, given=b"From: g\n\nhi\n", env={"ULAK_PASSWORD": "tanstaaf"})
    assert sent.returncode == 0, sent.stdout
    assert server.messages[0].body == b"From: g\r\n\r\nhi\r\n"


def test_a_wrong_password_by_hand_says_so(sink: Callable[..., Any], ca: str) -> None:
    server = sink(proven(accounts=ACCOUNTS))
    words = (*addressed(server.port, "a@example.com"), "--auth", "tim", "--ca", ca, "--lang", "en")
    sent = ulak(*words, env={"ULAK_PASSWORD": "guess"})
    assert sent.returncode == 1
    assert b"The login at" in sent.stdout
    assert b"waits" not in sent.stdout
    assert server.messages == []


def test_a_password_stays_here_unless_the_server_is_proven_or_trusted(
    sink: Callable[..., Any],
) -> None:
    server = sink(proven(accounts=ACCOUNTS, mechanisms=("LOGIN",)))
    words = [*addressed(server.port, "a@example.com"), "--auth", "tim", "--tls", "opportunistic"]
    env = {"ULAK_PASSWORD": "tanstaaf"}
    assert ulak(*words, env=env).returncode == 1
    assert not any(command.startswith("AUTH") for command in server.server.commands)
    assert ulak(*words, "--trust-unproven", env=env).returncode == 0
    by_itself = [*words[:-2], "--trust-unproven"]  # it says enough about TLS
    assert ulak(*by_itself, env=env).returncode == 0
