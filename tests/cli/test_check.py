"""`ulak check` asks a real name server, and ends with what it found."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.diagnose.internet import FORGER, MX, forged, genuine, zone

from ulak.app import diagnosing
from ulak.cli import main
from ulak.lab.nameserver import NameServer


@pytest.fixture(scope="module")
def name_server() -> Iterator[NameServer]:
    """The name server of the internet of these tests, on loopback, in a thread of its own."""
    server = NameServer(zone())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def dns(name_server: NameServer) -> str:
    return f"{name_server.host}:{name_server.port}"


def run(*words: object) -> int:
    return main.main(["check", *(str(word) for word in words)], standalone_mode=False)


Capture = pytest.CaptureFixture[str]


def test_an_address_is_looked_up(dns: str, capsys: Capture) -> None:
    assert run("ip", MX, "--dns", dns, "--zone", "bl.example", "--lang", "en") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"{MX} is on lists for which few servers refuse mail: dnsbl-3.")
    alone = ("--zone", "bl.example", "--only-configured", "--helo", "mx.well.example")
    assert run("ip", MX, "--dns", dns, *alone, "--lang", "en") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"None of the lists that answered has {MX} (asked: 1, answered: 1,")
    assert "HELO, mx.well.example: pass" in told
    assert run("ip", FORGER, "--dns", dns, "--zone", "bl.example", "--lang", "tr") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(
        f"{FORGER} şu listelerde var: zen.spamhaus.org, bl.example, all.spamrats.com."
    )


def test_the_lists_and_the_name_server_of_the_configuration_are_asked(
    dns: str, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(
        f'[dns]\nservers = ["{dns}"]\n[[policy.dnsbl]]\nzone = "bl.example"\n'
        '[[policy.dnsbl]]\nzone = "deaf.example"\n'
    )
    assert run("ip", FORGER, "--config", file, "--only-configured", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [(c["check"], c["subject"], c["result"]) for c in found["checks"]] == [
        ("iprev", FORGER, "fail"),
        ("dnsbl", "bl.example", "listed"),
        ("dnsbl", "deaf.example", "could-not-ask"),
    ]


def test_a_domain_is_looked_at(dns: str, capsys: Capture) -> None:
    words = (
        "domain",
        "Well.Example.",
        "--selector",
        "s1",
        "--no-fetch",
        "--dns",
        dns,
        "--json",
        "--lang",
        "en",
    )
    assert run(*words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["what"], found["subject"], found["good"]) == ("domain", "well.example", True)
    assert {c["check"]: c["result"] for c in found["checks"]} == {
        "mx": "published",
        "spf": "published",
        "dmarc": "published",
        "dkim": "published",
        "mta-sts": "published",
        "tls-rpt": "published",
        "mx-host": "published",
        "dane": "none",
        "dnssec": "unknown",
        "bimi": "none",
        "dnsbl": "could-not-ask",  # the last of them; others have it not
    }
    assert run("domain", "ill.example", "--dns", dns) == 1


def test_a_message_is_checked_with_either_line_end(
    dns: str, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "a.eml"
    for octets in (genuine(), genuine().replace(b"\r\n", b"\n")):
        file.write_bytes(octets)
        assert run("message", file, "--dns", dns, "--lang", "en") == 0
        shown = capsys.readouterr().out
        assert "DKIM, s1._domainkey.well.example: pass" in shown
    file.write_bytes(forged())
    assert run("message", file, "--dns", dns, "--lang", "tr") == 1
    assert "reddederdi" in capsys.readouterr().out
    words = ("message", file, "--ip", MX, "--helo", "mx.well.example")
    assert run(*words, "--mail-from", "<ada@well.example>", "--dns", dns, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {source["from"] for source in found["sources"].values()} == {"option"}


def test_spf_is_asked(dns: str, capsys: Capture) -> None:
    words = ("--helo", "mx.well.example", "--mail-from", "ada@well.example", "--dns", dns)
    assert run("spf", "--ip", MX, *words) == 0
    capsys.readouterr()
    assert run("spf", "--ip", FORGER, *words, "--json", "--lang", "en") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["checks"][0]["result"] == "fail"
    assert found["checks"][0]["facts"]["mechanism"] == "-all"
    assert found["steps"][0]["record"] == (
        'well.example. IN TXT "v=spf1 ip4:198.51.100.66 mx -all"'
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ip", "300.1.1.1"), "300.1.1.1 is no IP address"),
        (("ip", "::1%"), "::1% is no IP address"),
        (("spf", "--ip", "x", "--helo", "a", "--mail-from", "b"), "x is no IP address"),
        (("ip", "::1", "--dns", "localhost:53"), "localhost:53 is no name server"),
        (("ip", "::1", "--dns", "127.0.0.1:0"), "127.0.0.1:0 is no name server"),
        (("ip", "::1", "--dns", "127.0.0.1:٥٣"), "127.0.0.1:٥٣ is no name server"),
        (("domain", "a..b"), "a..b is no domain name"),
        (("domain", "\x1b[1m..x"), "\\u001b[1m..x is no domain name"),
        (("message", "nowhere.eml"), "nowhere.eml"),
        (("spf", "--ip", "::1"), "--helo"),
        (("ip",), "IP"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    words: tuple[str, ...], said: str, capsys: Capture
) -> None:
    assert run(*words, "--lang", "en") == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_a_name_server_is_an_address_with_or_without_a_port(dns: str) -> None:
    host, port = dns.split(":")
    for given in (dns, f"[{host}]:{port}"):
        assert run("domain", "well.example", "--no-fetch", "--dns", given) == 0


def test_a_file_that_is_no_message_by_its_size_is_not_read(
    dns: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "LONGEST", 10)
    file = tmp_path / "a.eml"
    file.write_bytes(b"x" * 11)
    assert run("message", file, "--dns", dns, "--lang", "en") == 2
    assert "larger than" in capsys.readouterr().err


def test_dns_that_does_not_answer_is_told_kindly(
    name_server: NameServer, dns: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "_TIMEOUT", 0.05)
    assert run("domain", "silent.example", "--dns", dns, "--lang", "en") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "DNS did not answer about silent.example" in shown
    name_server.delays["slow.example"] = 60.0
    monkeypatch.setattr(diagnosing, "_TIMEOUT", 30.0)
    monkeypatch.setattr(diagnosing, "_DEADLINE", 30.0)
    monkeypatch.setattr(diagnosing, "PATIENCE", 0.2)
    assert run("domain", "slow.example", "--dns", dns, "--lang", "en") == 1
    assert "kept us waiting" in capsys.readouterr().err


def test_the_group_shows_its_commands(capsys: Capture) -> None:
    assert run("--help", "--lang", "tr") == 0
    shown = capsys.readouterr().out
    for name in ("ip", "domain", "message", "spf"):
        assert f"  {name}" in shown
