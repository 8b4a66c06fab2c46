"""Debian's unbound as the resolver, in front of knot's zones, asked by ours.

Both are started here from a directory of their own, on free loopback ports, and ended here.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

from ulak.checks import dane, dnsbl
from ulak.checks.dnsbl import Result
from ulak.diagnose.domain import zone
from ulak.dns import MX, Answer, Status
from ulak.dns.resolver import DnsResolver

_READY = 20.0  # seconds for a server to come up

ZONES = {
    "example.org": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ 120 MX 10 mx
@ 120 MX 20 mx2
@ TXT "v=spf1 mx -all"
@ TXT ( "long "
  "text" )
mx A 192.0.2.1
mx AAAA 2001:db8::1
www CNAME mx
far CNAME host.example.net.
lost CNAME nowhere.example.net.
loop1 CNAME loop2
loop2 CNAME loop1
*.wild A 192.0.2.7
deep.there.wild TXT "here"
null MX 0 .
many A 192.0.2.9
"""
    + "".join(f"many A 10.0.{i // 250}.{i % 250}\n" for i in range(400)),
    "example.net": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
host A 198.51.100.1
""",
    # RFC 5782 §5: 127.0.0.2 is on every list, 127.0.0.1 on none.
    "bl.example.org": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
2.0.0.127 A 127.0.0.2
2.0.0.127 TXT "a test entry; see https://bl.example.org/?ip=127.0.0.2"
9.2.0.192 A 127.0.0.4
9.2.0.192 A 127.0.0.10
3.2.0.192 A 127.255.255.254
4.2.0.192 A 127.0.0.1
5.2.0.192 A 203.0.113.1
2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.2
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.3
""",
    "everybody.example.org": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
* A 127.0.0.2
""",
    "signed.example": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 10 mx
mx A 192.0.2.1
_25._tcp.mx TLSA 3 1 1 abababababababababababababababababababababababababababababababab
""",
    "bogus.example": """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 10 mx
""",
}
SIGNED = ("signed.example", "bogus.example")


@dataclass(frozen=True)
class Servers:
    """Where they listen."""

    unbound: tuple[str, int]
    knot: tuple[str, int]

    def ask(self, name: str, kind: str) -> Answer:
        """Ask through unbound, as the product does."""
        return asyncio.run(DnsResolver([self.unbound]).resolve(name, kind))


def program(name: str, package: str) -> str:
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"Debian's package {package} is not installed (it brings {name})")
    return path


