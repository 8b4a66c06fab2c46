"""rspamd and clamd are asked as their protocols want it, over TCP and unix sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ulak.checks.scanner import Asked, Finding, Result
from ulak.queue.item import Body
from ulak.server.scanners.clamd import Clamd
from ulak.server.scanners.exchange import Place, TroubleError
from ulak.server.scanners.rspamd import Rspamd

from .scanning import (
    ASKED,
    CLEAN,
    LOOPS,
    MESSAGE,
    Behaviour,
    body_of,
    http,
    listening,
    request,
    run,
    saying,
    scanner,
    stream,
)

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcde\r\n" * 60_000  # a megabyte


def asked_rspamd(
    behaviour: Behaviour, body: Body, path: Path | None, loop: str, password: str = ""
) -> Finding:
    async def main() -> Finding:
        async with listening(behaviour, path) as place:
            return await Rspamd("it", place, password).ask(body, ASKED)

    return run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("unix", [False, True])
def test_rspamd_is_asked_by_one_post_with_the_envelope(
    tmp_path: Path, loop: str, *, unix: bool
) -> None:
    heard: list[tuple[bytes, bytes]] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await request(reader))
        writer.write(http(CLEAN))
        await reader.read()

    path = tmp_path / "sock" if unix else None
    finding = asked_rspamd(behave, body_of(MESSAGE), path, loop, "secret")
    assert finding.result is Result.CLEAN
    assert finding.score == 0.5
    ((head, body),) = heard
    assert body == MESSAGE
    lines = head.split(b"\r\n")
    host = b"Host: localhost" if unix else b"Host: 127.0.0.1"
    assert lines == [
        b"POST /checkv2 HTTP/1.1",
        host,
        b"Connection: close",
        b"Content-Length: %d" % len(MESSAGE),
        b"From: a@example.org",
        b"Queue-Id: id1",
        b"Rcpt: b@example.com",
        b"IP: 192.0.2.1",
        b"Helo: mx",
        b"Password: secret",
        b"",
        b"",
    ]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("in_file", [False, True])
def test_a_large_message_goes_whole_and_in_pieces(
    tmp_path: Path, loop: str, *, unix: bool, in_file: bool
) -> None:
    heard: list[bytes] = []

    async def rspamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await request(reader))[1])
        writer.write(http(CLEAN))
        await reader.read()

    async def clamd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await stream(reader))
        writer.write(b"stream: OK\0")
        await reader.read()

    body = body_of(LARGE, tmp_path if in_file else None)

    async def main() -> list[Finding]:
        paths = (tmp_path / "r", tmp_path / "c") if unix else (None, None)
        async with listening(rspamd, paths[0]) as one, listening(clamd, paths[1]) as two:
            return [
                await Rspamd("it", one).ask(body, ASKED),
                await Clamd("it", two).ask(body, ASKED),
            ]

    assert [finding.result for finding in run(main(), loop)] == [Result.CLEAN] * 2
    assert heard == [LARGE, LARGE]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("unix", [False, True])
def test_an_answer_before_the_end_of_the_message_counts(
    tmp_path: Path, loop: str, *, unix: bool
) -> None:
    """Clamd closes with most of the stream unread, as soon as its own limit is passed."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(100)
        writer.write(b"INSTREAM size limit exceeded. ERROR\0")

    async def main() -> Finding:
        async with listening(behave, tmp_path / "sock" if unix else None) as place:
            return await Clamd("it", place).ask(body_of(LARGE * 10), ASKED)

    finding = run(main(), loop)
    assert finding.result is Result.TOO_LARGE
    assert finding.reasons[0].key == "scanner.stream-limit"


def test_rspamd_may_answer_in_chunks_and_without_a_length_and_after_a_hundred() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    for answer in (
        chunked % (len(CLEAN), CLEAN),
        b"HTTP/1.0 200 OK\r\n\r\n" + CLEAN,
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(CLEAN),
    ):
        finding = asked_rspamd(saying(answer), body_of(MESSAGE), None, "uvloop")
        assert finding.result is Result.CLEAN


@pytest.mark.parametrize("sender", ['"a\r\nUser: root"@example.org', "ğ@örnek.example", "x\x00y"])
def test_no_address_can_break_the_request(sender: str) -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await request(reader))[0])
        writer.write(http(CLEAN))
        await reader.read()

    async def main() -> Finding:
        async with listening(behave) as place:
            asked = Asked("id1", 0, sender, (sender,), helo=sender)
            return await Rspamd("it", place).ask(body_of(MESSAGE), asked)

    assert run(main()).result is Result.CLEAN
    assert heads[0].count(b"\r\n") == 9
    assert b"\r\nUser" not in heads[0]


def test_a_healthy_scanner_says_so_and_another_does_not() -> None:
    async def main() -> tuple[str, str]:
        async def version(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.readuntil(b"\0") == b"zVERSION\0"
            writer.write(b"ClamAV 1.4.6\0")
            await reader.read()

        async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert (await request(reader))[0].startswith(b"GET /ping ")
            writer.write(http(b"pong\r\n"))
            await reader.read()

        async def wrong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"UNKNOWN COMMAND\0")

        async with listening(version) as one, listening(ping) as two, listening(wrong) as three:
            with pytest.raises(TroubleError, match="no answer of clamd"):
                await Clamd("it", three).health()
            return await Clamd("it", one).health(), await Rspamd("it", two).health()

    assert run(main()) == ("ClamAV 1.4.6", "pong")


def test_a_message_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    shorter = body_of(MESSAGE, tmp_path)
    body = Body(len(MESSAGE) + 1, path=shorter.path)

    async def main() -> None:
        async with listening(saying(http(CLEAN))) as place:
            it = scanner(Rspamd("it", place))
            for wrong in (body, Body(5, path=tmp_path / "none")):
                with pytest.raises(OSError, match=r"shorter|No such file"):
                    await it.scan(wrong, ASKED)
            assert it.circuit.failures == 0

    run(main())


def test_a_place_is_written_as_the_configuration_has_it() -> None:
    assert str(Place("127.0.0.1", 3310)) == "127.0.0.1:3310"
    assert str(Place("::1", 3310)) == "[::1]:3310"
    assert str(Place(path="/run/clamd.sock")) == "unix:/run/clamd.sock"
