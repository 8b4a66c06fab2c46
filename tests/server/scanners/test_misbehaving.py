"""Whatever a scanner does wrong, there is a finding that says so, in time: it is never clean."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from ulak.checks.scanner import Asked, Finding, Result
from ulak.queue.item import Body
from ulak.server.scanners.circuit import Circuit
from ulak.server.scanners.exchange import Place

from .scanning import (
    ASKED,
    CLEAN,
    LOOPS,
    MESSAGE,
    Behaviour,
    body_of,
    http,
    listening,
    only,
    program,
    run,
    saying,
    scanner,
)


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader, writer


async def closes_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(65_536):
        pass
    await asyncio.Event().wait()


async def reads_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader, writer
    await asyncio.Event().wait()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    for octet in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
        writer.write(bytes([octet]))
        await asyncio.sleep(0.01)


def endless(octets: bytes, first: bytes = b"") -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(first)
        while True:
            writer.write(octets)
            await writer.drain()

    return behave


def scanned(
    kind: str,
    behaviour: Behaviour,
    *,
    loop: str = "uvloop",
    timeout: float = 20.0,
    path: Path | None = None,
    body: bytes = MESSAGE,
) -> Finding:
    async def main() -> Finding:
        async with listening(behaviour, path) as place:
            it = scanner(program(kind, place), timeout=timeout)
            return await it.scan(body_of(body), ASKED)

    return run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", ["rspamd", "clamd"])
@pytest.mark.parametrize("behaviour", [closes_at_once, closes_early])
@pytest.mark.parametrize("unix", [False, True])
def test_one_that_closes_early_has_not_answered(
    tmp_path: Path, kind: str, behaviour: Behaviour, loop: str, *, unix: bool
) -> None:
    path = tmp_path / "sock" if unix else None
    finding = scanned(kind, behaviour, loop=loop, path=path, body=MESSAGE * 10_000)
    assert finding.result is Result.FAILED
    assert only(finding) == "scanner.closed"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", ["rspamd", "clamd"])
@pytest.mark.parametrize("behaviour", [is_silent, reads_nothing])
def test_one_that_is_silent_is_late(kind: str, behaviour: Behaviour, loop: str) -> None:
    finding = scanned(kind, behaviour, loop=loop, timeout=0.1, body=MESSAGE * 200_000)
    assert finding.result is Result.FAILED
    assert only(finding) == "scanner.late"
    assert "0.1 seconds" in str(finding.reasons[0])


@pytest.mark.parametrize("kind", ["rspamd", "clamd"])
def test_one_that_drips_is_late(kind: str) -> None:
    assert only(scanned(kind, drips, timeout=0.1)) == "scanner.late"


@pytest.mark.parametrize(
    ("kind", "behaviour", "key"),
    [
        ("clamd", endless(b"x" * 1000), "scanner.endless"),
        ("rspamd", endless(b"x" * 1000), "scanner.not-http"),
        ("rspamd", endless(b"x" * 9999, b"HTTP/1.1 200 OK\r\n\r\n"), "scanner.endless"),
        ("rspamd", endless(b"x: y\r\n" * 999, b"HTTP/1.1 200 OK\r\n"), "scanner.not-http"),
        ("rspamd", endless(b"HTTP/1.1 100 Go on\r\n\r\n" * 99), "scanner.endless"),
        (
            "rspamd",
            endless(b"1\r\n \r\n" * 99, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "scanner.endless",
        ),
    ],
)
def test_one_that_never_ends_is_cut_off(kind: str, behaviour: Behaviour, key: str) -> None:
    finding = scanned(kind, behaviour)
    assert finding.result is Result.FAILED
    assert only(finding) == key


@pytest.mark.parametrize(
    ("kind", "said", "key"),
    [
        ("rspamd", b"", "scanner.closed"),
        ("rspamd", b"HTTP/1.1 200 OK\r\n", "scanner.closed"),
        ("rspamd", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "scanner.closed"),
        ("rspamd", b"HTTP/1.1 100 Continue\r\n\r\n", "scanner.closed"),
        ("rspamd", b"220 mx.example.org ESMTP\r\n", "scanner.not-http"),
        ("rspamd", b"stream: OK\0", "scanner.not-http"),
        ("rspamd", http(b"no json"), "scanner.not-json"),
        ("rspamd", http(b""), "scanner.not-json"),
        ("rspamd", http(CLEAN[:-2]), "scanner.not-json"),
        ("rspamd", http(b"{}"), "scanner.lacks"),
        ("rspamd", http(CLEAN, b"500 invalid command"), "scanner.http-status"),
        ("rspamd", http(CLEAN, b"204 No Content"), "scanner.http-status"),
        ("rspamd", http(CLEAN, b"403 Forbidden"), "scanner.http-status"),
        ("clamd", b"", "scanner.closed"),
        ("clamd", b"stream: OK", "scanner.closed"),
        ("clamd", b"stream: OK\n", "scanner.closed"),
        ("clamd", b"UNKNOWN COMMAND\0", "scanner.no-answer"),
        ("clamd", b"stream: No memory ERROR\0", "scanner.error"),
        ("clamd", b"\0", "scanner.no-answer"),
    ],
)
def test_one_that_babbles_has_not_answered(kind: str, said: bytes, key: str) -> None:
    finding = scanned(kind, saying(said))
    assert finding.result is Result.FAILED
    assert only(finding) == key
    assert str(finding.reasons[0]).isprintable()


@pytest.mark.parametrize("kind", ["rspamd", "clamd"])
def test_one_that_is_not_there_cannot_be_reached(tmp_path: Path, kind: str) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        for place in (
            Place("127.0.0.1", taken.getsockname()[1]),
            Place(path=str(tmp_path / "none")),
            Place(path=str(tmp_path / ("x" * 60))),
        ):
            finding = run(scanner(program(kind, place)).scan(body_of(MESSAGE), ASKED))
            assert finding.result is Result.FAILED
            assert only(finding) == "scanner.unreachable"
            assert str(place) in str(finding.reasons[0])


def test_a_message_over_the_limit_is_not_shown_and_that_is_said() -> None:
    it = scanner(program("clamd", Place("127.0.0.1", 1)), max_size=20)
    finding = run(it.scan(body_of(MESSAGE), ASKED))
    assert finding.result is Result.TOO_LARGE
    assert finding.reasons[0].facts["limit"] == "20"
    assert it.circuit.failures == 0


def test_no_more_connections_are_open_at_once_than_are_allowed() -> None:
    open_now, most = 0, 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await reader.readuntil(b"\0\0\0\0")
        await asyncio.sleep(0.01)
        open_now -= 1
        writer.write(b"stream: OK\0")
        await reader.read()

    async def main() -> list[Finding]:
        async with listening(behave) as place:
            it = scanner(program("clamd", place), connections=3)
            body = body_of(MESSAGE)
            return await asyncio.gather(*(it.scan(body, ASKED) for _ in range(30)))

    assert {finding.result for finding in run(main())} == {Result.CLEAN}
    assert most == 3


def test_who_waits_in_vain_for_a_connection_does_not_count_as_a_failure_of_the_scanner() -> None:
    async def main() -> None:
        it = scanner(program("clamd", Place("127.0.0.1", 1)), connections=1, timeout=0.1)
        await it._turns.acquire()  # as another message has
        finding = await it.scan(body_of(MESSAGE), ASKED)
        assert finding.result is Result.FAILED
        assert only(finding) == "scanner.busy"
        assert it.circuit.failures == 0

    run(main())


def test_a_dead_scanner_is_noticed_left_alone_and_tried_again() -> None:
    now = 0.0
    calls = 0
    alive = False

    class Asking:
        name, kind = "it", "clamd"

        async def ask(self, body: Body, asked: Asked) -> Finding:
            nonlocal calls
            del body, asked
            calls += 1
            await asyncio.sleep(0)
            result = Result.CLEAN if alive else Result.FAILED
            return Finding("it", "clamd", result)

        async def health(self) -> str:
            return ""

    async def main() -> None:
        nonlocal now, alive
        it = scanner(Asking(), clock=lambda: now)
        body = body_of(MESSAGE)
        for _ in range(10):
            assert (await it.scan(body, ASKED)).result is Result.FAILED
        assert calls == 3
        resting = await it.scan(body, ASKED)
        assert only(resting) == "scanner.resting"
        assert resting.reasons[0].facts["count"] == "3"

        now += 1.5  # one tries, the others do not wait for it
        found = await asyncio.gather(*(it.scan(body, ASKED) for _ in range(5)))
        assert calls == 4
        assert [len(f.reasons) for f in found] == [0, 1, 1, 1, 1]

        now += 1.5  # the second rest is longer
        await it.scan(body, ASKED)
        assert calls == 4
        now += 1.0
        alive = True
        assert (await it.scan(body, ASKED)).result is Result.CLEAN
        assert (await it.scan(body, ASKED)).result is Result.CLEAN
        assert calls == 6

    run(main())


def test_a_rest_is_never_longer_than_half_a_minute() -> None:
    now = 0.0
    circuit = Circuit(lambda: now)
    for _ in range(50):
        circuit.failed()
    assert not circuit.enter()
    now += 30.0
    assert circuit.enter()


def test_a_try_that_was_given_up_lets_the_next_one_try() -> None:
    async def main() -> None:
        now = 0.0
        async with listening(is_silent) as place:
            it = scanner(program("clamd", place), clock=lambda: now)
            for _ in range(3):
                it.circuit.failed()
            now += 5.0
            task = asyncio.ensure_future(it.scan(body_of(MESSAGE), ASKED))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert it.circuit.enter()

    run(main())


def test_nothing_is_left_open_after_a_scan_that_was_given_up() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del writer
            try:
                while await reader.read(65_536):
                    pass
            finally:
                gone.set()

        async with listening(behave) as place:
            it = scanner(program("rspamd", place))
            task = asyncio.ensure_future(it.scan(body_of(MESSAGE * 100_000), ASKED))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(gone.wait(), 5)

    run(main())
