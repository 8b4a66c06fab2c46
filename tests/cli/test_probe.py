"""`ulak probe` talks to servers that behave well and ill, and sends nothing."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ulak.cli import main
from ulak.diagnose.probe import EXTENSIONS
from ulak.diagnose.probing import ProbeCore
from ulak.diagnose.words import TEXTS
from ulak.dns import Zone
from ulak.lab.certificate import authority, certificate, server_context
from ulak.lab.mx import CLOSE, SILENCE, Act, Behaviour
from ulak.lab.nameserver import NameServer
from ulak.language import LANGUAGES
from ulak.smtp.client.states import Stage, Step

Capture = pytest.CaptureFixture[str]
AUTHORITY = authority()
NOBODY = {
    "RCPT nobody@example.net": "550 5.1.1 <nobody@example.net>: there is no such mailbox here"
}


@pytest.fixture
def dns() -> Iterator[str]:
    server = NameServer(
        Zone(
            {
                ("mail.example", "MX"): [(20, "mx2.mail.example"), (10, "mx1.mail.example")],
                ("mx1.mail.example", "A"): ["127.0.0.1"],
            }
        )
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield f"{server.host}:{server.port}"
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def run(*words: object) -> int:
    return main.main(["probe", *(str(word) for word in words)], standalone_mode=False)


def probed(capsys: Capture, *words: object) -> tuple[int, dict[str, Any]]:
    code = run(*words, "--json", "--lang", "en")
    (found,) = json.loads(capsys.readouterr().out)["servers"]
    return code, found


# -- the core -----------------------------------------------------------------------------------


def test_a_probe_asks_its_commands_one_by_one_and_never_for_data() -> None:
    core = ProbeCore("me.example", ["VRFY ada", "RSET"], starttls=False)
    assert core.feed(b"220 mx.example ESMTP\r\n") is Step.WAIT
    assert core.output() == b"EHLO me.example\r\n"
    assert core.feed(b"250-mx.example\r\n250 VRFY\r\n") is Step.READY
    assert core.ask()
    assert core.output() == b"VRFY ada\r\n"
    assert core.feed(b"252 2.5.0 Cannot VRFY user\r\n") is Step.DONE
    assert core.ask()
    assert core.feed(b"250 Forgotten\r\n") is Step.DONE
    assert core.ask()
    assert core.output() == b"RSET\r\nQUIT\r\n"
    assert core.feed(b"221 Goodbye\r\n") is Step.OVER
    assert not core.ask()
    assert [one.command for one in core.said] == ["", "EHLO me.example", "VRFY ada", "RSET", "QUIT"]


def test_what_a_server_says_before_it_is_asked_ends_the_talk() -> None:
    core = ProbeCore("me.example", ["VRFY ada"], starttls=False)
    core.feed(b"220 mx.example ESMTP\r\n")
    core.feed(b"250 mx.example\r\n")
    core.ask()
    assert core.feed(b"421 4.3.2 Shutting down\r\n") is Step.OVER
    assert core.stage is Stage.CLOSED
    assert core.failure is not None


# -- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_extension_that_has_a_standard_has_a_text(language: str) -> None:
    texts = {name for name in TEXTS.all(language) if name.startswith("extension.")}
    assert texts == {f"extension.{keyword}" for keyword in EXTENSIONS}


# -- servers --------------------------------------------------------------------------------------


def test_a_server_is_talked_to_and_takes_no_message(
    sink: Callable[..., Any], capsys: Capture
) -> None:
    server = sink(Behaviour(at=NOBODY))
    place = f"127.0.0.1:{server.port}"
    code, found = probed(capsys, place, "--rcpt", "grace@example.net", "--helo", "me.example")
    assert code == 0
    commands = ["EHLO me.example", "MAIL FROM:<>", "RCPT TO:<grace@example.net>", "RSET", "QUIT"]
    assert server.messages == []
    assert [reply["command"] for reply in found["replies"]] == [None, *commands]
    keywords = {one["keyword"]: one["parameters"] for one in found["extensions"]}
    assert keywords["SIZE"] == "10240000"
    assert found["tls"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_address_is_explained_and_is_a_finding(
    language: str, sink: Callable[..., Any], capsys: Capture
) -> None:
    place = f"127.0.0.1:{sink(Behaviour(at=NOBODY)).port}"
    words = ("--rcpt", "nobody@example.net", "--mail-from", "<ada@example.org>")
    assert run(place, *words, "--lang", language) == 1
    shown = capsys.readouterr().out
    assert "C: MAIL FROM:<ada@example.org>" in shown
    assert "S: 550 5.1.1 <nobody@example.net>" in shown
    assert "PIPELINING: " in shown
    code, found = probed(capsys, place, *words)
    assert code == 1
    told = next(r for r in found["replies"] if r["code"] == 550)
    assert told["explanation"]["cause"] == "no-such-mailbox"


def test_a_certificate_is_shown_and_believed_where_its_authority_is(
    sink: Callable[..., Any], tmp_path: Path, capsys: Capture
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(AUTHORITY.certificate)
    context = server_context(certificate("127.0.0.1", issuer=AUTHORITY))
    place = f"127.0.0.1:{sink(Behaviour(tls=context)).port}"
    code, found = probed(capsys, place, "--ca", ca)
    tls = found["tls"]
    assert (code, tls["trusted"], tls["names"]) == (0, True, ["127.0.0.1"])
    assert tls["version"] == "TLSv1.3"
    assert [r["secure"] for r in found["replies"]] == [False, False, False, True, True]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_certificate_that_is_not_to_be_trusted_is_told_and_the_talk_goes_on(
    sink: Callable[..., Any], capsys: Capture, *, implicit: bool
) -> None:
    context = server_context(certificate("other.example", expired=True))
    place = f"127.0.0.1:{sink(Behaviour(tls=context, implicit=implicit)).port}"
    words = ("--tls", "implicit" if implicit else "starttls", "--rcpt", "a@example.net")
    code, found = probed(capsys, place, *words)
    assert code == 0
    assert not found["tls"]["trusted"]
    assert found["tls"]["problem"]
    assert found["tls"]["names"] == ["other.example"]
    assert found["replies"][-1]["command"] == "QUIT"


@pytest.mark.parametrize(
    ("behaviour", "stage", "problem"),
    [
        (Behaviour(at={"connect": CLOSE}), "greeting", "closed"),
        (Behaviour(at={"connect": SILENCE}), "greeting", "timed out"),
        (Behaviour(at={"connect": "421 4.3.2 Too busy"}), "greeting", "421 4.3.2 Too busy"),
        (Behaviour(at={"connect": "554 5.7.1 Not you"}), "greeting", "554 5.7.1 Not you"),
        (Behaviour(at={"connect": Act(raw=b"SSH-2.0-x\r\n")}), "greeting", "no SMTP reply"),
        (Behaviour(at={"connect": Act(raw=b"220 " + b"x" * 9000)}), "greeting", "octets"),
        (Behaviour(at={"EHLO": SILENCE}), "EHLO", "timed out"),
        (Behaviour(at={"RCPT": CLOSE}), "RCPT", "closed"),
    ],
)
def test_a_server_that_behaves_ill_is_told_of(
    behaviour: Behaviour, stage: str, problem: str, sink: Callable[..., Any], capsys: Capture
) -> None:
    place = f"127.0.0.1:{sink(behaviour).port}"
    code, found = probed(capsys, place, "--timeout", "0.7", "--rcpt", "a@example.net")
    assert code == 1
    assert found["stage"] == stage
    assert problem in found["problem"]
    for language in LANGUAGES:
        assert run(place, "--timeout", "0.7", "--rcpt", "a@example.net", "--lang", language) == 1
        assert problem in " ".join(capsys.readouterr().out.split())


def test_tls_that_fails_is_told(sink: Callable[..., Any], capsys: Capture) -> None:
    context = server_context(certificate("127.0.0.1", issuer=AUTHORITY))
    behaviour = Behaviour(tls=context, at={"TLS": Act(raw=b"no handshake\r\n", close=True)})
    code, found = probed(capsys, f"127.0.0.1:{sink(behaviour).port}", "--timeout", "5")
    assert code == 1
    assert found["tls"]["failed"]
    assert not found["tls"]["trusted"]


def test_a_domain_is_asked_for_its_mail_hosts(
    sink: Callable[..., Any], dns: str, capsys: Capture
) -> None:
    port = sink(Behaviour()).port
    words = ("mail.example", "--dns", dns, "--port", port, "--json", "--all")
    assert run(*words) == 1  # the second of them is not there
    found = json.loads(capsys.readouterr().out)["servers"]
    assert [(one["host"], one["address"], one["good"]) for one in found] == [
        ("mx1.mail.example", "127.0.0.1", True),
        ("mx2.mail.example", None, False),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("a..b",),
        ("mx.example.org:0",),
        ("mx.example.org:99999",),
        ("mx.example.org:٢٥",),
        ("127.0.0.1:1", "--rcpt", "a@b\r\nDATA"),
        ("127.0.0.1:1", "--vrfy", "a\nQUIT"),
        ("127.0.0.1:1", "--helo", "a\nQUIT"),
        ("127.0.0.1:1", "--ca", "nowhere.pem"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(words: tuple[str, ...], capsys: Capture) -> None:
    assert run(*words, "--lang", "en") == 2
    shown = capsys.readouterr()
    assert shown.err
    assert shown.out == ""
