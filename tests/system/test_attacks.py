"""Attacks that live on segments, half-closed connections, the end of TLS, time and numbers.

Those that are a matter of octets alone are in tests/transcripts/attacks. After each the server
still serves, and nothing is in the queue that was not taken.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Served
from tests.system.hostile import HELLO, TO_ADA, Hostile

from ulak.lab.certificate import certificate

LOCAL = '[domains."example.org"]\nmailboxes = ["ada"]\n[delivery]\npaused = true\n'
HEADER = b"From: g@example.net\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all attacks: each finds it as the one before left it."""
    folder = tmp_path_factory.mktemp("attacked")
    cert, key = certificate("mx.example.org").write(folder)
    tls = f'tls = {{ certificate = "{cert}", key = "{key}" }}'
    limits = "[policy]\nmax_message_size = 1000000\n"
    made = Served(folder, LOCAL + limits, tls=tls)
    made.start()
    yield made
    assert made.stop() == 0


@pytest.fixture
def attacker(server: Served) -> Iterator[Hostile]:
    """A connection that has been greeted. What is attacked has to go on serving."""
    with Hostile(server.port) as hostile:
        assert hostile.until(1) == ["220"]
        yield hostile
    with Hostile(server.port) as other:
        other.send(HELLO, b"NOOP\r\n")
        assert other.until(3) == ["220", "250", "250"]


def queued(server: Served) -> int:
    told = server.ulak("queue", "list", "--json")
    assert told.returncode == 0, told.stderr
    return len(json.loads(told.stdout)["recipients"])


@pytest.fixture(scope="module")
def taken(server: Served) -> Callable[[], int]:
    """Tell how many messages have come into the queue since this was asked last."""
    counted = 0

    def since() -> int:
        nonlocal counted
        before, counted = counted, queued(server)
        return counted - before

    return since


def come_to(attacker: Hostile, *more: bytes) -> None:
    """Come as far as a transaction with one recipient."""
    attacker.send(HELLO + TO_ADA + b"".join(more))
    assert attacker.until(3 + len(more))[:3] == ["250"] * 3


# -- the end of the message ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "segments",
    [
        (b"\r", b"\n.\r\nNOOP\r\n"),
        (b"\r\n", b".\r\nNOOP\r\n"),
        (b"\r\n.", b"\r\nNOOP\r\n"),
        (b"\r\n.\r", b"\nNOOP\r\n"),
        (b"\r", b"\n", b".", b"\r", b"\n", b"N", b"OOP\r", b"\n"),
    ],
)
def test_the_end_of_a_message_may_come_in_pieces(
    attacker: Hostile, taken: Callable[[], int], segments: tuple[bytes, ...]
) -> None:
    come_to(attacker, b"DATA\r\n")
    attacker.send(HEADER + b"hi", *segments)
    assert attacker.until(2) == ["250", "250"]
    assert attacker.rest() == []
    assert taken() == 1


@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\r\n.\r\r\n",
    ],
)
def test_a_false_end_in_segments_of_its_own_lets_nothing_in(
    attacker: Hostile, taken: Callable[[], int], end: bytes
) -> None:
    come_to(attacker, b"DATA\r\n")
    attacker.send(HEADER + b"hi", end, TO_ADA, b"DATA\r\n", HEADER, b"smuggled\r\n", b".\r\n")
    assert attacker.rest() == ["550"]
    assert attacker.ended
    assert taken() == 0


def test_half_a_message_is_none(attacker: Hostile, taken: Callable[[], int]) -> None:
    come_to(attacker, b"DATA\r\n")
    attacker.send(HEADER + b"hi\r\n.")
    attacker.say_no_more()
    assert attacker.rest(5) == []
    assert attacker.ended
    assert taken() == 0


def test_half_of_the_last_chunk_is_no_message(attacker: Hostile, taken: Callable[[], int]) -> None:
    come_to(attacker)
    attacker.send(b"BDAT 100 LAST\r\n" + HEADER)
    attacker.say_no_more()
    assert attacker.rest(5) == []
    assert attacker.ended
    assert taken() == 0


def test_a_whole_message_is_one_though_its_client_says_no_more(
    attacker: Hostile, taken: Callable[[], int]
) -> None:
    come_to(attacker)
    attacker.send(b"BDAT %d LAST\r\n" % len(HEADER) + HEADER)
    attacker.say_no_more()
    assert attacker.rest(5) == ["250"]
    assert taken() == 1


def test_a_message_whose_client_is_gone_is_forgotten(
    attacker: Hostile, taken: Callable[[], int]
) -> None:
    come_to(attacker, b"DATA\r\n")
    attacker.send(HEADER + b"x" * 100_000)
    attacker.reset()
    assert taken() == 0


# -- TLS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_what_is_said_behind_starttls_is_not_said_under_tls(
    attacker: Hostile, taken: Callable[[], int], *, apart: bool
) -> None:
    """CVE-2011-0411, CVE-2021-38371: in the same segment it is forgotten, alone it is no TLS."""
    attacker.send(HELLO)
    assert attacker.until(1) == ["250"]
    injected = HELLO + TO_ADA + b"DATA\r\n"
    if apart:
        attacker.send(b"STARTTLS\r\n", injected)
        assert attacker.rest(5) == ["220"]
        assert attacker.ended
    else:
        attacker.send(b"STARTTLS\r\n" + injected)
        assert attacker.until(1) == ["220"]
        attacker.begin_tls()
        assert attacker.rest() == []
        attacker.send(b"DATA\r\n", b"MAIL FROM:<g@example.net>\r\n")
        assert attacker.until(2) == ["503", "503"]
    assert taken() == 0


