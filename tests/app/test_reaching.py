"""`ulak check domain` reaches beyond DNS: policies over HTTPS, handshakes of mail servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ulak import config as settings
from ulak.app import fetching, handshaking
from ulak.app.diagnosing import Examiner, Reach
from ulak.app.fetching import PolicyFetcher
from ulak.app.handshaking import Handshaker
from ulak.checks import dane
from ulak.delivery.tls import verifying
from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.domain.mta_sts import Fetched
from ulak.diagnose.domain.starttls import Shaken
from ulak.dns import Status, Zone
from ulak.lab.certificate import authority, certificate, server_context
from ulak.lab.internet import BAD_TLS, GOOD, OVERLOADED, UNREACHABLE, Internet
from ulak.lab.mx import Act, Behaviour, ScriptedServer

T = TypeVar("T")
DOMAIN = GOOD.domain
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.good.example\nmax_age: 1209600\n"
CA = authority()
PAGE = certificate(f"mta-sts.{DOMAIN}", issuer=CA)


def answer(body: bytes = POLICY, status: str = "200 OK", kind: str = "text/plain") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Web:
    """A web server that gives one answer, and keeps what it was asked."""

    def __init__(self, said: bytes, tls: ssl.SSLContext) -> None:
        self.said, self.tls = said, tls
        self.asked: list[bytes] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for _ in range(20):  # turns of the loop, in which what was broken off is closed
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.said)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trust") / "ca.pem"
    file.write_bytes(CA.certificate)
    return file


def fetched(
    said: bytes,
    trust: Path,
    *,
    page: ssl.SSLContext | None = None,
    zone: Zone | None = None,
    reach_private: bool = True,
) -> tuple[Fetched, list[bytes]]:
    """Fetch the policy from a server that says so."""

    async def main() -> tuple[Fetched, list[bytes]]:
        web = Web(said, page or server_context(PAGE))
        await web.start()
        names = zone or Zone({(f"mta-sts.{DOMAIN}", "A"): ["127.0.0.1"]})
        fetch = PolicyFetcher(names, verifying(trust), reach_private=reach_private, port=web.port)
        try:
            return await fetch(DOMAIN), web.asked
        finally:
            await web.stop()

    return asyncio.run(main())


def test_a_policy_is_fetched_over_https(trust: Path) -> None:
    found, asked = fetched(answer(), trust)
    assert found == Fetched(POLICY, "text/plain")
    assert asked[0].startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
    assert b"Host: mta-sts.good.example\r\n" in asked[0]


def test_a_policy_in_chunks_is_fetched(trust: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = f"{len(POLICY):x}\r\n".encode() + POLICY + b"\r\n0\r\n\r\n"
    assert fetched(head + chunks, trust)[0].octets == POLICY


@pytest.mark.parametrize(
    ("said", "status", "problem"),
    [
        (answer(status="301 Moved").replace(b"\r\n\r\n", b"\r\nLocation: /x\r\n\r\n", 1), 301, ""),
        (answer(status="404 Not Found"), 404, ""),
        (answer(status="206 Partial Content"), 206, ""),
        (answer(b"x" * 70_000), 0, "more than"),
        (answer(b"x" * 500_000), 0, "more than"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0, "peer closed"),
        (b"220 mx.good.example ESMTP\r\n", 0, ""),
        (b"", 0, ""),
    ],
    ids=["redirect", "absent", "partial", "large", "very large", "cut off", "no HTTP", "silent"],
)
def test_what_is_no_policy_is_no_policy(
    trust: Path, said: bytes, status: int, problem: str
) -> None:
    found, asked = fetched(said, trust)
    assert (found.octets, found.status) == (b"", status)
    assert status or found.problem
    assert problem in found.problem
    assert len(asked) == 1


def test_a_policy_needs_a_valid_certificate_for_its_name(trust: Path) -> None:
    for wrong in (
        certificate(f"mta-sts.{DOMAIN}"),
        certificate("mta-sts.other.example", issuer=CA),
        certificate(f"mta-sts.{DOMAIN}", issuer=CA, expired=True),
    ):
        found, asked = fetched(answer(), trust, page=server_context(wrong))
        assert "certificate" in found.problem
        assert asked == []


def test_a_private_address_is_not_asked(trust: Path) -> None:
    found, asked = fetched(answer(), trust, reach_private=False)
    assert (found.refused, asked) == ("127.0.0.1", [])
    for hidden in ("::ffff:10.0.0.1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::"):
        zone = Zone({(f"mta-sts.{DOMAIN}", "AAAA"): [hidden]})
        assert fetched(answer(), trust, zone=zone, reach_private=False)[0].refused == hidden


def test_who_has_no_address_is_told_from_who_is_not_known(trust: Path) -> None:
    assert fetched(b"", trust, zone=Zone({}))[0].nowhere == f"mta-sts.{DOMAIN}"
    silent = Zone({(f"mta-sts.{DOMAIN}", "*"): Status.SERVFAIL})
    assert fetched(b"", trust, zone=silent)[0].unknown


def test_nobody_waits_for_ever(trust: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.3)
    monkeypatch.setattr(handshaking, "TIMEOUT", 0.3)

    async def main() -> tuple[Fetched, Shaken]:
        deaf = socket.create_server(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        names = Zone({(f"mta-sts.{DOMAIN}", "A"): ["127.0.0.1"]})
        fetch = PolicyFetcher(names, verifying(trust), reach_private=True, port=port)
        shake = Handshaker("me.example", trust, port=port, reach_private=True)
        found = await asyncio.gather(fetch(DOMAIN), shake("mx.example", "127.0.0.1"))
        deaf.close()
        return found[0], found[1]

    policy, hands = asyncio.run(main())
    assert "seconds" in policy.problem
    assert "seconds" in hands.problem
    assert hands.stage == "greeting"


# -- handshakes ------------------------------------------------------------------------------------


def shaken(behaviour: Behaviour, trust: Path, *, reach_private: bool = True) -> Shaken:
    async def main() -> Shaken:
        async with ScriptedServer(behaviour) as server:
            shake = Handshaker("me.example", trust, port=server.port, reach_private=reach_private)
            return await shake("mx.example", "127.0.0.1")

    return asyncio.run(main())


def test_a_handshake_shows_the_chain(trust: Path) -> None:
    context = server_context(certificate("mx.example", issuer=CA))
    found = shaken(Behaviour(name="mx.example", tls=context), trust)
    assert (found.offered, found.problem, found.distrust) == (True, "", "")
    assert found.banner.startswith("220 mx.example")
    assert found.version.startswith("TLSv1.")
    assert (
        x509.load_der_x509_certificate(found.chain[0]).subject.rfc4514_string() == "CN=mx.example"
    )


@pytest.mark.parametrize(
    ("made", "distrust"),
    [
        (certificate("mx.example"), "self-signed"),
        (certificate("mx.example", issuer=authority("Else")), "unknown-authority"),
        (certificate("mx.example", issuer=CA, expired=True), "dates"),
    ],
    ids=["self-signed", "unknown authority", "expired"],
)
def test_what_is_wrong_with_a_chain_is_named_and_does_not_end_it(
    trust: Path, made: object, distrust: str
) -> None:
    found = shaken(Behaviour(tls=server_context(made)), trust)  # type: ignore[arg-type] # a table's column
    assert (found.problem, found.distrust, bool(found.chain)) == ("", distrust, True)


def test_who_offers_no_tls_or_breaks_off_is_told_apart(trust: Path) -> None:
    plain = shaken(Behaviour(), trust)
    assert (plain.offered, plain.problem) == (False, "")
    context = server_context(certificate("mx.example", issuer=CA))
    refused = shaken(Behaviour(tls=context, at={"STARTTLS": "454 4.7.0 Not now"}), trust)
    assert refused.offered
    assert "454" in refused.problem
    nonsense = Behaviour(tls=context, at={"TLS": Act(raw=b"no TLS at all\r\n", close=True)})
    assert shaken(nonsense, trust).problem
    busy = shaken(Behaviour(at={"connect": Act("554 No", close=True)}), trust)
    assert (busy.offered, busy.problem[:3]) == (False, "554")
    assert shaken(Behaviour(), trust, reach_private=False).private


# -- the whole -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net() -> Iterator[tuple[Internet, Web]]:
    """The lab, with a signed zone, a policy and TLSA records, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def on_it(work: Awaitable[T]) -> T:
        async def main() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(main(), loop).result(20)

    lab = Internet()
    web = Web(answer(), server_context(certificate(f"mta-sts.{DOMAIN}", issuer=lab.authority)))
    on_it(lab.start())
    on_it(web.start())
    lab.zone.authentic = True
    lab.zone.put(f"_mta-sts.{DOMAIN}", "TXT", ["v=STSv1; id=1"])
    lab.zone.put(f"mta-sts.{DOMAIN}", "A", ["127.0.0.1"])
    yield lab, web
    on_it(web.stop())
    on_it(lab.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def look(net: tuple[Internet, Web], domain: str, folder: Path, **reach: bool) -> Diagnosis:
    lab, web = net
    trust = folder / "ca.pem"
    trust.write_bytes(lab.authority.certificate)
    file = folder / "ulak.toml"
    file.write_text(
        f'hostname = "me.example"\n[dns]\nservers = ["{lab.name_server}"]\n'
        f'[delivery]\nport = {lab.port}\nauthorities = "{trust}"\n'
    )
    examiner = Examiner(settings.load(file), None, https_port=web.port)
    return examiner.domain(domain, (), replace(Reach(private=True), **reach))


def of(found: Diagnosis, kind: str) -> Check:
    (check,) = (check for check in found.checks if check.check == kind)
    return check


def keys(check: Check) -> set[str]:
    return {reason.key.partition(".")[2] for reason in check.reasons}


def test_policy_handshake_and_dane_of_a_domain(net: tuple[Internet, Web], tmp_path: Path) -> None:
    lab, _ = net
    name = f"_25._tcp.{GOOD.host}"
    lab.zone.remove(name, "TLSA")
    found = look(net, DOMAIN, tmp_path, connect=True)
    policy, hands = of(found, "mta-sts"), of(found, "starttls")
    assert (policy.result, policy.severity) == ("published", "good")
    assert {"fetched", "covers"} <= keys(policy)
    assert (hands.result, hands.severity) == ("published", "good")
    assert {"banner", "encrypted", "name-fits", "ends", "trusted"} <= keys(hands)
    lab.zone.put(name, "TLSA", ["3 1 1 " + "ab" * 32])
    found = look(net, DOMAIN, tmp_path, connect=True)
    assert of(found, "dane").result == "published"
    assert (of(found, "starttls").severity, "matches-not" in keys(of(found, "starttls"))) == (
        "critical",
        True,
    )
    (advised,) = (step.record for step in found.advice if step.name == "dane-record")
    assert advised.startswith(f"{name}. IN TLSA 3 1 1 ")
    lab.zone.put(name, "TLSA", [advised.partition(" IN TLSA ")[2]])
    found = look(net, DOMAIN, tmp_path, connect=True)
    assert of(found, "starttls").severity == "good"
    assert "matches" in keys(of(found, "starttls"))
    record = dane.read(advised.partition(" IN TLSA ")[2])
    assert record is not None
    assert record.usable


def test_nothing_is_reached_that_was_not_asked_for(
    net: tuple[Internet, Web], tmp_path: Path
) -> None:
    lab, web = net
    web.asked.clear()
    sessions = len(lab.server(GOOD).sessions)
    found = look(net, DOMAIN, tmp_path, fetch=False)
    assert (web.asked, len(lab.server(GOOD).sessions)) == ([], sessions)
    assert "not-asked" in keys(of(found, "mta-sts"))
    assert "starttls" not in {check.check for check in found.checks}
    found = look(net, DOMAIN, tmp_path, connect=True, private=False)
    assert (web.asked, len(lab.server(GOOD).sessions)) == ([], sessions)
    assert "private" in keys(of(found, "starttls"))
    assert "refused" in keys(of(found, "mta-sts"))


def test_a_host_that_fails_says_how(net: tuple[Internet, Web], tmp_path: Path) -> None:
    bad = of(look(net, BAD_TLS.domain, tmp_path, connect=True), "starttls")
    assert (bad.result, bad.severity, "failed" in keys(bad)) == ("fail", "warning", True)
    for domain in (OVERLOADED.domain, "unreachable.example"):
        gone = of(look(net, domain, tmp_path, connect=True), "starttls")
        assert (gone.result, gone.good) == ("could-not-ask", None), domain
        assert gone.facts["address"] in (OVERLOADED.address, UNREACHABLE)


def test_no_certificate_is_believed_by_its_octets_alone() -> None:
    octets = x509.load_pem_x509_certificate(PAGE.certificate).public_bytes(Encoding.DER)
    assert dane.match([dane.record_of(octets)], [octets[:-1]], names_fit=True) is None
