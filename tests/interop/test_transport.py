"""DANE and MTA-STS against Debian's Postfix, with unbound in front of knot's signed zones."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ulak.checks.mta_sts import Mode
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.directions import Directions
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.route import Route, Routes
from ulak.delivery.sending import Sending, Timeouts
from ulak.delivery.tls import opportunistic
from ulak.delivery.transport.policy import Sts
from ulak.dns.resolver import DnsResolver
from ulak.lab.certificate import Certificate, authority, certificate
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message

from .postfix import Postfix
from .test_dns import free_port, knot, program, running, trust_anchor, unbound

AUTHORITY = authority("Lab")
VALID = "mx.valid.secured.example"
NONE = "none.secured.example"  # a domain whose host has no records
TEXT = b"From: g@example.org\r\nSubject: x\r\n\r\nhello\r\n"
HEAD = "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
OPEN = "open.example"


def record(pem: bytes, usage: int = 3) -> str:
    key = x509.load_pem_x509_certificate(pem).public_key()
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{usage} 1 1 {hashlib.sha256(octets).hexdigest()}"


class Scene:
    """Postfix three times, and the resolver that knows what is signed."""

    def __init__(self, ports: dict[str, int], resolver: tuple[str, int]) -> None:
        self._ports = ports
        self._resolver = resolver

    def send(self, domain: str, kind: str, sts: Sts | None = None) -> Outcome:
        """Send one message to a domain whose hosts are the Postfix of a kind."""

        class Known:
            async def of(self, _domain: str) -> Sts | None:
                return sts

        def failed(error: BaseException) -> str:
            raise error

        async def main() -> Outcome:
            resolver = DnsResolver([self._resolver], timeout=5, deadline=10)
            local = Routes.of("", {}, reachable=("127.0.0.0/8",)).reachable
            routes = Routes("relay.example.org", port=self._ports[kind], reachable=local)
            route = Route(routes, lambda: 0.0)
            clock = asyncio.get_running_loop().time
            directions = Directions(route, resolver, clock, failed, 10, Known())
            sender = SmtpCarrier(
                Sending(
                    "relay.example.org",
                    tls=opportunistic(),
                    proven=believing,
                    timeouts=Timeouts(9, 9, 9, 9, 9, 9, 9, 9, 9),
                )
            )
            to = f"ada@{domain}"
            message = Message("m", Envelope("g@example.org", (to,)), Body(len(TEXT), TEXT), 0.0)
            (outcome,) = await sender.carry(message, (to,), await directions.find(domain))
            await sender.close()
            await resolver.close()
            return outcome

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())


def believing() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    return context


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    program("unbound", "unbound")
    program("knotd", "knot")
    program("postfix", "postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix changes users: only root can start it")
    folder = tmp_path_factory.mktemp("dns")
    with ExitStack() as stack:

        def postfix(more: str = "") -> Postfix:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postfix")))
            place.chmod(0o755)  # Postfix's own user has to get in
            made = Postfix(place / "instance", 1, "may", more)
            stack.callback(made.stop)
            return made

        valid = certificate(VALID, f"mx.{NONE}", issuer=AUTHORITY)
        shown = Certificate(valid.certificate + AUTHORITY.certificate, valid.key)
        chain, key = shown.write(folder, "valid")
        own = postfix()
        by_authority = postfix(f"smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}")
        plain = postfix("smtpd_tls_security_level = none")
        ports = {"own": own.port, "valid": by_authority.port, "plain": plain.port}
        pem = (own.folder / "etc" / "postfix.pem").read_bytes()
        other = certificate("mx.example.net").certificate
        zone = HEAD + "".join(
            f"{name} MX 10 mx.{name}\nmx.{name} A 127.0.0.1\n"
            f"_{ports[kind]}._tcp.mx.{name} TLSA {text}\n"
            for name, kind, text in (
                ("ee", "own", record(pem)),
                ("wrong", "own", record(other)),
                ("unusable", "own", record(other).replace("3 ", "1 ", 1)),
                ("valid", "valid", record(AUTHORITY.certificate, 2)),
                ("stranger", "valid", record(AUTHORITY.certificate, 2)),
                ("plain", "plain", record(pem)),
            )
        )
        zone += "bogus MX 10 mx.bogus.example.\nnone MX 10 mx.none\nmx.none A 127.0.0.1\n"
        unsigned = f"{HEAD}@ MX 10 mx.wrong.secured.example.\n"
        table = {
            "secured.example": zone,
            OPEN: unsigned,
            "bogus.example": f"{HEAD}mx A 127.0.0.1\n",
        }
        signed = ("secured.example", "bogus.example")
        upstream, here = free_port(), free_port()
        command = knot(folder / "knot", upstream, table, signed)
        stack.enter_context(running(command, folder / "knot.log", upstream, "secured.example"))
        anchor = trust_anchor("secured.example", upstream)
        anchors = [anchor, anchor.replace("secured.", "bogus.", 1)]
        command = unbound(folder / "unbound", here, upstream, anchors, table)
        stack.enter_context(running(command, folder / "unbound.log", here, OPEN))
        yield Scene(ports, ("127.0.0.1", here))


def delivered(outcome: Outcome, policy: str, tls: str = "TLSv1.3") -> None:
    assert outcome.result is Result.DELIVERED, outcome
    assert (outcome.facts.get("tls-policy", ""), outcome.tls) == (policy, tls)


def deferred(outcome: Outcome, why: str, cause: str = "dane-failed") -> None:
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, cause), outcome
    assert why in outcome.reply
    assert not any(line.startswith("C: MAIL") for line in outcome.dialogue)


def test_a_certificate_of_its_own_is_proven_by_a_signed_record(scene: Scene) -> None:
    delivered(scene.send("ee.secured.example", "own"), "dane")


def test_an_authority_is_named_by_a_signed_record(scene: Scene) -> None:
    delivered(scene.send("valid.secured.example", "valid"), "dane")
    deferred(scene.send("stranger.secured.example", "valid"), "is not for")


def test_another_certificate_gets_nothing(scene: Scene) -> None:
    deferred(scene.send("wrong.secured.example", "own"), "fits none of the TLSA records")


def test_a_host_without_tls_gets_nothing(scene: Scene) -> None:
    deferred(scene.send("plain.secured.example", "plain"), "it offers no TLS")


def test_records_that_are_not_for_mail_want_tls_alone(scene: Scene) -> None:
    delivered(scene.send("unusable.secured.example", "own"), "dane-unusable")


def test_signed_mail_hosts_without_records_are_as_all_others(scene: Scene) -> None:
    delivered(scene.send(NONE, "own"), "")
    delivered(scene.send(NONE, "plain"), "", "")


def test_records_that_unsigned_mx_records_lead_to_do_not_count(scene: Scene) -> None:
    delivered(scene.send(OPEN, "own"), "")


def test_a_host_in_a_zone_that_cannot_be_validated_gets_nothing(scene: Scene) -> None:
    outcome = scene.send("bogus.secured.example", "own")
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "dns-failed"), outcome


@pytest.mark.parametrize(
    ("kind", "mx", "why"),
    [
        ("valid", f"mx.{NONE}", ""),
        ("own", f"mx.{NONE}", "certificate"),
        ("plain", f"mx.{NONE}", "it offers no TLS"),
        ("valid", "mx9.example.net", "does not name it"),
    ],
)
def test_a_policy_wants_a_valid_certificate_of_a_host_that_it_names(
    scene: Scene, kind: str, mx: str, why: str
) -> None:
    sts = Sts(NONE, Mode.ENFORCE, "1", (mx,), 86_400)
    outcome = scene.send(NONE, kind, sts)
    if why:
        deferred(outcome, why, "mta-sts-failed")
    else:
        delivered(outcome, "mta-sts-enforce")
