"""The resolver asks real servers on loopback: good, slow, old, lying and dead ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from ulak.dns import MX, Status, Zone, wire
from ulak.dns.cache import Keeping
from ulak.dns.resolver import DnsResolver, _Waiting, system_servers
from ulak.dns.zone import Written
from ulak.lab.nameserver import Datagram, NameServer

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

Table = Mapping[tuple[str, str], Sequence[Written] | Status]

TABLE: Table = {
    ("example.org", "MX"): [(10, "mx.example.org"), (20, "MX2.example.org")],
    ("example.org", "TXT"): ["v=spf1 -all", "x" * 600],
    ("mx.example.org", "A"): ["192.0.2.1", "192.0.2.2"],
    ("mx.example.org", "AAAA"): ["2001:db8::1"],
    ("www.example.org", "CNAME"): ["mx.example.org"],
    ("null.example", "MX"): [(0, "")],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["Host.Example.org"],
    ("_25._tcp.mx.example.org", "TLSA"): ["3 1 1 " + "ab" * 32, "3 1 1 abcd"],
    ("big.example", "TXT"): [f"{i:250}" for i in range(20)],
    ("fail.example", "*"): Status.SERVFAIL,
    ("refused.example", "*"): Status.REFUSED,
    ("silent.example", "*"): Status.TIMEOUT,
    ("garbage.example", "*"): Status.MALFORMED,
}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


_RUNNING: list[NameServer] = []


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run[Any]:
    async def whole(main: Coroutine[Any, Any, T]) -> T:
        try:
            return await main
        finally:
            while _RUNNING:
                await _RUNNING.pop().stop()

    loop = asyncio.run if request.param == "asyncio" else uvloop.run
    return lambda main: loop(whole(main))


async def started(table: Table | None = None, **how: Any) -> NameServer:
    return await serving(Zone(TABLE if table is None else table), **how)


async def serving(zone: Zone, **how: Any) -> NameServer:
    server = NameServer(zone, **how)
    await server.start()
    _RUNNING.append(server)
    return server


def resolver_of(*servers: NameServer, **how: Any) -> DnsResolver:
    settings: dict[str, Any] = {"timeout": 0.2, "attempts": 1, "deadline": 5.0} | how
    return DnsResolver([(s.host, s.port) for s in servers], **settings)


def test_every_kind_comes_as_the_protocol_promises(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        resolver = resolver_of(server)
        mx = await resolver.resolve("Example.ORG.", "mx")
        assert set(mx.exchanges) == {MX(10, "mx.example.org"), MX(20, "mx2.example.org")}
        assert (mx.name, mx.kind, mx.ttl) == ("example.org", "MX", 300)
        txt = await resolver.resolve("example.org", "TXT")
        assert set(txt.records) == {b"v=spf1 -all", b"x" * 600}
        assert (await resolver.resolve("null.example", "MX")).exchanges == (MX(0, ""),)
        addresses = await resolver.resolve("mx.example.org", "AAAA")
        assert addresses.texts == ("2001:db8::1",)
        ptr = await resolver.resolve("1.2.0.192.in-addr.arpa", "PTR")
        assert ptr.texts == ("host.example.org",)
        tlsa = await resolver.resolve("_25._tcp.mx.example.org", "TLSA")
        assert set(tlsa.texts) == {"3 1 1 " + "ab" * 32, "3 1 1 abcd"}

    run(main())


def test_an_alias_is_followed_and_absence_is_told_apart(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        resolver = resolver_of(server)
        answer = await resolver.resolve("www.example.org", "A")
        assert sorted(answer.texts) == ["192.0.2.1", "192.0.2.2"]
        assert (answer.name, answer.canonical) == ("www.example.org", "mx.example.org")
        assert (await resolver.resolve("www.example.org", "CNAME")).texts == ("mx.example.org",)
        assert (await resolver.resolve("example.org", "A")).status is Status.NO_DATA
        assert (await resolver.resolve("no.example.org", "A")).status is Status.NXDOMAIN
        asked = len(server.asked)
        impossible = await resolver.resolve("x" * 64 + ".example.org", "A")
        assert impossible.status is Status.NXDOMAIN
        assert len(server.asked) == asked

    run(main())


def test_what_does_not_fit_a_datagram_comes_over_tcp(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        answer = await resolver_of(server).resolve("big.example", "TXT")
        assert len(answer.records) == 20
        assert [a.over for a in server.asked] == ["udp", "tcp"]

    run(main())


@pytest.mark.parametrize(
    ("forged", "status"),
    [
        ((Datagram.OTHER_ID, Datagram.TRUTH), Status.OK),
        ((Datagram.OTHER_QUESTION, Datagram.TRUTH), Status.OK),
        ((Datagram.OTHER_SOURCE, Datagram.OTHER_ID, Datagram.TRUTH), Status.OK),
        ((Datagram.NOISE, Datagram.TRUTH), Status.OK),
        ((Datagram.OTHER_ID, Datagram.NOISE), Status.TIMEOUT),
        ((Datagram.OTHER_QUESTION,), Status.TIMEOUT),
        ((Datagram.OTHER_SOURCE,), Status.TIMEOUT),
        ((Datagram.GARBAGE,), Status.MALFORMED),
        ((Datagram.TRUNCATED,), Status.OK),
        ((), Status.TIMEOUT),
    ],
)
def test_only_the_answer_to_the_question_counts(
    run: Run[Any], forged: tuple[Datagram, ...], status: Status
) -> None:
    async def main() -> None:
        server = await started(lies={"mx.example.org": forged})
        answer = await resolver_of(server).resolve("mx.example.org", "A")
        assert answer.status is status
        assert len(answer.texts) == (2 if status is Status.OK else 0)

    run(main())


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("fail.example", Status.SERVFAIL, "SERVFAIL"),
        ("refused.example", Status.REFUSED, "REFUSED"),
        ("silent.example", Status.TIMEOUT, "no answer within 0.2 seconds"),
        ("garbage.example", Status.MALFORMED, "cannot be read"),
    ],
)
def test_a_failure_names_the_server_and_what_it_said(
    run: Run[Any], name: str, status: Status, said: str
) -> None:
    async def main() -> None:
        server = await started()
        answer = await resolver_of(server).resolve(name, "A")
        assert answer.status is status
        assert f"127.0.0.1:{server.port}: " in answer.detail
        assert said in answer.detail

    run(main())


def test_the_next_server_is_asked_when_one_fails(run: Run[Any]) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            bad = await started({("mx.example.org", "*"): Status.SERVFAIL})
            good = await started()
            servers = [deaf.getsockname(), ("127.0.0.1", bad.port), ("127.0.0.1", good.port)]
            resolver = DnsResolver(servers, timeout=0.2)
            assert (await resolver.resolve("mx.example.org", "A")).status is Status.OK
            # The silent one is asked last from now on.
            before = asyncio.get_running_loop().time()
            assert (await resolver.resolve("mx.example.org", "AAAA")).status is Status.OK
            assert asyncio.get_running_loop().time() - before < 0.2

    run(main())


def test_a_server_that_spoke_is_not_asked_again_and_a_silent_one_is(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        resolver = resolver_of(server, attempts=3, timeout=0.05)
        await resolver.resolve("fail.example", "A")
        assert len(server.asked) == 1
        await resolver.resolve("silent.example", "A")
        assert len(server.asked) == 4

    run(main())


def test_a_dead_port_fails_at_once(run: Run[Any]) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            where = gone.getsockname()
        answer = await DnsResolver([where], timeout=60, attempts=1).resolve("a.example", "A")
        assert answer.status is Status.TIMEOUT
        assert "cannot be asked" in answer.detail

    run(main())


def test_the_deadline_bounds_the_whole_question(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        resolver = resolver_of(server, timeout=60, attempts=5, deadline=0.2)
        answer = await resolver.resolve("silent.example", "A")
        assert answer.status is Status.TIMEOUT
        assert "within 0.2 seconds" in answer.detail

    run(main())


def test_an_old_server_is_asked_without_edns(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started(knows_edns=False)
        answer = await resolver_of(server).resolve("mx.example.org", "A")
        assert answer.status is Status.OK
        assert [a.edns for a in server.asked] == [True, False]

    run(main())


def test_an_answer_is_kept_as_long_as_it_lives(run: Run[Any]) -> None:
    async def main() -> None:
        server, clock = await started(), Clock()
        resolver = resolver_of(server, clock=clock)
        await resolver.resolve("mx.example.org", "A")
        clock.now += 299
        answer = await resolver.resolve("MX.example.org", "A")
        assert (answer.status, answer.ttl, len(server.asked)) == (Status.OK, 1, 1)
        clock.now += 1
        await resolver.resolve("mx.example.org", "A")
        assert len(server.asked) == 2

    run(main())


@pytest.mark.parametrize("name", ["no.example.org", "example.org"])
def test_absence_is_kept_as_the_soa_says(run: Run[Any], name: str) -> None:
    async def main() -> None:
        server, clock = await started(), Clock()
        bare = await started(soa=False)
        resolver = resolver_of(server, clock=clock)
        for _ in range(2):
            assert (await resolver.resolve(name, "A")).absent
        assert len(server.asked) == 1
        clock.now += 301
        await resolver.resolve(name, "A")
        assert len(server.asked) == 2
        # RFC 2308 §5: without an SOA it is not kept.
        resolver = resolver_of(bare, clock=clock)
        for _ in range(2):
            assert (await resolver.resolve(name, "A")).absent
        assert len(bare.asked) == 2

    run(main())


def test_a_failure_is_kept_for_a_moment_only(run: Run[Any]) -> None:
    async def main() -> None:
        server, clock = await started(), Clock()
        resolver = resolver_of(server, clock=clock, keeping=Keeping(failed=5.0))
        for _ in range(3):
            assert (await resolver.resolve("fail.example", "A")).failed
        assert len(server.asked) == 1
        server.zone.put("fail.example", "A", ["192.0.2.9"])
        clock.now += 5
        assert (await resolver.resolve("fail.example", "A")).texts == ("192.0.2.9",)

    run(main())


def test_the_same_question_goes_out_once_and_survives_who_gives_up(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started(delays={"mx.example.org": 0.1})
        resolver = resolver_of(server, timeout=5.0)
        tasks = [asyncio.create_task(resolver.resolve("mx.example.org", "A")) for _ in range(5)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert {d.status for d in done[1:] if not isinstance(d, BaseException)} == {Status.OK}
        assert len(done) == 5
        assert len(server.asked) == 1

    run(main())


def test_a_closed_resolver_leaves_nobody_waiting(run: Run[Any]) -> None:
    async def main() -> None:
        server = await started()
        resolver = resolver_of(server, timeout=60, deadline=60)
        task = asyncio.create_task(resolver.resolve("silent.example", "A"))
        await asyncio.sleep(0.02)
        await resolver.close()
        answer = await task
        assert answer.failed
        assert "stopped" in answer.detail

    run(main())


def test_the_ad_bit_counts_only_from_this_machine(run: Run[Any]) -> None:
    async def main() -> None:
        signed = await serving(Zone(TABLE, authentic=True))
        plain = await started()
        assert (await resolver_of(signed).resolve("mx.example.org", "A")).authentic
        assert not (await resolver_of(plain).resolve("mx.example.org", "A")).authentic
        resolver = resolver_of(signed)
        resolver._trusted.clear()  # as for a server on another machine
        assert not (await resolver.resolve("mx.example.org", "A")).authentic

    run(main())


def test_many_records_are_bounded(run: Run[Any]) -> None:
    async def main() -> None:
        table: Table = {("many.example", "A"): [f"10.0.{i // 250}.{i % 250}" for i in range(3000)]}
        server = await started(table)
        answer = await resolver_of(server, timeout=5.0).resolve("many.example", "A")
        assert len(answer.records) == 100

    run(main())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _query: b"\x10\x00half", "cannot be asked"),
        (lambda _query: b"", "cannot be asked"),
        (lambda query: b"\0\x20" + bytes([query[0] ^ 1]) + b"\0" * 31, "does not belong"),
    ],
)
def test_what_goes_wrong_over_tcp_is_a_failure(
    run: Run[Any], answer: Callable[[bytes], bytes], said: str
) -> None:
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            size = int.from_bytes(await reader.readexactly(2), "big")
            writer.write(answer(await reader.readexactly(size)))
            await writer.drain()
            writer.close()

        server = await started(lies={"mx.example.org": (Datagram.TRUNCATED,)})
        assert server._tcp is not None
        server._tcp.close()
        await server._tcp.wait_closed()
        other = await asyncio.start_server(serve, server.host, server.port)
        got = await resolver_of(server, timeout=5.0).resolve("mx.example.org", "A")
        assert got.status is Status.TIMEOUT
        assert said in got.detail
        other.close()
        await other.wait_closed()

    run(main())


def test_the_source_is_checked_even_where_the_system_does_not() -> None:
    async def main() -> None:
        query = wire.question("a.example", "A", 7)
        answer = query[:2] + b"\x81\x80" + query[4:]
        waiting = _Waiting(query, ("192.0.2.1", 53), asyncio.get_running_loop().create_future())
        waiting.datagram_received(answer, ("192.0.2.2", 53))
        waiting.datagram_received(answer, ("192.0.2.1", 54))
        assert not waiting.answer.done()
        waiting.datagram_received(answer, ("192.0.2.1", 53))
        assert waiting.answer.result() == answer

    asyncio.run(main())


def test_a_server_may_have_an_ipv6_address(run: Run[Any]) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")

    async def main() -> None:
        server = await started(host="::1")
        assert (await resolver_of(server).resolve("mx.example.org", "A")).status is Status.OK
        failed = await resolver_of(server).resolve("fail.example", "A")
        assert f"[::1]:{server.port}: " in failed.detail

    run(main())


def test_more_questions_than_sockets_all_get_their_answer(run: Run[Any]) -> None:
    async def main() -> None:
        table: Table = {(f"h{i}.example", "A"): ["192.0.2.1"] for i in range(500)}
        server = await started(table)
        resolver = resolver_of(server, timeout=2.0, attempts=3, deadline=20.0)
        answers = await asyncio.gather(
            *(resolver.resolve(f"h{i}.example", "A") for i in range(500))
        )
        assert {a.status for a in answers} == {Status.OK}

    run(main())


def test_a_server_is_given_by_its_address() -> None:
    with pytest.raises(ValueError, match=r"dns\.example"):
        DnsResolver([("dns.example", 53)])


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        (
            "# a comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\n",
            (("192.0.2.1", 53), ("2001:db8::1", 53)),
        ),
        ("nameserver fe80::1%eth0\nnameserver none\n", (("fe80::1%eth0", 53),)),
        ("nameserver 192.0.2.1\n" * 2, (("192.0.2.1", 53),)),
        ("".join(f"nameserver 192.0.2.{i}\n" for i in range(9)), None),
        ("options rotate\n", (("127.0.0.1", 53),)),
    ],
)
def test_the_system_says_who_is_asked(
    tmp_path: Path, text: str, servers: tuple[tuple[str, int], ...] | None
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    found = system_servers(file)
    assert found == servers if servers is not None else len(found) == 3


def test_without_a_resolv_conf_the_machine_itself_is_asked(tmp_path: Path) -> None:
    assert system_servers(tmp_path / "none") == (("127.0.0.1", 53),)