def free_port() -> int:
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running(command: list[str], log: Path, port: int, probe: str) -> Iterator[None]:
    """Run a server until the end of the block, once it answers a question."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as child:
        try:
            end = time.monotonic() + _READY
            while True:
                query = dns.message.make_query(probe, "SOA")
                with suppress(OSError, dns.exception.DNSException):
                    if dns.query.udp(query, "127.0.0.1", timeout=0.5, port=port).answer:
                        break
                time.sleep(0.05)  # another process's doing: there is nothing to wait on
                if child.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"{command[0]} did not come up:\n{log.read_text()}")
            yield
        finally:
            child.terminate()
            child.wait(timeout=_READY)


def trust_anchor(zone: str, port: int) -> str:
    """Give the key-signing key of a zone as unbound wants it."""
    query = dns.message.make_query(zone, "DNSKEY")
    answer = dns.query.tcp(query, "127.0.0.1", timeout=5, port=port)
    (keys,) = (r for r in answer.answer if r.rdtype == dns.rdatatype.DNSKEY)
    key = next(k for k in keys if k.flags & 1)
    return f"{zone}. DNSKEY {key.to_text()}"


def knot(
    folder: Path, port: int, table: Mapping[str, str] = ZONES, signed: Sequence[str] = SIGNED
) -> list[str]:
    zones = folder / "zones"
    zones.mkdir(parents=True)
    (folder / "db").mkdir()
    for name, text in table.items():
        (zones / f"{name}.zone").write_text(f"$ORIGIN {name}.\n$TTL 300\n{text}")
    entries = "".join(
        f"  - domain: {name}\n" + ("    dnssec-signing: on\n" if name in signed else "")
        for name in table
    )
    config = folder / "knot.conf"
    config.write_text(
        f"server:\n  rundir: {folder}\n  listen: 127.0.0.1@{port}\n"
        f"log:\n  - target: stderr\n    any: warning\n"
        f"database:\n  storage: {folder}/db\n"
        f'template:\n  - id: default\n    storage: {zones}\n    file: "%s.zone"\n'
        f"    zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\n"
        f"zone:\n{entries}"
    )
    return [program("knotd", "knot"), "-c", str(config)]


def unbound(
    folder: Path, port: int, upstream: int, anchors: list[str], table: Iterable[str] = ZONES
) -> list[str]:
    folder.mkdir(parents=True)
    # By their names, because unbound has no way to give each a delegation from the root.
    stubs = "".join(
        f"stub-zone:\n  name: {name}\n  stub-addr: 127.0.0.1@{upstream}\n  stub-prime: no\n"
        for name in table
    )
    trusted = "".join(f'  trust-anchor: "{anchor}"\n' for anchor in anchors)
    config = folder / "unbound.conf"
    config.write_text(
        f'server:\n  directory: "{folder}"\n  chroot: ""\n  username: ""\n  pidfile: ""\n'
        f"  interface: 127.0.0.1@{port}\n  do-daemonize: no\n  use-syslog: no\n"
        f"  do-not-query-localhost: no\n  do-ip6: no\n  num-threads: 1\n  ede: yes\n"
        f'  module-config: "validator iterator"\n{trusted}'
        f"remote-control:\n  control-enable: no\n{stubs}"
    )
    return [program("unbound", "unbound"), "-d", "-p", "-c", str(config)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    program("unbound", "unbound")
    folder = tmp_path_factory.mktemp("dns")
    ports = free_port(), free_port()
    with ExitStack() as stack:
        command = knot(folder / "knot", ports[0])
        stack.enter_context(running(command, folder / "knot.log", ports[0], "signed.example"))
        anchors = [trust_anchor("signed.example", ports[0])]
        # The key of one zone as the anchor of another: nothing in it can be validated.
        anchors.append(anchors[0].replace("signed.", "bogus."))
        command = unbound(folder / "unbound", ports[1], ports[0], anchors)
        stack.enter_context(running(command, folder / "unbound.log", ports[1], "example.org"))
        yield Servers(("127.0.0.1", ports[1]), ("127.0.0.1", ports[0]))


def test_mx_comes_with_preferences_and_its_life(servers: Servers) -> None:
    answer = servers.ask("Example.Org", "MX")
    assert set(answer.exchanges) == {MX(10, "mx.example.org"), MX(20, "mx2.example.org")}
    assert 0 < answer.ttl <= 120
    assert servers.ask("null.example.org", "MX").exchanges == (MX(0, ""),)
    assert servers.ask("mx.example.org", "AAAA").texts == ("2001:db8::1",)


def test_text_strings_are_joined(servers: Servers) -> None:
    answer = servers.ask("example.org", "TXT")
    assert set(answer.records) == {b"v=spf1 mx -all", b"long text"}


def test_aliases_lead_into_other_zones(servers: Servers) -> None:
    answer = servers.ask("far.example.org", "A")
    assert (answer.texts, answer.canonical) == (("198.51.100.1",), "host.example.net")
    assert servers.ask("lost.example.org", "A").status is Status.NXDOMAIN
    assert servers.ask("www.example.org", "MX").status is Status.NO_DATA
    assert servers.ask("loop1.example.org", "A").failed


def test_an_authority_that_stops_at_an_alias_is_asked_on(servers: Servers) -> None:
    async def main() -> Answer:
        return await DnsResolver([servers.knot]).resolve("far.example.org", "A")

    answer = asyncio.run(main())
    assert (answer.texts, answer.canonical) == (("198.51.100.1",), "host.example.net")


def test_absence_is_told_apart_and_kept(servers: Servers) -> None:
    missing = servers.ask("no.example.org", "A")
    assert (missing.status, missing.ttl <= 60) == (Status.NXDOMAIN, True)
    assert servers.ask("example.org", "A").status is Status.NO_DATA
    # A name that only has names below it.
    assert servers.ask("there.wild.example.org", "A").status is Status.NO_DATA


def test_wildcards_are_as_the_table_of_our_tests_has_them(servers: Servers) -> None:
    assert servers.ask("any.wild.example.org", "A").texts == ("192.0.2.7",)
    assert servers.ask("a.b.wild.example.org", "A").texts == ("192.0.2.7",)
    assert servers.ask("x.there.wild.example.org", "A").status is Status.NXDOMAIN


def test_a_large_answer_comes_over_tcp_and_is_bounded(servers: Servers) -> None:
    assert len(servers.ask("many.example.org", "A").records) == 100


def test_a_signed_answer_is_authentic_and_a_false_one_fails_with_its_reason(
    servers: Servers,
) -> None:
    assert servers.ask("signed.example", "MX").authentic
    assert not servers.ask("example.org", "MX").authentic
    bogus = servers.ask("bogus.example", "MX")
    assert bogus.status is Status.SERVFAIL
    assert "dnskey" in bogus.detail.lower() or "dnssec" in bogus.detail.lower()


def test_dane_is_believed_where_the_zone_is_signed_and_nothing_is_said_where_it_is_bogus(
    servers: Servers,
) -> None:
    async def main() -> list[tuple[str, int]]:
        resolver = DnsResolver([servers.unbound])
        hosts = ("mx.signed.example", "mx.bogus.example", "mx.example.org")
        found = [await dane.check(resolver, host=host) for host in hosts]
        zones = [
            (await zone.look(resolver, name, asyncio.gather)).checks[0].result
            for name in ("signed.example", "bogus.example", "example.org")
        ]
        # Nobody here has the zone above example.org, which would say that it is not signed.
        assert zones == ["signed", "temperror", "unknown"]
        return [(str(one.result), len(one.records)) for one in found]

    assert asyncio.run(main()) == [("published", 1), ("temperror", 0), ("none", 0)]


@pytest.mark.parametrize(
    ("ip", "zone", "result"),
    [
        ("127.0.0.2", "bl.example.org", Result.LISTED),
        ("127.0.0.1", "bl.example.org", Result.NOT_LISTED),
        ("192.0.2.9", "bl.example.org", Result.LISTED),
        ("::ffff:192.0.2.9", "bl.example.org", Result.LISTED),
        ("2001:db8::1", "bl.example.org", Result.LISTED),
        ("2001:db8::2", "bl.example.org", Result.NOT_LISTED),
        ("192.0.2.3", "bl.example.org", Result.COULD_NOT_ASK),
        ("192.0.2.4", "bl.example.org", Result.COULD_NOT_ASK),
        ("192.0.2.5", "bl.example.org", Result.COULD_NOT_ASK),
        ("192.0.2.6", "bl.example.org", Result.NOT_LISTED),
        ("192.0.2.6", "everybody.example.org", Result.COULD_NOT_ASK),
        ("192.0.2.6", "bogus.example", Result.COULD_NOT_ASK),
    ],
)
def test_a_list_is_read_through_a_real_resolver(
    servers: Servers, ip: str, zone: str, result: Result
) -> None:
    async def main() -> Any:
        resolver = DnsResolver([servers.unbound])
        return await dnsbl.check(resolver, ip=ip, zones=[zone], gather=asyncio.gather)

    (finding,) = asyncio.run(main())
    assert finding.result is result, finding.reasons


def test_the_test_entries_of_a_list_are_found(servers: Servers) -> None:
    async def main() -> list[bool]:
        resolver = DnsResolver([servers.unbound])
        zones = ("bl.example.org", "everybody.example.org", "example.net")
        health = [await dnsbl.probe(resolver, zone=zone) for zone in zones]
        health.append(await dnsbl.probe(resolver, zone="bl.example.org", version=6))
        return [h.works for h in health]

    assert asyncio.run(main()) == [True, False, False, True]
