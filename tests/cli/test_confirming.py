"""`ulak explain --file bounce.eml --check`: from a bounce to the record to change.

What is printed after the explanation stands in `outputs/`. When a change of it is meant, read the
new texts after `ULAK_WRITE_OUTPUTS=1 pytest tests/cli/test_confirming.py`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.diagnose.internet import BODY, FORGER, HEADER, MX, SIGNER, zone

from ulak.cli import main
from ulak.dns import Status, Zone
from ulak.lab.nameserver import NameServer

OUTPUTS = Path(__file__).parent / "outputs"
NOW = 1_790_000_000.0
SIGNED = SIGNER.sign(HEADER, BODY, NOW) + HEADER + b"\r\n" + BODY
Capture = pytest.CaptureFixture[str]


def internet() -> Zone:
    made = zone()
    made.put("2.0.0.127.zen.spamhaus.org", "A", ["127.0.0.2"])
    made.put("66.100.51.198.zen.spamhaus.org", "A", ["127.0.0.3"])
    made.put("66.100.51.198.zen.spamhaus.org", "TXT", ["https://check.spamhaus.org/sbl/query/1"])
    made.put("host.bare.example", "A", ["203.0.113.77"])
    made.put("moved._domainkey.well.example", "*", Status.NXDOMAIN)
    made.put("slow.example", "*", Status.SERVFAIL)
    return made


@pytest.fixture(scope="module")
def dns() -> Iterator[str]:
    server = NameServer(internet())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield f"{server.host}:{server.port}"
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def bounce(
    reply: str,
    message: bytes,
    *,
    reporting: str = "mx.well.example",
    remote: str = "mx.example.net",
    to: str = "ada@well.example",
    kind: str = "message/rfc822",
) -> bytes:
    """Write a delivery report (RFC 3464) about `message`, as the sending server gives it back."""
    code = reply.split()[1] if reply.split()[1][:1] in "45" else f"{reply[0]}.0.0"
    head = (
        f"From: MAILER-DAEMON@{reporting}\r\nTo: <{to}>\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message came back.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; {reporting}\r\n\r\n"
        "Final-Recipient: rfc822; grace@example.net\r\nAction: failed\r\n"
        f"Status: {code}\r\nRemote-MTA: dns; {remote}\r\nDiagnostic-Code: smtp; {reply}\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n"
    )
    return head.encode() + message + b"\r\n--b--\r\n"


BARE = HEADER.replace(b"well.example", b"bare.example") + b"\r\n" + BODY
CASES: dict[str, tuple[int, str, bytes, tuple[str, ...]]] = {
    "spf": (
        1,
        'well.example. IN TXT "v=spf1 ip4:198.51.100.66 mx -all"',
        bounce(f"550 5.7.23 SPF: well.example does not let {FORGER} send its mail", SIGNED),
        (),
    ),
    "no_dmarc": (
        1,
        '_dmarc.bare.example. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@bare.example"',
        bounce(
            "550 5.7.1 bare.example publishes no DMARC record, which is asked for here",
            BARE,
            to="ada@bare.example",
        ),
        (),
    ),
    "no_pointer": (
        1,
        "77.113.0.203.in-addr.arpa. IN PTR mail.example.org.",
        bounce(
            "550 5.7.25 The reverse DNS of the sending host is missing",
            BARE,
            reporting="host.bare.example",
            to="ada@bare.example",
        ),
        (),
    ),
    "no_key": (
        1,
        "moved._domainkey.well.example",
        bounce(
            "550 5.7.20 DKIM: no signature of this message passed",
            SIGNED.replace(b"s=s1;", b"s=moved;").partition(b"\r\n\r\n")[0] + b"\r\n",
            kind="text/rfc822-headers",
        ),
        (),
    ),
    "listed": (
        1,
        "https://check.spamhaus.org/",
        bounce(
            f"554 5.7.1 Service unavailable; Client host [{FORGER}] blocked using zen.spamhaus.org",
            BARE,
        ),
        (),
    ),
    "spf_mended": (
        0,
        "",
        bounce(f"550 5.7.23 SPF: well.example does not let {MX} send its mail", SIGNED),
        (),
    ),
    "no_mailbox": (
        0,
        "ulak probe example.net --rcpt grace@example.net",
        bounce("550 5.1.1 <grace@example.net>: there is no such mailbox here", SIGNED),
        (),
    ),
    "spam": (
        0,
        "",
        bounce("550 5.7.1 The message was judged to be spam: score 12", SIGNED),
        (),
    ),
}


def run(*words: object) -> int:
    return main.main(["explain", *(str(word) for word in words)], standalone_mode=False)


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("case", CASES)
def test_from_a_bounce_to_what_to_change(
    case: str, language: str, dns: str, tmp_path: Path, capsys: Capture
) -> None:
    code, record, mail, words = CASES[case]
    file = tmp_path / "bounce.eml"
    file.write_bytes(mail)
    assert run("--file", file, "--check", "--dns", dns, "--lang", language, *words) == code
    shown = capsys.readouterr().out
    now = {"en": "Is it so now?", "tr": "Şu anda durum öyle mi?"}[language]
    assert "grace@example.net\n" in shown
    told = shown.partition(f"\n{now}\n")[2].partition("\n")[2]
    golden = OUTPUTS / f"{case}.{language}.txt"
    if os.environ.get("ULAK_WRITE_OUTPUTS"):
        golden.write_text(told, "utf-8")
    assert told == golden.read_text("utf-8")
    assert record in told
    assert "{" not in told


def test_every_output_is_of_a_case() -> None:
    assert {file.name.split(".")[0] for file in OUTPUTS.iterdir()} == set(CASES)


def test_programs_get_the_checks_with_their_verdicts(
    dns: str, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "bounce.eml"
    for mail in (CASES["spf"][2], CASES["spf"][2].replace(b"\r\n", b"\n")):
        file.write_bytes(mail)
        assert run("--file", file, "--check", "--dns", dns, "--json", "--lang", "en") == 1
        found = json.loads(capsys.readouterr().out)
        assert (found["cause"], found["verdict"]) == ("spf-fail", "confirmed")
        assert found["recipient"] == "grace@example.net"
        (check,) = found["checks"]
        assert (check["check"], check["result"], check["verdict"]) == ("spf", "fail", "confirmed")
        assert check["reasons"][-1]["key"] == "reply.confirms"
        assert found["sources"]["mail-from"] == {"value": "ada@well.example", "from": "bounced-to"}
        assert found["steps"][0]["record"] == CASES["spf"][1]


def test_each_line_is_checked_with_the_same_resolver(
    dns: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        f"550 5.7.23 SPF: well.example does not let {FORGER} send its mail\n"
        f"550 5.7.25 The reverse DNS of {MX} is missing or does not lead back to it\n"
        "250 ok\n"
        "451 4.4.3 The mail servers of slow.example could not be looked up: SERVFAIL\n"
        "nothing of the kind\n"
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert run("--stdin", "--check", "--dns", dns, "--lang", "en") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["verdict"] for one in found] == [
        "confirmed",
        "not-confirmed",
        "needless",
        "confirmed",
        "unknowable",
    ]


def test_what_is_missing_is_asked_for_and_taken_from_options(dns: str, capsys: Capture) -> None:
    words = ("550 5.7.23 SPF validation failed", "--check", "--dns", dns, "--json", "--lang", "en")
    assert run(*words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "could-not-ask"
    assert found["checks"][0]["reasons"][0]["facts"] == {"option": "--ip"}
    given = ("--ip", FORGER, "--mail-from", "<ada@well.example>")
    assert run(*words, *given) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "confirmed"
    assert run(*words, "--ip", "300.1.1.1") == 2
    assert run(*words, "--dns", "localhost:53") == 2


def test_nobody_is_asked_without_check(capsys: Capture) -> None:
    assert not run("550 5.7.23 SPF validation failed", "--json", "--dns", "127.0.0.1:1")
    found = json.loads(capsys.readouterr().out)
    assert found["checks"] == []
    assert "verdict" not in found