@pytest.mark.parametrize("way", ["BDAT", "DATA", "command"])
def test_what_is_said_in_clear_behind_the_end_of_tls_is_never_heard(
    attacker: Hostile, taken: Callable[[], int], way: str
) -> None:
    """CVE-2026-45185: the end of TLS within a chunk, and octets in clear that would complete it."""
    attacker.send(HELLO + b"STARTTLS\r\n")
    assert attacker.until(2) == ["250", "220"]
    attacker.begin_tls()
    attacker.send(HELLO + TO_ADA)
    assert attacker.until(3) == ["250"] * 3
    if way == "BDAT":
        attacker.end_tls_and_say(b"BDAT 40 LAST\r\n" + HEADER, b"x" * 40 + b"NOOP\r\n")
    elif way == "DATA":
        attacker.send(b"DATA\r\n")
        assert attacker.until(1) == ["354"]
        attacker.end_tls_and_say(HEADER, b"x\r\n.\r\nNOOP\r\n")
    else:
        attacker.end_tls_and_say(b"NO", b"OP\r\nNOOP\r\n")
    assert attacker.rest(5) == []
    assert attacker.ended
    assert taken() == 0


def test_a_tls_client_on_a_port_in_clear_is_sent_away(server: Served, attacker: Hostile) -> None:
    attacker.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 508)
    assert attacker.rest(5) == ["554"]
    assert attacker.ended
    assert queued(server) >= 0


# -- numbers ------------------------------------------------------------------------------------


def resident(server: Served) -> int:
    """Give the octets that the only worker has in memory."""
    (worker,) = server.workers_of()
    fields = Path(f"/proc/{worker}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(server: Served) -> int:
    (worker,) = server.workers_of()
    return len(list(Path(f"/proc/{worker}/fd").iterdir()))


@pytest.mark.parametrize("beginning", [b"", b"MAIL FROM:<", b"BDAT ", b"\xff", b"\0"])
@pytest.mark.parametrize("octets", [200_000, 30_000_000])
def test_a_line_without_end_costs_neither_memory_nor_patience(
    server: Served, attacker: Hostile, beginning: bytes, octets: int
) -> None:
    before = resident(server)
    attacker.send(beginning + (beginning[-1:] or b"A") * octets)
    heard = attacker.rest(5)
    assert attacker.ended
    # Who goes on and on is cut off, and then may not even hear why.
    assert heard == ["500"] or (octets > 1_000_000 and heard == [])
    assert resident(server) - before < 4_000_000


def test_a_message_over_the_limit_is_not_kept_in_memory(
    server: Served, attacker: Hostile, taken: Callable[[], int]
) -> None:
    come_to(attacker, b"DATA\r\n")
    before = resident(server)
    attacker.send(HEADER + (b"x" * 998 + b"\r\n") * 30_000)
    assert resident(server) - before < 8_000_000
    attacker.send(b".\r\nNOOP\r\n")
    assert attacker.until(2) == ["552", "250"]
    assert taken() == 0


def test_connections_that_are_broken_off_leave_nothing_behind(
    server: Served, attacker: Hostile
) -> None:
    before = descriptors(server)
    for number in range(1500):
        one = Hostile(server.port)
        if number % 3:
            one.send(HELLO)
        if number % 3 == 2:
            one.send(TO_ADA + b"DATA\r\n" + HEADER)
        one.reset()
    attacker.send(b"NOOP\r\n")
    assert attacker.until(1) == ["250"]
    end = time.monotonic() + 60
    while descriptors(server) > before:
        assert time.monotonic() < end, descriptors(server)
        time.sleep(0.05)


# -- time and places, on servers with little patience -------------------------------------------

IMPATIENT = """
[limits]
command_timeout = 1.5
data_timeout = 2
handshake_timeout = 1.5
connections_per_client = 5
min_data_rate = 500
"""


def test_who_drips_is_cut_off_and_who_crowds_is_told_to_wait(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    cert, key = certificate("mx.example.org").write(tmp_path)
    port = served("").port
    implicit = (
        f'[[listener]]\naddress = "127.0.0.1:{port}"\n'
        f'tls = {{ mode = "implicit", certificate = "{cert}", key = "{key}" }}\n'
    )
    server = served(implicit + LOCAL + IMPATIENT)
    server.start()
    began = time.monotonic()
    with Hostile(server.port) as drips, Hostile(server.port) as talks, Hostile(port) as stalls:
        # One octet now and then of a message, of a command and of a handshake.
        drips.send(HELLO + TO_ADA + b"DATA\r\n")
        assert drips.until(5) == ["220", "250", "250", "250", "354"]
        for _ in range(40):
            if drips.ended and talks.ended and stalls.ended:
                break
            drips.send(b"x")
            talks.send(b"N")
            stalls.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:2])
            for one in (drips, talks, stalls):
                one.rest(0.05)
            time.sleep(0.15)
        assert drips.ended
        assert talks.ended
        assert stalls.ended
        assert time.monotonic() - began < 20
    assert queued(server) == 0
    crowd = [Hostile(server.port) for _ in range(7)]
    assert [one.until(1) for one in crowd] == [["220"]] * 5 + [["421"]] * 2
    with Hostile(server.port, source="127.0.0.2") as other:
        assert other.until(1) == ["220"]
    for one in crowd:
        one.close()
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert not [line for line in lines if line["level"] == "error"]
